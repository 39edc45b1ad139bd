"""Go on with a run that is final: what failed runs again, what succeeded is kept (R13, G18).

A reopened task is as new, but its attempts are numbered on. A group with something reopened inside is RUNNING again,
and its exit tasks run again, since what they were told may change.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import immutables
import msgspec
from msgspec.structs import replace

from postlude.core.draft import Draft, Look
from postlude.core.run_state import children
from postlude.core.task import NO_INPUTS, NO_OUTPUTS, ROOT, Kind, State, Task, TaskPath, child_path
from postlude.spec.types import Dag, Topology

_UNSUCCESSFUL: Final = (State.FAILED, State.UPSTREAM_FAILED, State.CANCELED)


class _Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What is reopened besides what did not succeed.

    Attributes:
        anew: Tasks that run again.
        touched: Entered groups that find their outcome again.
    """

    anew: frozenset[TaskPath]
    touched: frozenset[TaskPath]


def reopen(draft: Draft, chosen: Collection[TaskPath] = (), *, touched: Collection[TaskPath] = ()) -> None:
    """Reopen what did not succeed, and the chosen tasks with all that follows them.

    The touched groups, which were entered, find their outcome again even where nothing in them is reopened.
    """
    also = _Chosen(anew=frozenset(_with_followers(draft, chosen)), touched=frozenset(touched))
    _reopen_group(draft, draft[ROOT], also)


def _with_followers(draft: Draft, chosen: Iterable[TaskPath]) -> set[TaskPath]:
    """The chosen tasks, what depends on them, and what depends on the groups that they are in."""
    found: set[TaskPath] = set()
    climbed: set[TaskPath] = set()
    queue = deque(chosen)
    while queue:
        path = queue.popleft()
        task = draft.run.tasks.get(path)
        if task is None or path in found or path == ROOT:
            continue
        found.add(path)
        above = task
        while above.path != ROOT and above.path not in climbed:
            climbed.add(above.path)
            queue.extend(_dependents(draft, above))
            above = draft[above.parent]
    return found


def _dependents(draft: Draft, task: Task) -> list[TaskPath]:
    return [child_path(task.parent, key) for key in _topology(draft, task).dependents.get(task.spec.key, ())]


def _topology(draft: Draft, task: Task) -> Topology:
    dag = draft[task.parent].component.dag
    return Topology() if dag is None or task.index is not None or task.path == ROOT else dag.topology


# --- going down -------------------------------------------------------------------------------------------------------


def _reopen_group(draft: Draft, group: Task, chosen: _Chosen) -> bool:
    """Reopen what must be inside an entered group; whether there was anything."""
    reopened = _reopen_children(draft, group, chosen)
    if not reopened and group.path not in chosen.touched:
        return False
    unfinished = sum(not draft[path].state.is_final for path in children(group))
    again = replace(group, state=State.RUNNING, unfinished=unfinished, admitted=0, error=None, outputs=NO_OUTPUTS)
    draft.put(replace(again, halted=False, tally=None, finished_at=None, finished_order=0))
    if not unfinished:
        draft.later(Look.CLOSE, group.path)
    _look_again(draft, draft[group.path], reopened)
    return True


def _reopen_children(draft: Draft, group: Task, chosen: _Chosen) -> list[TaskPath]:
    """Reopen children; an exit task runs again, however it ended, when its group does."""
    exit_of = {} if group.kind is Kind.LOOP or group.component.dag is None else group.component.dag.topology.exit_of
    bodies = {child_path(group.path, key): child_path(group.path, body) for key, body in exit_of.items()}
    reopened: dict[TaskPath, bool] = {}

    def visit(path: TaskPath) -> bool:
        if path not in reopened:
            body = bodies.get(path)
            reopened[path] = _reopen(draft, draft[path], chosen, anew=body is not None and visit(body))
        return reopened[path]

    return [path for path in children(group) if visit(path)]


def _reopen(draft: Draft, task: Task, chosen: _Chosen, *, anew: bool) -> bool:
    anew = anew or task.path in chosen.anew
    if task.entered and not anew:
        return _reopen_group(draft, task, chosen)
    if not anew and task.state not in _UNSUCCESSFUL:
        return False
    _renew(draft, task)
    return True


def _renew(draft: Draft, task: Task) -> None:
    """Make a task as new, waiting; what was below it is taken away and will be made anew."""
    take_away_below(draft, task)
    fresh = replace(
        task,
        state=State.PENDING,
        asked=False,
        uncounted=task.attempt,
        waiting=0,
        size=0,
        unfinished=0,
        admitted=0,
        entered=False,
        halted=False,
        tally=None,
        stopping=None,
        deadline=None,
        cached=False,
        inputs=task.inputs if task.index is not None else NO_INPUTS,
        outputs=NO_OUTPUTS,
        error=None,
        started_at=None,
        finished_at=None,
        started_order=0,
        finished_order=0,
    )
    draft.put(fresh)


def take_away_below(draft: Draft, task: Task) -> None:
    """Take away all that is below a task; attempts of what is made anew there are numbered on."""
    for path in children(task):
        take_away(draft, draft[path])


def take_away(draft: Draft, task: Task) -> None:
    """Take away a task with all that is below it."""
    spent = immutables.Map(draft.run.spent).mutate()
    stack = [task]
    while stack:
        one = stack.pop()
        stack.extend(draft[path] for path in children(one))
        if one.attempt:
            spent[one.path] = one.attempt
        draft.remove(one.path)
    draft.run = replace(draft.run, spent=spent.finish())


def _look_again(draft: Draft, group: Task, reopened: Sequence[TaskPath]) -> None:
    if group.kind is Kind.LOOP:
        active = sum(draft[path].entered and not draft[path].state.is_final for path in children(group))
        for _ in range((group.spec.parallelism or group.size) - active):
            draft.later(Look.ADMIT, group.path)
        return
    dag = group.component.dag or Dag()
    for path in reopened:
        task = draft[path]
        if task.state is State.PENDING:
            draft.put(replace(task, waiting=_still_waited_for(draft, group, dag, task)))
            draft.later(Look.START, path)


def _still_waited_for(draft: Draft, group: Task, dag: Dag, task: Task) -> int:
    topology, key = dag.topology, task.spec.key
    awaited = {*topology.upstreams.get(key, ()), *topology.gates.get(key, ())}
    return sum(not draft[child_path(group.path, one)].state.is_final for one in awaited)
