"""How waiting tasks start: inputs, condition, then a leaf is asked of the shell and a group entered."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from postlude.core.condition import holds
from postlude.core.draft import Draft, Look
from postlude.core.ending import finish, not_started
from postlude.core.halt import CANCELED, is_owed
from postlude.core.iterate import items
from postlude.core.nodes import child, iteration
from postlude.core.resolve import as_declared, resolve
from postlude.core.task import (
    Code,
    Inputs,
    Kind,
    SetDeadline,
    Start,
    State,
    Task,
    TaskError,
    TaskPath,
    child_path,
    iteration_path,
)
from postlude.core.trigger import Move, move
from postlude.spec.types import Dag, Topology

Decided = TypeVar("Decided")


def look(draft: Draft, path: TaskPath) -> None:
    """Start a waiting task if its upstreams allow it, or end it if they rule it out."""
    task = draft[path]
    if not is_waiting(task):
        return
    topology = _topology(draft, task)
    siblings = [draft[child_path(task.parent, key)] for key in topology.upstreams.get(task.spec.key, ())]
    decision = move(task.spec.trigger.strategy, [one.state for one in siblings], waiting=task.waiting > 0)
    if decision is Move.GO and not is_owed(draft, task, topology):
        decision = Move.CANCEL
    _MOVES[decision](draft, task, siblings)


def is_waiting(task: Task) -> bool:
    """Whether the task has neither begun nor been asked for."""
    return task.state is State.PENDING and not task.asked and not task.entered


def _wait(_draft: Draft, _task: Task, _siblings: list[Task]) -> None:
    """Somebody will wake it again."""


def _upstream_failed(draft: Draft, task: Task, siblings: list[Task]) -> None:
    failed = next(one for one in siblings if one.state in (State.FAILED, State.UPSTREAM_FAILED))
    finish(draft, task, State.UPSTREAM_FAILED, error=not_started(failed.path))


def _skip(draft: Draft, task: Task, _siblings: list[Task]) -> None:
    finish(draft, task, State.SKIPPED)


def _cancel(draft: Draft, task: Task, _siblings: list[Task]) -> None:
    finish(draft, task, State.CANCELED, error=CANCELED.error)


def _go(draft: Draft, task: Task, _siblings: list[Task]) -> None:
    """Resolve the inputs, ask the condition, start. What goes wrong is the task's own failure (R11)."""
    inputs = _guarded(lambda: resolve(draft.run, task))
    if isinstance(inputs, TaskError):
        finish(draft, task, State.FAILED, error=inputs)
        return
    task = replace(task, inputs=inputs)
    condition = task.spec.trigger.condition
    allowed = True if condition is None else holds(condition, as_declared(task.component, inputs))
    if isinstance(allowed, TaskError):
        finish(draft, task, State.FAILED, error=allowed)
    elif allowed:
        _start(draft, _limited(draft, task))
    else:
        finish(draft, task, State.SKIPPED)


def _limited(draft: Draft, task: Task) -> Task:
    """An exit task with the limit that the run sets for exit tasks."""
    limit_s = draft.run.settings.exit_timeout_s
    if limit_s is None or task.spec.key not in _topology(draft, task).exit_of:
        return task
    deadline = draft.at + limit_s
    draft.command(SetDeadline(path=task.path, at=deadline))
    return replace(task, deadline=deadline)


def _guarded(decide: Callable[[], Decided]) -> Decided | TaskError:
    """What `decide` gives; a defect in it is the task's failure, and does not skip anybody's exit task (R11)."""
    try:
        return decide()
    except Exception as defect:  # noqa: BLE001 - the rule is about what nobody foresaw
        return TaskError(code=Code.INTERNAL, message=f"a defect of the engine: {type(defect).__name__}: {defect}")


_MOVES: Final[Mapping[Move, Callable[[Draft, Task, list[Task]], None]]] = {
    Move.WAIT: _wait,
    Move.GO: _go,
    Move.UPSTREAM_FAILED: _upstream_failed,
    Move.SKIP: _skip,
    Move.CANCEL: _cancel,
}


def _topology(draft: Draft, task: Task) -> Topology:
    dag = draft[task.parent].component.dag
    return Topology() if dag is None or task.index is not None else dag.topology


# --- leaves, groups, loops --------------------------------------------------------------------------------------------


def _start(draft: Draft, task: Task) -> None:
    """Start a task whose inputs are resolved, and write it."""
    if task.kind.is_leaf:
        ask(draft, task)
    elif task.kind is Kind.LOOP:
        _expand(draft, task)
    else:
        enter(draft, task, task.inputs)


def ask(draft: Draft, task: Task, *, wait_s: float = 0.0) -> None:
    """Ask the shell for the next attempt of a leaf."""
    attempt = task.attempt + 1
    draft.put(replace(task, state=State.PENDING, asked=True, attempt=attempt))
    draft.command(Start(path=task.path, attempt=attempt, wait_s=wait_s))


def enter(draft: Draft, group: Task, inputs: Inputs) -> None:
    """Make a group's children wait, and look at each."""
    dag = group.component.dag or Dag()
    count = len(dag.tasks)
    group = draft.start(group, inputs=inputs, entered=True, size=count, unfinished=count)
    for one in [draft.put(child(draft.run, group, dag, key)) for key in dag.tasks]:
        if one.waiting == 0:
            draft.later(Look.START, one.path)
    if not count:
        draft.later(Look.CLOSE, group.path)


def _expand(draft: Draft, loop: Task) -> None:
    """Make a loop's iterations, and let in as many as may run at a time."""
    found = _guarded(lambda: items(draft.run, loop))
    if isinstance(found, TaskError):
        finish(draft, loop, State.FAILED, error=found)
        return
    size = len(found)
    loop = draft.start(loop, entered=True, size=size, unfinished=size)
    for index, item in enumerate(found):
        draft.put(iteration(draft.run, loop, index, item))
    for _ in range(min(loop.spec.parallelism or size, size)):
        draft.later(Look.ADMIT, loop.path)
    if not size:
        draft.later(Look.CLOSE, loop.path)


def admit(draft: Draft, path: TaskPath) -> None:
    """Let in the next iteration that waits."""
    loop = draft[path]
    for index in range(loop.admitted, loop.size):
        one = draft[iteration_path(path, index)]
        if is_waiting(one):
            draft.put(replace(loop, admitted=index + 1))
            _iterate(draft, one)
            return
    if loop.admitted < loop.size:
        draft.put(replace(loop, admitted=loop.size))


def _iterate(draft: Draft, one: Task) -> None:
    if one.error is not None:
        finish(draft, one, State.FAILED)
    else:
        _start(draft, one)
