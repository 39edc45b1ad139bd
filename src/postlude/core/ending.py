"""How tasks and groups become final, and who is told."""

from msgspec.structs import replace

from postlude.core.draft import Draft, Look
from postlude.core.final_status import outcome, verdict_error
from postlude.core.halt import CANCELED, Halt, fail_fast, halt, halt_one
from postlude.core.iterate import passed_out
from postlude.core.nodes import child
from postlude.core.run_state import FailurePolicy, children
from postlude.core.tally import tally
from postlude.core.task import (
    ROOT,
    Code,
    FinishRun,
    Kind,
    Outputs,
    State,
    Task,
    TaskError,
    TaskPath,
    child_path,
)
from postlude.core.trigger import rules_out
from postlude.spec.types import Dag


def finish(
    draft: Draft,
    task: Task,
    state: State,
    *,
    error: TaskError | None = None,
    outputs: Outputs | None = None,
    cached: bool = False,
) -> None:
    """End a task, and tell those who wait for it."""
    kept = error if error is not None or state is not State.FAILED else task.error
    ended(draft, draft.finish(task, state, error=kept, outputs=outputs or task.outputs, cached=cached, stopping=None))


def halt_below(draft: Draft, task: Task, orders: Halt) -> None:
    """End what is unfinished in a group, or a leaf itself, as ordered, and tell those who wait for it."""
    halted = halt_one(draft, task, orders) if task.kind.is_leaf else halt(draft, task, orders)
    for one in halted:
        ended(draft, one)


def not_started(upstream: TaskPath) -> TaskError:
    """The error of a task that was not started because an upstream failed."""
    return TaskError(code=Code.FAILED_PRECONDITION, message=f"not started: upstream {upstream} failed")


def ended(draft: Draft, task: Task) -> None:
    """What follows from a task being final."""
    if not task.entered and not task.kind.is_leaf:
        _record_children(draft, task)
    _became_final(draft, task)
    if task.state is State.FAILED and draft.run.settings.failure_policy is FailurePolicy.FAST and task.path != ROOT:
        _fail_fast(draft, draft[task.parent], task)


def _fail_fast(draft: Draft, group: Task, failed: Task) -> None:
    """End what has not begun in a group; once is enough, since nothing that a failure could stop begins there after."""
    if not group.halted:
        halt_below(draft, draft.put(replace(group, halted=True)), fail_fast(failed.path))


def _record_children(draft: Draft, group: Task) -> None:
    """Inside a group that was never entered every child has the group's state (R14)."""
    dag = group.component.dag
    if dag is None or group.kind is Kind.LOOP:
        return
    state, error = group.state, group.error
    if state is State.FAILED:
        state, error = State.UPSTREAM_FAILED, not_started(group.path)
    draft.put(replace(draft[group.path], size=len(dag.tasks)))
    for key in dag.tasks:
        recorded = draft.finish(replace(child(draft.run, group, dag, key), waiting=0), state, error=error)
        _record_children(draft, recorded)


def _became_final(draft: Draft, task: Task) -> None:
    """Wake the tasks that wait for this one; close the group if it was its last child."""
    if task.path == ROOT:
        draft.command(FinishRun())
        return
    parent = draft[task.parent]
    parent = draft.put(replace(parent, unfinished=parent.unfinished - 1))
    if task.index is not None:
        draft.later(Look.ADMIT, parent.path)
    else:
        _wake(draft, parent, task)
    if parent.unfinished == 0:
        draft.later(Look.CLOSE, parent.path)


def _wake(draft: Draft, parent: Task, ended: Task) -> None:
    """Tell the waiting tasks; they look at all their upstreams only when this may be the end of their waiting."""
    dag = parent.component.dag or Dag()
    for dependent in dag.topology.dependents.get(ended.spec.key, ()):
        waiter = draft[child_path(parent.path, dependent)]
        if waiter.state.is_final:
            continue
        waiter = draft.put(replace(waiter, waiting=waiter.waiting - 1))
        if not waiter.waiting or _is_ruled_out(dag, waiter, ended):
            draft.later(Look.START, waiter.path)


def _is_ruled_out(dag: Dag, waiter: Task, ended: Task) -> bool:
    """Whether an upstream's end settles what becomes of a task that waits for others too; a gate's never does."""
    key, topology = ended.spec.key, dag.topology
    is_upstream = key not in topology.exit_of or key in topology.upstreams.get(waiter.spec.key, ())
    return rules_out(waiter.spec.trigger.strategy, ended.state) and is_upstream


def close(draft: Draft, path: TaskPath) -> None:
    """Give a group its outcome once every child is final."""
    group = draft[path]
    if group.state.is_final or group.unfinished:
        return
    state = outcome(draft[one].state for one in children(group))
    group = draft.put(replace(group, tally=tally(draft.run, group)))
    error = verdict_error(draft.run, group, state) if state is not State.SUCCEEDED else None
    if path == ROOT and draft.run.cancel is not None:
        state, error = State.CANCELED, error or CANCELED.error
    finish(draft, group, state, error=error, outputs=passed_out(draft.run, group))
