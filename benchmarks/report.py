"""Measurements as a table: medians, and how they compare with this engine's."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from benchmarks.sides import CASES, SIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one side cost in one case.

    Attributes:
        refusal: Why there is nothing to compare, "" where there is.
        wall_s: Of each round.
        cpu_s: Of each round.
        peak_bytes: Of the run in which memory was sampled.
    """

    case: str
    side: str
    refusal: str = ""
    wall_s: tuple[float, ...] = ()
    cpu_s: tuple[float, ...] = ()
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    title: str
    unit: str
    digits: int
    of: Callable[[Result], float]


_MEASURES = (
    _Measure(title="Wall time", unit="s", digits=2, of=lambda result: statistics.median(result.wall_s)),
    _Measure(title="CPU time", unit="s", digits=2, of=lambda result: statistics.median(result.cpu_s)),
    _Measure(title="Peak memory", unit="MB", digits=0, of=lambda result: result.peak_bytes / 1e6),
)

Results = Mapping[tuple[str, str], Result]
"""By case and side."""


def document(results: Sequence[Result], rounds: int) -> dict[str, Any]:
    """Everything measured, and where, as JSON."""
    return {
        "schema": "postlude.benchmark/v1",
        "machine": _machine(),
        "rounds": rounds,
        "results": [asdict(result) for result in results],
        "per_task_s": _slopes(_by_place(results)),
    }


def markdown(results: Sequence[Result], rounds: int) -> str:
    """The tables that the documentation shows."""
    places = _by_place(results)
    machine = ", ".join(f"{name} {value}" for name, value in _machine().items())
    lines = [
        f"Measured with {machine}.",
        f"Medians of {rounds} round{'s' * (rounds != 1)}, each case a whole process, the engines in turn.",
        "In brackets: how many times Postlude's value. Memory is the proportional set size of the whole process tree",
        "at its peak, sampled in runs of its own.",
    ]
    for measure in _MEASURES:
        lines += ["", f"### {measure.title} ({measure.unit})", "", *_table(places, measure)]
    return "\n".join([*lines, "", "### Per task", "", *_slope_lines(_slopes(places))]) + "\n"


def _by_place(results: Iterable[Result]) -> Results:
    return {(result.case, result.side): result for result in results}


def _machine() -> dict[str, str]:
    return {
        "postlude": version("postlude"),
        "kfp": version("kfp"),
        "Python": platform.python_version(),
        "cores": str(os.cpu_count()),
    }


def _table(places: Results, measure: _Measure) -> Iterator[str]:
    yield "| case | " + " | ".join(side.title for side in SIDES) + " |"
    yield "|---|" + "---:|" * len(SIDES)
    for case in CASES:
        if any(place[0] == case for place in places):
            yield f"| {case} | " + " | ".join(_cell(places, case, side.title, measure) for side in SIDES) + " |"


def _cell(places: Results, case: str, side: str, measure: _Measure) -> str:
    result, ours = places.get((case, side)), places.get((case, SIDES[0].title))
    if result is None or result.refusal:
        return result.refusal if result else ""
    value = measure.of(result)
    shown = f"{value:.{measure.digits}f}"
    if ours is None or ours is result or ours.refusal or not measure.of(ours):
        return shown
    return f"{shown} ({value / measure.of(ours):.1f}x)"


def _slopes(places: Results) -> dict[str, float]:
    """Seconds a further task of a chain takes, by side: the chain of 20 less the single task, over 19."""
    found = {side.title: (places.get(("single", side.title)), places.get(("chain-20", side.title))) for side in SIDES}
    return {
        side: (statistics.median(chain.wall_s) - statistics.median(single.wall_s)) / 19
        for side, (single, chain) in found.items()
        if single and chain and not single.refusal and not chain.refusal
    }


def _slope_lines(slopes: Mapping[str, float]) -> Iterator[str]:
    if not slopes:
        yield "Not measured: it takes the cases single and chain-20."
        return
    yield "Wall time of the chain of 20 less that of the single task, over 19."
    yield ""
    yield "| " + " | ".join(slopes) + " |"
    yield "|" + "---:|" * len(slopes)
    yield "| " + " | ".join(f"{seconds * 1000:.1f} ms" for seconds in slopes.values()) + " |"
