"""Rehearse a pipeline: try every failure that a task can have, and see who is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from postlude.api.faults import check_products, named_products
from postlude.api.rehearsed import Case, Mishap, Rehearsal, Witness
from postlude.api.source import load_source
from postlude.api.words import chosen
from postlude.core import run_state
from postlude.core.rehearsal import asks_for_status, is_bad_news, keeps_watch, tellings, tells
from postlude.core.task import Kind, Task
from postlude.engines.simulated.engine import simulate as simulated
from postlude.engines.simulated.made_up import decisions
from postlude.engines.simulated.scenario import Scenario
from postlude.runtime.faults import Fault, FaultKind
from postlude.spec.arguments import check_arguments
from postlude.spec.paths import pattern_of, places
from postlude.spec.types import Json, Pipeline

_OF_IMPORTERS: Final = frozenset({Mishap.FAIL, Mishap.CANCEL})


def rehearse(
    source: Any,
    arguments: Mapping[str, Json] | None = None,
    *,
    pipeline: str | None = None,
    only: str | Iterable[str] = (),
    exit_tasks: bool = False,
    outputs: Mapping[str, Json] | None = None,
) -> Rehearsal:
    """Try every failure of every task of a pipeline, and say who is told. Runs none of its code.

    Args:
        source: A pipeline function, a path (.py, .yaml, .json, .zip, .tar.gz), or the IR as a dict.
        arguments: The pipeline's input parameters.
        pipeline: Which pipeline of a .py file; None where there is one.
        only: Which of "fail", "timeout", "oom" and "cancel" to try, one or several; all of them where empty.
        exit_tasks: Whether somebody must be told of the failures of exit tasks, too.
        outputs: What tasks produce, as for `simulate`.

    Raises:
        SpecError: The pipeline, its arguments or an output is wrong.
        ConfigError: There is no such source, or `only` holds another word.
    """
    loaded = load_source(source, pipeline=pipeline)
    scenario = Scenario(products=named_products(outputs or {}))
    mishaps = [chosen(Mishap, "only", each) for each in ([only] if isinstance(only, str) else only)]
    given = check_arguments(loaded, arguments or {})
    return rehearsal(loaded, given, scenario, only=mishaps, exit_tasks=exit_tasks)


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
