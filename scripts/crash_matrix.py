"""Kills the engine at every crash point and at random moments, thousands of times, and prints what survived.

`python scripts/crash_matrix.py --kills 3000 --markdown matrix.md`. Exit code 1 where anything did not survive.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "crash"))

from engine_process import adopt_orphans
from ordeal import RANDOM, Chain, Ordeal, Verdict, at_random, every_point

from postlude.runtime.checkpoint import Point

_LONGEST_S = 1.2
"""Random moments are within so many seconds of an engine's start: about as long as an undisturbed run takes."""

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made there
"""Killing a process loses nothing that it wrote, so flushing to a disk would cost time and prove nothing."""

_WHOLE = (0, 1)

Report = dict[str, Any]
"""{"undisturbed": how often each point is reached, "kills", "survived": by point, "runs", "faults": [...]}."""


def main() -> int:
    """Run the matrix; 1 where anything did not survive."""
    options = _options()
    began = time.monotonic()
    report = _merged(_in_parallel(options)) if options.jobs > 1 else _shard(options)
    text = _markdown(report, time.monotonic() - began)
    if options.json:
        options.json.write_text(json.dumps(report), encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.shard == _WHOLE:
        print(text)
    return int(bool(report["faults"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2000, help="kills at least, every crash point first (2000)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time (as many as cores)")
    parser.add_argument("--seed", type=int, default=1, help="which random plan (1)")
    parser.add_argument(
        "--shard", type=_fraction, default=_WHOLE, metavar="I/N", help="only this part of the plan, from 0"
    )
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="where to write the table")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where to write every figure")
    return parser.parse_args()


def _fraction(text: str) -> tuple[int, int]:
    part, _, whole = text.partition("/")
    return int(part), int(whole)


# --- one part ---------------------------------------------------------------------------------------------------------


def _shard(options: argparse.Namespace) -> Report:
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="crash-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as scratch:
        ordeal = Ordeal(Path(scratch))
        verdicts = list(_endured(ordeal, options))
    return {"undisturbed": dict(ordeal.points), **_summary(verdicts)}


def _endured(ordeal: Ordeal, options: argparse.Namespace) -> Iterator[Verdict]:
    """Every point, then random chains until there were kills enough."""
    part, whole = options.shard
    kills = 0
    for needed, chain in _plan(ordeal, options):
        if not needed and kills >= options.kills / whole:
            return
        verdict = ordeal.endure(chain)
        kills += len(verdict.kills)
        if verdict.faults:
            _say(f"{chain}: {verdict.faults}")
        yield verdict
        if kills % 100 < len(verdict.kills):
            _say(f"part {part + 1} of {whole}: {kills} kills")


def _plan(ordeal: Ordeal, options: argparse.Namespace) -> Iterator[tuple[bool, Chain]]:
    """Chains without end, and whether each is needed whatever came before."""
    part, whole = options.shard
    for chain in islice(every_point(ordeal.points, options.seed), part, None, whole):
        yield True, chain
    for chain in at_random(ordeal.points, options.seed * whole + part, longest_s=_LONGEST_S):
        yield False, chain


def _summary(verdicts: Sequence[Verdict]) -> Report:
    kills: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    for verdict in verdicts:
        points = Counter(kill.point for kill in verdict.kills)
        kills += points
        survived += Counter() if verdict.faults else points
    faults = [fault for verdict in verdicts for fault in verdict.faults]
    return {"kills": dict(kills), "survived": dict(survived), "runs": len(verdicts), "faults": faults}


# --- all parts --------------------------------------------------------------------------------------------------------


def _in_parallel(options: argparse.Namespace) -> Iterator[Report]:
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch, f"{part}.json") for part in range(options.jobs)]
        commands = [_command(options, part, file) for part, file in enumerate(files)]
        processes = [subprocess.Popen(command) for command in commands]
        codes = [process.wait() for process in processes]
        if not all(file.exists() for file in files):
            sys.exit(f"parts ended with exit codes {codes} and no figures: what they said is above")
        yield from (json.loads(file.read_text(encoding="utf-8")) for file in files)


def _command(options: argparse.Namespace, part: int, file: Path) -> list[str]:
    numbers = {"--kills": options.kills, "--seed": options.seed, "--shard": f"{part}/{options.jobs}", "--json": file}
    given = [str(text) for pair in numbers.items() for text in pair]
    return [sys.executable, __file__, "--jobs", "1", *given]


def _merged(reports: Iterable[Report]) -> Report:
    found = list(reports)
    return {
        "undisturbed": found[0]["undisturbed"],
        **{name: dict(sum((Counter(one[name]) for one in found), Counter())) for name in ("kills", "survived")},
        "runs": sum(one["runs"] for one in found),
        "faults": [fault for one in found for fault in one["faults"]],
    }


def _markdown(report: Report, took_s: float) -> str:
    kills, survived = report["kills"], report["survived"]
    lines = ["| crash point | reached by an undisturbed run | kills | survived |", "|---|---:|---:|---:|"]
    for point in [*(one.value for one in Point), RANDOM]:
        reached = report["undisturbed"].get(point, "")
        lines.append(f"| {point} | {reached} | {kills.get(point, 0)} | {survived.get(point, 0)} |")
    lines.append(f"| all | {sum(report['undisturbed'].values())} | {sum(kills.values())} | {sum(survived.values())} |")
    return "\n".join([*lines, "", f"{report['runs']} runs in {took_s:.0f} s."]) + "\n"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
