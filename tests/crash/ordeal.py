"""Runs one pipeline again and again, kills its engine as planned, resumes it until it ends, and looks what survived."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_process import NOWHERE, End, EngineFailedError, SurvivorError, drive
from survival import Json, Traces, faults

from postlude.api.source import load_source
from postlude.engines.local.engine import LocalEngine
from postlude.runtime.checkpoint import Point
from postlude.spec.types import Pipeline
from postlude.wiring import RunOptions
from postlude.wiring.stores import open_stored

RANDOM = "random moment"
_EXIT_TASKS = {"tell": "outer", "exit-handler-1/inner/tell": "inner"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One death of an engine.

    Attributes:
        point: The crash point, or `RANDOM`.
        number: Which time the engine comes to it.
        after_s: Seconds after its start, for a random moment.
    """

    point: str
    number: int = 1
    after_s: float = 0.0

    @property
    def orders(self) -> dict[str, Any]:
        """What `drive` is told."""
        return {"kill_after_s": self.after_s} if self.after_s else {"kill_at": f"{self.point}:{self.number}"}


Chain = Sequence[Kill]
"""The deaths that one run goes through, each of the engine that goes on with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one run.

    Attributes:
        kills: Those that came about.
        faults: What was wrong in the end; empty where all survived.
    """

    kills: Chain
    faults: Sequence[str]


class Ordeal:
    """A place where the pipeline is run and killed. Not for several threads.

    Args:
        scratch: An empty directory.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._template = scratch / "template"
        subprocess.run([sys.executable, "-W", "ignore", Path(__file__).with_name("tangle.py"), scratch], check=True)
        self._pipeline, warm = (load_source(scratch / f"{name}.yaml") for name in ("tangle", "warm"))
        (scratch / "data").write_text("imported")
        log = {"log": str(self._traces.log)}
        drive(self._options(self._made(self._template)), lambda engine: engine.run(warm, log))
        self.points, self.undisturbed = self._undisturbed()

    def endure(self, chain: Chain) -> Verdict:
        """Run the pipeline through these deaths."""
        home = self._fresh_home()
        done: list[Kill] = []
        try:
            for kill in chain:
                if not self._go_on(home, **kill.orders).killed:
                    break
                done.append(kill)
            self._go_on(home)
            found = faults(home, _document(home), self.undisturbed, self._traces)
        except (EngineFailedError, SurvivorError) as error:
            found = [str(error)]
        return Verdict(kills=done, faults=found)

    def _undisturbed(self) -> tuple[Mapping[str, int], Json]:
        home = self._fresh_home()
        end = self._go_on(home)
        document = _document(home)
        found = faults(home, document, document, self._traces)
        if found:
            raise AssertionError(f"the undisturbed run: {found}")
        return end.points, document

    def _go_on(self, home: Path, **orders: Any) -> End:
        return drive(
            self._options(home),
            lambda engine: _begin_or_resume(engine, home, self._pipeline, self._arguments),
            **orders,
        )

    @property
    def _arguments(self) -> Mapping[str, str]:
        traces = self._traces
        return {
            "log": str(traces.log),
            "failed_once": str(self._scratch / "failed-once"),
            "told_outer": str(traces.told["tell"]),
            "told_inner": str(traces.told["exit-handler-1/inner/tell"]),
            "data": str(self._scratch / "data"),
        }

    @property
    def _traces(self) -> Traces:
        told = {path: self._scratch / f"told-{name}" for path, name in _EXIT_TASKS.items()}
        return Traces(log=self._scratch / "log", told=told)

    def _fresh_home(self) -> Path:
        home = self._scratch / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._template, home)
        for file in (self._traces.log, *self._traces.told.values(), self._scratch / "failed-once"):
            file.unlink(missing_ok=True)
        return home

    @staticmethod
    def _made(home: Path) -> Path:
        home.mkdir()
        return home

    @staticmethod
    def _options(home: Path) -> RunOptions:
        return RunOptions(home=home, workers=2, containers="host")


def _begin_or_resume(engine: LocalEngine, home: Path, pipeline: Pipeline, arguments: Mapping[str, str]) -> None:
    """What a user does after a crash: resume the run, or begin it where none was stored."""
    run_id = _stored(home, pipeline)
    if run_id is None:
        engine.run(pipeline, arguments)
    else:
        engine.resume(run_id)


def _stored(home: Path, pipeline: Pipeline) -> str | None:
    """The run of the pipeline, finished or not; None where there is none."""
    with closing(open_stored(home)) as store:
        ids = [*store.journal.unfinished(), *(run["run_id"] for run in store.catalog.runs())]
        return next((one for one in ids if store.journal.record(one).pipeline == pipeline.name), None)


def _document(home: Path) -> Json:
    with closing(open_stored(home)) as store:
        return store.catalog.run("")


# --- plans ------------------------------------------------------------------------------------------------------------


def every_point(points: Mapping[str, int], seed: int) -> Iterator[Chain]:
    """A run for each time that the undisturbed one came to a point; the engine that goes on is killed once more."""
    dice = random.Random(seed)  # noqa: S311 - a plan that can be repeated
    for point in Point:
        for number in range(1, points[point.value] + 1):
            yield Kill(point=point.value, number=number), _somewhere(dice, points)


def at_random(points: Mapping[str, int], seed: int, *, longest_s: float) -> Iterator[Chain]:
    """Runs without end, each killed several times, at random points and at random moments."""
    dice = random.Random(seed)  # noqa: S311 - a plan that can be repeated
    while True:
        moments = [Kill(point=RANDOM, after_s=dice.uniform(0.01, longest_s)) for _ in range(2)]
        chain = [*moments, _somewhere(dice, points), _somewhere(dice, points)]
        dice.shuffle(chain)
        yield chain


def _somewhere(dice: random.Random, points: Mapping[str, int]) -> Kill:
    """An early occurrence of a point that a run comes to often: an engine that goes on has less to do."""
    point = dice.choice([name for name, count in points.items() if count > 1])
    return Kill(point=point, number=dice.randint(1, 5))


__all__ = ["NOWHERE", "RANDOM", "Chain", "Kill", "Ordeal", "Verdict", "at_random", "every_point"]
