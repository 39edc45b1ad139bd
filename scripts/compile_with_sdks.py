"""Compile pipelines with many SDK releases, each installed into an environment that is thrown away again.

    python scripts/compile_with_sdks.py [VERSION...]

Writes tests/data/sdk/<version>.yaml and, for some, tests/data/nested/<version>.yaml, which is written with
`postlude.dsl` of this checkout. It needs uv and a package index.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

RELEASES: Final = ("2.0.1", "2.4.0", "2.7.0", "2.9.0", "2.11.0", "2.13.0", "2.14.6", "2.15.2", "2.16.1", "2.17.0")
"""From the first to the latest, near the points where what the compiler writes or accepts has changed."""

NESTED: Final = ("2.0.1", "2.7.0", "2.13.0", "2.17.0")
"""Those whose compiler `postlude.dsl` is tested with: the oldest, the newest, and two between."""

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parent
_DATA: Final = _ROOT / "tests" / "data"
_SOURCE: Final = _HERE / "sdk_matrix_pipeline.py"
_NESTED_SOURCE: Final = _HERE / "nested_handlers_pipeline.py"


def main(arguments: Sequence[str]) -> int:
    """Compile with the releases named, or with all of them; the number of those that failed."""
    unknown = sorted(set(arguments) - set(RELEASES))
    if unknown:
        print(f"{', '.join(unknown)}: not in the matrix, which has {', '.join(RELEASES)}. Add it to RELEASES.")
        return 2
    for kind in ("sdk", "nested"):
        (_DATA / kind).mkdir(parents=True, exist_ok=True)
    return sum(not _compiled(release) for release in arguments or RELEASES)


def _compiled(release: str) -> bool:
    """Compile with one release; whether that went well."""
    with tempfile.TemporaryDirectory() as directory:
        python = f"{directory}/bin/python"
        # releases before 2.8 import pkg_resources, which later setuptools do not bring
        packages = (f"kfp=={release}", "setuptools<81", "packaging", "msgspec")
        steps: list[Sequence[str]] = [
            ("uv", "venv", "--quiet", "--clear", "--python", "3.11", directory),
            ("uv", "pip", "install", "--quiet", "--python", python, *packages),
            (python, "-W", "ignore", str(_SOURCE), str(_DATA / "sdk" / f"{release}.yaml")),
        ]
        if release in NESTED:
            steps.append((python, "-W", "ignore", str(_NESTED_SOURCE), str(_DATA / "nested" / f"{release}.yaml")))
        return all(_done(release, step) for step in steps)


def _done(release: str, step: Sequence[str]) -> bool:
    # postlude.dsl needs of Postlude its sources and little else
    env = {**os.environ, "PYTHONPATH": str(_ROOT / "src")}
    ended = subprocess.run(step, check=False, capture_output=True, text=True, env=env)
    if ended.returncode:
        print(f"{release}: {' '.join(step)} ended with {ended.returncode}:\n{ended.stderr}", file=sys.stderr)
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
