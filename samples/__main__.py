"""Runs every compiled pipeline of a directory and writes a table of how each ended.

Exit code 1 where a pipeline did not end as it should.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from postlude.wiring import RunOptions

from .cases import case_of
from .report import line, markdown
from .running import Outcome, run_sample
from .verdict import Verdict

_ROOT = Path(__file__).resolve().parent.parent
_DIRECTORY = _ROOT.parent / "shared" / "kfp" / "pipelines"


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    sources = _sources(options.directory, options.only)
    with _home(options.home) as home:
        outcomes = list(_outcomes(sources, RunOptions(home=home, containers=options.containers, cache=False)))
    text = markdown(outcomes, options.containers)
    if options.markdown is None:
        sys.stdout.write(text)
    else:
        options.markdown.write_text(text)
    return int(any(one.judgement.verdict is Verdict.WRONG for one in outcomes))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m samples", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=_DIRECTORY, help="where the pipelines are")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="run these only, named without .yaml")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="where to write the table (default: stdout)")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where runs are kept (default: nowhere)")
    parser.add_argument(
        "--containers", choices=["auto", "docker", "podman", "host"], default="host", help="as of postlude run"
    )
    return parser.parse_args()


def _sources(directory: Path, only: Sequence[str]) -> list[Path]:
    """The pipelines to run, those that may take long first."""
    found = sorted(directory.glob("*.yaml"))
    unknown = set(only) - {path.stem for path in found}
    if not found or unknown:
        what = f"no pipelines named {', '.join(sorted(unknown))}" if found else "no pipelines (*.yaml)"
        sys.exit(f"{directory}: {what}. Give the directory that holds them.")
    chosen = [path for path in found if not only or path.stem in only]
    return sorted(chosen, key=lambda path: -case_of(path.stem).limit_s)


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="postlude-samples-") as scratch:
        yield Path(scratch)


def _outcomes(sources: Sequence[Path], options: RunOptions) -> Iterator[Outcome]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = [pool.submit(run_sample, source, options) for source in sources]
        for count, future in enumerate(as_completed(asked), 1):
            sys.stderr.write(f"[{count}/{len(asked)}] {line(future.result())}\n")
            yield future.result()


if __name__ == "__main__":
    sys.exit(main())
