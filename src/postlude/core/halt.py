"""Stop a group from starting anything new: for a cancel (R8), for a deadline (G12) and for fail-fast (R12)."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from postlude.core.draft import Draft
from postlude.core.final_status import CANCELED_MESSAGE
from postlude.core.run_state import children
from postlude.core.task import Code, Kind, State, Task, TaskError, TaskPath, Terminate, Verdict, child_path
from postlude.spec.types import Topology

CANCELED: Final = Verdict(state=State.CANCELED, error=TaskError(code=Code.CANCELLED, message=CANCELED_MESSAGE))


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of unfinished tasks.

    Attributes:
        waiting: Of those that have not begun.
        resting: Of those that wait for their next attempt; None leaves them alone.
        running: Of those that run, once they are stopped; None lets them finish.
        spare: Whether exit tasks are left alone, with all that is inside them.
    """

    waiting: Verdict
    resting: Verdict | None = None
    running: Verdict | None = None
    spare: bool = True


def cancellation(*, let_finish: bool, spare: bool) -> Halt:
    """What a cancel does; one that lets tasks finish gives them no further attempt."""
    return Halt(waiting=CANCELED, resting=CANCELED, running=None if let_finish else CANCELED, spare=spare)


def time_is_up(what: str) -> Halt:
    """What a deadline does: running tasks fail, the others never start; exit tasks are outside it."""
    late = TaskError(code=Code.DEADLINE_EXCEEDED, message=f"timed out: {what}")
    never = TaskError(code=Code.DEADLINE_EXCEEDED, message=f"not started: {what}")
    failed = Verdict(state=State.FAILED, error=late)
    return Halt(waiting=Verdict(state=State.UPSTREAM_FAILED, error=never), resting=failed, running=failed)


def fail_fast(failed: TaskPath) -> Halt:
    """What a failure does to its group where the run fails fast: what is under way goes on."""
    message = f"not started: {failed} failed and the run fails fast"
    error = TaskError(code=Code.FAILED_PRECONDITION, message=message)
    return Halt(waiting=Verdict(state=State.UPSTREAM_FAILED, error=error))


def halt(draft: Draft, group: Task, orders: Halt) -> list[Task]:
    """End every unfinished task below a group, as ordered.

    Returns:
        The tasks that became final, children before the groups that hold them; their waiters are not told yet.
    """
    ended: list[Task] = []
    for task in list(_below(draft, group, spare=orders.spare)):
        current = draft[task.path]
        if current.kind.is_leaf or not current.entered:
            ended.extend(halt_one(draft, current, orders))
    return ended


def halt_one(draft: Draft, task: Task, orders: Halt) -> Iterator[Task]:
    """End one leaf, or group that was not entered, as ordered; gives it if it is final now."""
    if task.state is State.RUNNING and task.kind.is_leaf:
        _stop(draft, task, orders.running)
        return
    verdict = orders.resting if task.started_order else orders.waiting
    if verdict is None:
        return
    if task.asked:
        draft.command(Terminate(path=task.path, attempt=task.attempt))
        task = replace(task, asked=False, attempt=task.attempt - 1)
    yield draft.finish(task, verdict.state, error=verdict.error)


def _stop(draft: Draft, task: Task, verdict: Verdict | None) -> None:
    """Have a running leaf stopped; the first reason counts."""
    if verdict is not None and task.stopping is None:
        draft.put(replace(task, stopping=verdict))
        draft.command(Terminate(path=task.path, attempt=task.attempt))


def is_owed(draft: Draft, task: Task, topology: Topology) -> bool:
    """Whether a task that was spared, and whose upstreams allow it now, may start.

    An exit task is not owed to a group that was canceled before it was entered (G2).
    """
    group = topology.exit_of.get(task.spec.key)
    if group is None:
        return True
    held = draft[child_path(task.parent, group)]
    return held.entered or held.state is not State.CANCELED


def _below(draft: Draft, group: Task, *, spare: bool) -> Iterator[Task]:
    """The unfinished tasks below a group, without those that are spared."""
    topology = Topology()
    if group.kind is not Kind.LOOP and group.component.dag is not None:
        topology = group.component.dag.topology
    for path in children(group):
        task = draft[path]
        if task.state.is_final or (spare and task.spec.key in topology.exit_of and task.index is None):
            continue
        yield task
        if task.entered:
            yield from _below(draft, task, spare=spare)
