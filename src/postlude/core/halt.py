"""Stop a group from starting anything new: for a cancel (R8) and for fail-fast (R12)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from postlude.core.draft import Draft
from postlude.core.final_status import CANCELED_MESSAGE
from postlude.core.run_state import children
from postlude.core.task import Code, Kind, State, Task, TaskError, Terminate, child_path
from postlude.spec.types import Topology

Verdict = tuple[State, TaskError]

CANCELED: Final[Verdict] = (State.CANCELED, TaskError(code=Code.CANCELLED, message=CANCELED_MESSAGE))


def halt(draft: Draft, group: Task, verdict: Verdict, *, terminate: bool, spare: bool) -> list[Task]:
    """End every task below a group that has not begun, as `verdict` says.

    Args:
        draft: The step.
        group: The group, loop or iteration to halt.
        verdict: The state and error of tasks that now never start.
        terminate: Whether running tasks are stopped too.
        spare: Whether exit tasks of groups that were entered are left alone, with all that is inside them.

    Returns:
        The tasks that became final, children before the groups that hold them; their waiters are not told yet.
    """
    ended: list[Task] = []
    for task in list(_below(draft, group, spare=spare)):
        current = draft[task.path]
        if current.kind.is_leaf or not current.entered:
            ended.extend(_halt_one(draft, current, verdict, terminate=terminate))
    return ended


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


def _halt_one(draft: Draft, task: Task, verdict: Verdict, *, terminate: bool) -> Iterator[Task]:
    if task.state is State.RUNNING and task.kind.is_leaf:
        if terminate and not task.terminating:
            draft.put(replace(task, terminating=True))
            draft.command(Terminate(path=task.path, attempt=task.attempt))
        return
    if task.attempt > 1 and not terminate:
        return
    if task.attempt:
        draft.command(Terminate(path=task.path, attempt=task.attempt))
    state, error = verdict
    yield draft.finish(task, state, error=error, attempt=max(0, task.attempt - 1))
