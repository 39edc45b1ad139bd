"""Rehearse a pipeline: try every failure that a task can have, and see who is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from postlude.api.faults import check_products, named_products
from postlude.api.source import load_source
from postlude.core import run_state
from postlude.core.rehearsal import asks_for_status, is_bad_news, keeps_watch, tellings, tells
from postlude.core.task import Kind, State, Task
from postlude.engines.simulated.engine import simulate as simulated
from postlude.engines.simulated.made_up import decisions
from postlude.engines.simulated.scenario import Scenario
from postlude.runtime.faults import Fault, FaultKind
from postlude.spec.arguments import check_arguments
from postlude.spec.paths import pattern_of, places
from postlude.spec.types import Json, Pipeline

SCHEMA: Final = "postlude.rehearsal/v1"


class Mishap(Enum):
    """What is tried with each task; the values are the words of the option."""

    FAIL = "fail"
    TIMEOUT = "timeout"
    OOM = "oom"
    CANCEL = "cancel"


_OF_IMPORTERS: Final = frozenset({Mishap.FAIL, Mishap.CANCEL})


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """An exit task, or a task that ignores upstream failures, that fired in a case.

    Attributes:
        states: The state in each final status that it received; empty where it takes none.
        told: Whether it was told of what was tried.
    """

    path: str
    states: tuple[str, ...]
    told: bool


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One mishap of one task, and what came of it.

    Attributes:
        task: The task's path; of a loop the first iteration stands for all.
        run: The run's final state.
        state: The task's final state. An exit task that a cancel spares SUCCEEDED.
        witnesses: Who fired, in that order.
        watcher: Whether the task is an exit task, ignores upstream failures, or is part of one that does.
        required: Whether somebody must be told.
    """

    task: str
    mishap: Mishap
    run: str
    state: str
    witnesses: tuple[Witness, ...]
    watcher: bool
    required: bool

    @property
    def failed(self) -> bool:
        """Whether the task did not end well."""
        return self.state != State.SUCCEEDED.value

    @property
    def handled(self) -> bool:
        """Whether somebody was told, or nothing failed."""
        return not self.failed or any(witness.told for witness in self.witnesses)


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a pipeline under every mishap.

    Attributes:
        pipeline: Its name.
        undisturbed: The final state of the run in which nothing is tried; cases build on it.
        error: Why that did not succeed; "" where it did.
        cases: Every task with every mishap, in the order of the run.
        never_told: Watchers that take a status and never saw a failure in any case.
        take_no_status: Watchers that fire and cannot be told.
        never_reached: Tasks that no case came to, and of which nothing is known therefore.
        made_up: A sentence for each condition or loop that a made-up value decided.
    """

    pipeline: str
    undisturbed: str
    error: str
    cases: Sequence[Case]
    never_told: Sequence[str]
    take_no_status: Sequence[str]
    never_reached: Sequence[str]
    made_up: Sequence[str]

    @property
    def unhandled(self) -> Sequence[Case]:
        """The cases in which somebody should have been told and nobody was."""
        return [case for case in self.cases if case.required and not case.handled]

    @property
    def ok(self) -> bool:
        """Whether somebody is told of every failure."""
        return not self.unhandled

    @property
    def document(self) -> Json:
        """All of it as JSON, `postlude.rehearsal/v1`."""
        return {
            "schema": SCHEMA,
            "pipeline": self.pipeline,
            "ok": self.ok,
            "undisturbed": self.undisturbed,
            "error": self.error,
            "cases": [_case_document(case) for case in self.cases],
            "never_told": list(self.never_told),
            "take_no_status": list(self.take_no_status),
            "never_reached": list(self.never_reached),
            "made_up": list(self.made_up),
        }


def rehearse(
    source: Any,
    arguments: Mapping[str, Json] | None = None,
    *,
    pipeline: str | None = None,
    only: Iterable[str] = (),
    exit_tasks: bool = False,
    outputs: Mapping[str, Json] | None = None,
) -> Rehearsal:
    """Try every failure of every task of a pipeline, and say who is told. Runs none of its code.

    Args:
        source: A pipeline function, a path (.py, .yaml, .json, .zip, .tar.gz), or the IR as a dict.
        arguments: The pipeline's input parameters.
        pipeline: Which pipeline of a .py file; None where there is one.
        only: Which of "fail", "timeout", "oom" and "cancel" to try; all of them where empty.
        exit_tasks: Whether somebody must be told of the failures of exit tasks, too.
        outputs: What tasks produce, as for `simulate`.

    Raises:
        SpecError: The pipeline, its arguments or an output is wrong.
        ConfigError: There is no such source.
        ValueError: `only` holds another word.
    """
    loaded = load_source(source, pipeline=pipeline)
    scenario = Scenario(products=named_products(outputs or {}))
    chosen = tuple(map(Mishap, only))
    given = check_arguments(loaded, arguments or {})
    return rehearsal(loaded, given, scenario, only=chosen, exit_tasks=exit_tasks)


def rehearsal(
    pipeline: Pipeline,
    arguments: Mapping[str, Json],
    scenario: Scenario,
    *,
    only: Sequence[Mishap] = (),
    exit_tasks: bool = False,
    source: str = "the rehearsal",
) -> Rehearsal:
    """Rehearse a pipeline whose arguments are checked; every case builds on the scenario.

    Raises:
        SpecError: The scenario speaks of outputs that the pipeline does not have.
    """
    check_products(pipeline, scenario.products, source=source)
    undisturbed = simulated(pipeline, arguments, scenario)
    seen = _Seen()
    seen.note(undisturbed)
    cases = [
        _case(seen.note(simulated(pipeline, arguments, _with(scenario, task, mishap))), task, mishap, exit_tasks)
        for task in _reached_leaves(undisturbed)
        for mishap in (only or Mishap)
        if task.kind is not Kind.IMPORTER or mishap in _OF_IMPORTERS
    ]
    return Rehearsal(
        pipeline=pipeline.name,
        undisturbed=undisturbed.state.value,
        error=undisturbed.error.message if undisturbed.error else "",
        cases=cases,
        never_told=sorted(seen.asking - seen.told),
        take_no_status=sorted(seen.silent),
        never_reached=[each.path for each in places(pipeline).values() if each.leaf and each.path not in seen.reached],
        made_up=[str(one) for one in decisions(undisturbed, scenario)],
    )


class _Seen:
    """What was seen in any case, by path with "[*]" for iterations.

    Attributes:
        reached: Leaves that came to run.
        asking: Watchers that fired and take a status.
        silent: Watchers that fired and take none.
        told: Watchers that were told of something bad.
    """

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self.asking: set[str] = set()
        self.silent: set[str] = set()
        self.told: set[str] = set()

    def note(self, run: run_state.Run) -> run_state.Run:
        """Take note of a run, and give it back."""
        self.reached |= {pattern_of(task.path) for task in run.tasks.values() if task.kind.is_leaf and task.attempt}
        for telling in tellings(run):
            path = pattern_of(telling.watcher.path)
            (self.asking if asks_for_status(run, telling.watcher) else self.silent).add(path)
            if is_bad_news(run, telling):
                self.told.add(path)
        return run


def _reached_leaves(run: run_state.Run) -> Iterator[Task]:
    """The leaves that came to run; of a loop's iterations the first."""
    leaves = sorted((task for task in run.tasks.values() if _ran(task)), key=lambda task: task.started_order)
    first: dict[str, Task] = {}
    for task in leaves:
        first.setdefault(pattern_of(task.path), task)
    return iter(first.values())


