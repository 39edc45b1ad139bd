"""Times Postlude beside `kfp.local` on the same compiled pipelines, in turn, each run a whole process."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, adopt_orphans, measure
from benchmarks.report import Result, document, markdown
from benchmarks.sides import CASES, SIDES, Side

_TIMEOUT_S = 900.0
_ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the benchmark; 1 where an engine did not do what was asked."""
    options = _options()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="postlude-benchmark-") as scratch:
        _say("compiling")
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.pipelines", f"{scratch}/ir"], check=True, cwd=_ROOT
        )
        bench = Bench(Path(scratch), options.rounds)
        results = [result for case in options.cases for result in bench.case(case)]
    text = markdown(results, options.rounds)
    _write(options.markdown, text)
    _write(options.json, json.dumps(document(results, options.rounds), indent=2) + "\n")
    print(text)
    return int(any(result.refusal for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="which cases (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one round of the cases single and chain-20")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="where to write the tables")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where to write every measurement")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.cases = 1, ["single", "chain-20"]
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: at least 1 is needed")
    return options


class Bench:
    """The runs of one benchmark, in a scratch directory that holds the compiled pipelines."""

    def __init__(self, scratch: Path, rounds: int) -> None:
        self._scratch = scratch
        self._rounds = rounds

    def case(self, case: str) -> list[Result]:
        """Measure one case with every side: a run for memory, which also warms the caches, then the timed rounds."""
        results = {side: self._first(case, side) for side in SIDES}
        for number in range(self._rounds):
            _say(f"{case}: round {number + 1} of {self._rounds}")
            for side in [side for side in SIDES if not results[side].refusal]:
                results[side] = _with(results[side], self._run(case, side, sample=False))
        return list(results.values())

    def _first(self, case: str, side: Side) -> Result:
        _say(f"{case}: memory of {side.title}")
        found = self._run(case, side, sample=True)
        if isinstance(found, str):
            return Result(case=case, side=side.title, refusal=found)
        return Result(case=case, side=side.title, peak_bytes=found.peak_bytes or 0)

    def _run(self, case: str, side: Side, *, sample: bool) -> Cost | str:
        """What one run cost, or why it does not count."""
        if side.installs and CASES[case].too_many_to_install:
            return "not run: a pip a task"
        if CASES[case].needs_venv and not side.has_sdk:
            return "not run: no SDK in its environments"
        source = self._scratch / "ir" / side.variant / f"{case}.yaml"
        with tempfile.TemporaryDirectory(dir=self._scratch) as home:
            cost = measure(
                side.command(CASES[case], source, Path(home)), cwd=_ROOT, timeout_s=_TIMEOUT_S, sample=sample
            )
            return _fault(case, side, cost, Path(home)) or cost


def _with(result: Result, found: Cost | str) -> Result:
    if isinstance(found, str):
        return Result(case=result.case, side=result.side, refusal=found)
    return Result(
        case=result.case,
        side=result.side,
        wall_s=(*result.wall_s, found.wall_s),
        cpu_s=(*result.cpu_s, found.cpu_s),
        peak_bytes=result.peak_bytes,
    )


def _fault(case: str, side: Side, cost: Cost, home: Path) -> str:
    """Why a run does not count, "" where every task of the case ran and succeeded."""
    if cost.code != 0:
        last = (cost.errors.strip().splitlines() or ["it printed no error"])[-1]
        _say(f"{case}: {side.title} exited with {cost.code}:\n{cost.errors}")
        return f"not supported: {last}" if "support" in last else f"failed: {last}"
    done = side.tasks_run(cost.output, home)
    return "" if done == CASES[case].tasks else f"failed: {done} of {CASES[case].tasks} tasks ran"


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        path.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
