"""The fixture: runs, simulates and rehearses pipelines for one test."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, Unpack

from postlude.api.rehearse import rehearsal
from postlude.api.rehearsed import Mishap, Rehearsal
from postlude.api.result import Run
from postlude.api.run import drive
from postlude.api.simulate import Simulation, simulation
from postlude.api.source import load_source
from postlude.core.run_state import FailurePolicy, StatusWords
from postlude.engines.simulated.scenario import Scenario
from postlude.pytest_plugin.cast import Cast, Outputs, Replacements, Tasks
from postlude.pytest_plugin.settings import RunSettings
from postlude.pytest_plugin.show import last_words
from postlude.pytest_plugin.tried import TriedRun
from postlude.runtime.faults import Fault, FaultKind, fates_of, without_effect
from postlude.spec.arguments import check_arguments
from postlude.spec.types import NOTHING, Json
from postlude.testing.stand_ins import StandIns
from postlude.wiring import RunOptions
from postlude.wiring.simulation import performing

_PATIENCE_S: Final = 1.0


class StillRunningWarning(UserWarning):
    """A function that took a component's place goes on after its test."""


class PostludeFixture:
    """Runs and simulates pipelines for one test. A context manager: leaving it waits a second for what still runs.

    Args:
        home: Where its runs are kept; nobody else's are.
        options: What `run` is given where it is not told otherwise.

    Attributes:
        home: As above.
        runs: Every run so far, real and simulated.
    """

    def __init__(self, home: Path, *, options: Mapping[str, Any] = NOTHING) -> None:
        self.home = home
        self.runs: list[TriedRun] = []
        self._options: Final[Mapping[str, Any]] = {"cache": False, **options}
        self._stand_ins: list[StandIns] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        left = [name for stand_ins in self._stand_ins for name in stand_ins.wait(_PATIENCE_S)]
        if left:
            what = f"still running after the test, since nothing can stop a function: {', '.join(left)}"
            warnings.warn(what, StillRunningWarning, stacklevel=2)

    def run(
        self,
        source: Any,
        arguments: Mapping[str, Json] | None = None,
        *,
        replace: Replacements = NOTHING,
        fail: Tasks = (),
        outputs: Outputs = NOTHING,
        faults: Sequence[Fault] = (),
        pipeline: str | None = None,
        name: str = "",
        **options: Unpack[RunSettings],
    ) -> TriedRun:
        """Run a pipeline to its end, in the test's own home; nothing is cached unless `cache=True`.

        A task is named by its path ("loop[*]/train"), its name, the name of its component, or the component itself.

        Args:
            source: A pipeline function, a path (.py, .yaml, .json, .zip, .tar.gz), or the IR as a dict.
            arguments: The pipeline's input parameters.
            replace: Functions of this process that take the place of components, by task. A function gets the inputs
                that it names, and returns what the component does; what it raises is the task's failure.
            fail: Tasks that fail without running: a task, several, or a mapping of tasks to messages.
            outputs: What tasks produce without running, by "TASK.OUTPUT": values of parameters, URIs of artifacts.
            faults: More that goes wrong, by path: `postlude.Fault.kill` and `.delay`.
            pipeline: Which pipeline of a .py file; None where there is one.
            name: What to call the run.
            **options: As the fields of `postlude.wiring.RunOptions`.

        Raises:
            SpecError: The pipeline, its arguments, or a task that is named here is wrong; nothing was run.
            ConfigError: This machine cannot serve the run as asked.
            AssertionError: A function that took a component's place raised it, as the run went to its end all the same.
                So is everything raised that is no `Exception`, such as what `pytest.fail` raises.
        """
        __tracebackhide__ = True
        loaded = load_source(source, pipeline=pipeline, home=self.home)
        cast = Cast(loaded)
        stand_ins = cast.stand_ins(replace, cast.products(outputs), produce=True)
        injected = (*cast.faults(FaultKind.FAIL, fail), *faults)
        cast.check()
        chosen: Mapping[str, Any] = {"home": self.home, **self._options, **options}
        run_options = RunOptions(**chosen, faults=injected, stand_ins=stand_ins)
        finished = drive(lambda: loaded, arguments or {}, run_options, name)
        tried = _tried(finished, cast, stand_ins, injected)
        for sentence in tried.without_effect:
            warnings.warn(sentence, stacklevel=2)
        return self._kept(tried)

    def simulate(  # noqa: PLR0913 - all but two are keyword-only
        self,
        source: Any,
        arguments: Mapping[str, Json] | None = None,
        *,
        replace: Replacements = NOTHING,
        fail: Tasks = (),
        timeout: Tasks = (),
        oom: Tasks = (),
        cancel_at: Any = "",
        outputs: Outputs = NOTHING,
        faults: Sequence[Fault] = (),
        pipeline: str | None = None,
        workers: int | None = None,
        failure_policy: str = "slow",
        status_words: str = "kfp",
        timeout_s: float | None = None,
        exit_timeout_s: float | None = None,
    ) -> TriedRun:
        """What becomes of a pipeline if these things happen. Of its own code nothing runs; time is virtual.

        Tasks are named as for `run`.

        Args:
            source: As for `run`.
            arguments: The pipeline's input parameters.
            replace: Functions that are called in place of components, as for `run`.
            fail: Tasks that fail, as for `run`.
            timeout: Tasks that run into their time limit, likewise.
            oom: Tasks that run out of memory, likewise.
            cancel_at: A task; the run is canceled when it has started.
            outputs: What tasks produce, as for `run`. Everything else is made up.
            faults: More that goes wrong, by path.
            pipeline: Which pipeline of a .py file; None where there is one.
            workers: Tasks at a time; None for no limit.
            failure_policy: "slow" or "fast".
            status_words: "kfp" or "sdk".
            timeout_s: Virtual seconds that the run may take, exit tasks aside.
            exit_timeout_s: Virtual seconds that each exit task may take.

        Raises:
            SpecError, ConfigError, AssertionError: As for `run`.
        """
        __tracebackhide__ = True
        words = RunOptions(workers=workers, failure_policy=failure_policy, status_words=status_words)
        loaded = load_source(source, pipeline=pipeline, home=self.home)
        cast = Cast(loaded)
        products = cast.products(outputs)
        stand_ins = cast.stand_ins(replace, products, produce=False)
        named = {FaultKind.FAIL: fail, FaultKind.TIMEOUT: timeout, FaultKind.OOM: oom}
        scenario = Scenario(
            faults=[*(one for kind, tasks in named.items() for one in cast.faults(kind, tasks)), *faults],
            products=products,
            cancel_at=cast.one("cancel_at", cancel_at),
            workers=workers,
            perform=performing(stand_ins, self.home / "simulations" / str(len(self.runs))),
            failure_policy=FailurePolicy(words.failure_policy),
            status_words=StatusWords(words.status_words),
            timeout_s=timeout_s,
            exit_timeout_s=exit_timeout_s,
        )
        cast.check()
        found = simulation(loaded, check_arguments(loaded, arguments or {}), scenario)
        return self._kept(_simulated(found, cast, stand_ins))

    def rehearse(
        self,
        source: Any,
        arguments: Mapping[str, Json] | None = None,
        *,
        only: Sequence[str] = (),
        exit_tasks: bool = False,
        outputs: Outputs = NOTHING,
        pipeline: str | None = None,
    ) -> Rehearsal:
        """Try every failure of every task, and say who is told: as `postlude.rehearse`, with outputs as for `run`."""
        __tracebackhide__ = True
        loaded = load_source(source, pipeline=pipeline, home=self.home)
        cast = Cast(loaded)
        scenario = Scenario(products=cast.products(outputs))
        cast.check()
        given, chosen = check_arguments(loaded, arguments or {}), tuple(map(Mishap, only))
        return rehearsal(loaded, given, scenario, only=chosen, exit_tasks=exit_tasks)

    def sections(self, said: str = "") -> Sequence[tuple[str, str]]:
        """What the report of a failed test says of its runs: a heading and a text for each.

        Args:
            said: What the test failed with; a tree that is shown there is not shown again.
        """
        found = [_section(number, run, said) for number, run in enumerate(self.runs, start=1)]
        return [(heading, text) for heading, text in found if text]

    def _kept(self, run: TriedRun) -> TriedRun:
        """The run, now one of this test's.

        Raises:
            BaseException: What a function raised that is meant for the test.
        """
        __tracebackhide__ = True
        self.runs.append(run)
        self._stand_ins.append(run.stand_ins)
        for objection in run.stand_ins.objections[:1]:
            objection.add_note(f"raised in place of a component; the run went on to its end and is {run.state}")
            raise objection
        return run


def _tried(finished: Run, cast: Cast, stand_ins: StandIns, faults: Sequence[Fault]) -> TriedRun:
    return TriedRun(
        document=finished.document,
        fetch=finished.fetch,
        names=cast.names,
        stand_ins=stand_ins,
        without_effect=list(without_effect(faults, fates_of(finished.document))),
    )


def _simulated(found: Simulation, cast: Cast, stand_ins: StandIns) -> TriedRun:
    return TriedRun(
        document=found.run.document,
        names=cast.names,
        stand_ins=stand_ins,
        simulated=True,
        made_up=found.made_up,
        without_effect=found.without_effect,
    )


def _section(number: int, run: TriedRun, said: str) -> tuple[str, str]:
    kind = "simulated run" if run.simulated else "run"
    notes = [f"Made up: {each}" for each in run.made_up] + [f"Note: {each}" for each in run.without_effect]
    tree = str(run)
    parts = ["" if tree in said else tree, "\n".join(notes), last_words(run.document)]
    return f"postlude: {kind} {number}, {run.pipeline}", "\n".join(part for part in parts if part)