def _ran(task: Task) -> bool:
    return task.kind.is_leaf and task.attempt > 0


_FAULTS: Final[Mapping[Mishap, FaultKind]] = {
    Mishap.FAIL: FaultKind.FAIL,
    Mishap.TIMEOUT: FaultKind.TIMEOUT,
    Mishap.OOM: FaultKind.OOM,
}


def _with(scenario: Scenario, task: Task, mishap: Mishap) -> Scenario:
    if mishap is Mishap.CANCEL:
        return replace(scenario, cancel_at=task.path)
    return replace(scenario, faults=[*scenario.faults, Fault(path=task.path, kind=_FAULTS[mishap])])


def _case(run: run_state.Run, task: Task, mishap: Mishap, exit_tasks: bool) -> Case:  # noqa: FBT001 - private
    after, watcher = run.tasks[task.path], keeps_watch(run, task)
    return Case(
        task=task.path,
        mishap=mishap,
        run=run.state.value,
        state=after.state.value,
        witnesses=tuple(
            Witness(
                path=telling.watcher.path,
                states=tuple(payload["state"] for payload in telling.payloads.values()),
                told=tells(run, telling, after),
            )
            for telling in tellings(run)
        ),
        watcher=watcher,
        required=exit_tasks or not watcher,
    )


def _case_document(case: Case) -> Json:
    return {
        "task": case.task,
        "mishap": case.mishap.value,
        "run": case.run,
        "state": case.state,
        "exit_tasks": [{"path": one.path, "states": list(one.states), "told": one.told} for one in case.witnesses],
        "watcher": case.watcher,
        "required": case.required,
        "handled": case.handled,
    }
