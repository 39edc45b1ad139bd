"""Who was told of a failure: what a rehearsal judges runs by.

Exit tasks and tasks that ignore upstream failures, with all that is inside them, are *watchers*. A watcher is told of
what went wrong with a task if it came to run after the task's end and one of these says so: a final status among its
inputs that is FAILED with the task among its failures, or CANCELED and speaks of the task or of a group around it; or a
`workflow.status` or `workflow.failures` that its program asks for, and that covers the task.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from postlude.core.run_state import Run, children
from postlude.core.task import ROOT, State, Task, TaskPath, child_path
from postlude.spec import placeholders
from postlude.spec.forms import pieces
from postlude.spec.types import Constant, Container, FinalStatusOf, Json, Strategy

_FACTS: Final = (placeholders.PipelineValue("workflow.status"), placeholders.PipelineValue("workflow.failures"))
_FAILED: Final = "FAILED"
_CANCELED: Final = frozenset({"CANCELED", "CANCELLED"})
"""The words for it of both vocabularies."""
_BAD: Final = frozenset({State.FAILED, State.UPSTREAM_FAILED, State.CANCELED})


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """A watcher that came to run, and what it was told.

    Attributes:
        about: Path of the group or task that it watches; "" where it watches several.
        payloads: The final statuses among its inputs, by input.
        facts: Whether it, or a task inside, asks for the status or the failures of the workflow.
    """

    watcher: Task
    about: TaskPath
    payloads: Mapping[str, Json]
    facts: bool


def watches(run: Run, task: Task) -> bool:
    """Whether the task runs whatever became of what it depends on: an exit task, or one that ignores failures."""
    indifferent = task.spec.trigger.strategy is Strategy.ALL_COMPLETED and task.index is None
    return indifferent and bool(_upstreams(run, task))


def keeps_watch(run: Run, task: Task) -> bool:
    """Whether the task is a watcher or part of one."""
    at = task
    while at.path != ROOT:
        if watches(run, at):
            return True
        at = run.tasks[at.parent]
    return False


def tellings(run: Run) -> list[Telling]:
    """The watchers that came to run, in the order of their start."""
    began = [task for task in run.tasks.values() if watches(run, task) and _began(task)]
    return [_telling(run, task) for task in sorted(began, key=lambda task: task.started_order)]


def tells(run: Run, telling: Telling, failed: Task) -> bool:
    """Whether a watcher was told that the task failed or was canceled."""
    watcher = telling.watcher
    if failed.state not in _BAD:
        return False
    sources = watcher.spec.inputs.parameters
    said = any(
        _says(run, payload, _producer(run, watcher, sources[name].source), failed)
        for name, payload in telling.payloads.items()
    )
    return said or (telling.facts and _covered(run, telling, failed))


def is_bad_news(run: Run, telling: Telling) -> bool:
    """Whether a watcher was told that something failed or was canceled, whatever it was."""
    if any(payload["state"] in (_FAILED, *_CANCELED) for payload in telling.payloads.values()):
        return True
    before = (task for task in run.tasks.values() if task.kind.is_leaf and task.state in _BAD)
    return telling.facts and any(tells(run, telling, task) for task in before)


def asks_for_status(run: Run, task: Task) -> bool:
    """Whether the task, as it is written, is told how what it watches ended."""
    sources = [binding.source for binding in task.spec.inputs.parameters.values()]
    return any(isinstance(source, FinalStatusOf) for source in sources) or any(
        _asks_for_fact(run, one) for one in _within(run, task)
    )


# --- what was said ----------------------------------------------------------------------------------------------------


def _upstreams(run: Run, task: Task) -> Sequence[str]:
    dag = run.tasks[task.parent].component.dag
    return () if dag is None else dag.topology.upstreams.get(task.spec.key, ())


def _began(task: Task) -> bool:
    return task.entered or (task.attempt > 0 and task.started_order > 0)


def _telling(run: Run, task: Task) -> Telling:
    statuses = [n for n, bound in task.spec.inputs.parameters.items() if isinstance(bound.source, FinalStatusOf)]
    upstreams = _upstreams(run, task)
    return Telling(
        watcher=task,
        about=child_path(task.parent, upstreams[0]) if len(upstreams) == 1 else ROOT,
        payloads={name: task.inputs.parameters[name] for name in statuses if name in task.inputs.parameters},
        facts=any(_began(one) and _asks_for_fact(run, one) for one in _within(run, task)),
    )


def _producer(run: Run, watcher: Task, source: object) -> Task:
    assert isinstance(source, FinalStatusOf)  # noqa: S101 - payloads are the inputs with such a source
    return run.tasks[child_path(watcher.parent, source.task)]


def _says(run: Run, payload: Json, producer: Task, failed: Task) -> bool:
    """Whether a final status, rather than that of something else, tells of the task."""
    if payload["state"] == _FAILED:
        return any(failure["task"] == failed.path for failure in payload["failures"])
    return payload["state"] in _CANCELED and (failed.path == producer.path or _holds(run, producer, failed))


def _covered(run: Run, telling: Telling, failed: Task) -> bool:
    """Whether the workflow's status, as the watcher reads it, is about the task: its own group's, or the run's so far.

    The run so far is what stands directly in the root: a failure further in counts once its group is final.
    """
    if telling.about != ROOT and not run.tasks[telling.about].kind.is_leaf:
        return failed.path == telling.about or _holds(run, run.tasks[telling.about], failed)
    top = failed
    while top.parent != ROOT:
        top = run.tasks[top.parent]
    return top.finished_order < telling.watcher.started_order


def _holds(run: Run, group: Task, task: Task) -> bool:
    at = task
    while at.path != ROOT:
        at = run.tasks[at.parent]
        if at.path == group.path:
            return True
    return False


# --- what programs ask for --------------------------------------------------------------------------------------------


def _asks_for_fact(run: Run, task: Task) -> bool:
    return any(_names_fact(text) for text in _texts(run, task))


def _within(run: Run, task: Task) -> Iterator[Task]:
    yield task
    for path in children(task):
        yield from _within(run, run.tasks[path])


def _texts(run: Run, task: Task) -> Iterator[str]:
    """Every text of a task in which a placeholder may stand."""
    for binding in task.spec.inputs.parameters.values():
        if isinstance(binding.source, Constant):
            yield from _strings(binding.source.value)
    executor = run.pipeline.executors.get(task.component.executor)
    if isinstance(executor, Container):
        yield from (*executor.command, *executor.args, *executor.env.values())


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _strings(inner)


def _names_fact(text: str) -> bool:
    if "workflow." not in text:
        return False
    return any(form in _FACTS for form in (_plain(form) for _, form in pieces(text)))


def _plain(form: placeholders.Placeholder | None) -> placeholders.Placeholder | None:
    return _plain(form.inner) if isinstance(form, placeholders.JsonEscape) else form
