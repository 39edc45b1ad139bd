"""What a run does: the whole of it, as a state machine that does nothing itself.

A run is a tree. Its leaves are container tasks and importers; its inner nodes are groups: sub-DAGs (exit-handler
bodies, conditions, sub-pipelines), loops and their iterations, and the root. Every node is a `Task` and is PENDING,
RUNNING or final.

Two kinds of move make up a step. First, an *event* moves one task: an attempt started, succeeded, failed; or somebody
asked to cancel. Then *joint states settle*: a task that became final wakes the tasks that wait for it, a task whose
upstreams allow it starts (a leaf is asked of the shell, a group is entered and its children wait in turn, a loop is
expanded into iterations), and a group whose last child became final takes its outcome from its children, which makes it
final too. This goes on until nothing moves. Each node counts the upstreams and the children it waits for, so that no
event costs more than the tasks it touches.

An exit handler is no special case. Its exit task has the strategy ALL_UPSTREAM_TASKS_COMPLETED, so it starts once its
group is final in whatever state; the group is final only when every child is (R2); its status is input resolution over
the run; and it is a child of the DAG that it stands in, so that its own failure counts there (R5). Tasks that depend on
the group wait for its exit tasks too: these are the *gates* in the DAG's topology.

The same events give the same run: a run is the fold of its events, so that it can be replayed, followed from another
engine's reports, and simulated.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

import immutables
from msgspec import UNSET

from postlude.core import retry
from postlude.core.condition import holds
from postlude.core.draft import Draft, Step
from postlude.core.final_status import CANCELED_MESSAGE, causes, error_of, outcome
from postlude.core.halt import CANCELED, halt, is_owed
from postlude.core.iterate import items, iteration_inputs, passed_out
from postlude.core.resolve import as_declared, resolve
from postlude.core.run_state import FailurePolicy, Run, Settings, children
from postlude.core.task import (
    NO_INPUTS,
    ROOT,
    CancelRequested,
    Code,
    Event,
    Failed,
    FinishRun,
    Inputs,
    Kind,
    Outputs,
    Start,
    Started,
    State,
    Succeeded,
    Task,
    TaskError,
    TaskPath,
    child_path,
    iteration_path,
)
from postlude.core.trigger import Move, move
from postlude.spec import types as ir
from postlude.spec.types import Dag, Json, Pipeline, Topology

Decided = TypeVar("Decided")


def begin(pipeline: Pipeline, settings: Settings) -> Step:
    """The run before its first event, and the tasks it starts with.

    Args:
        pipeline: A pipeline that `spec.load` accepted.
        settings: The run's own facts; its arguments are already checked.
    """
    root_spec = ir.Task(key="", display_name=pipeline.display_name or pipeline.name, component=pipeline.root.name)
    root = Task(path=ROOT, kind=Kind.GROUP, parent=ROOT, spec=root_spec, component=pipeline.root)
    run = Run(pipeline=pipeline, settings=settings, tasks=immutables.Map({ROOT: root}))
    draft = Draft(run, settings.created_at)
    _enter(draft, root, Inputs(parameters=_arguments(pipeline, settings.arguments)))
    draft.settle()
    return draft.done()


def advance(run: Run, event: Event) -> Step:
    """The run after an event.

    Late news changes nothing: executors may report twice, and recovery replays the log.
    """
    draft = Draft(run, event.at)
    _happen(draft, event)
    draft.settle()
    return draft.done()


def _arguments(pipeline: Pipeline, given: Mapping[str, Json]) -> Mapping[str, Json]:
    """The pipeline's inputs: what was given, else the defaults; what has neither is left out."""
    declared = pipeline.root.inputs.parameters
    values = {name: given.get(name, declared[name].default) for name in declared}
    return {name: value for name, value in values.items() if value is not UNSET and value is not None}


# --- events -----------------------------------------------------------------------------------------------------------


def _happen(draft: Draft, event: Event) -> None:
    if isinstance(event, CancelRequested):
        _cancel(draft, event)
        return
    task = draft.run.tasks.get(event.path)
    if task is None or task.state.is_final or event.attempt != task.attempt:
        return
    match event:
        case Started():
            draft.start(task)
        case Succeeded(outputs=outputs, cached=cached):
            _finish(draft, task, State.SUCCEEDED, outputs=outputs, cached=cached)
        case Failed(error=error):
            _attempt_failed(draft, task, error)


def _attempt_failed(draft: Draft, task: Task, error: TaskError) -> None:
    if task.terminating and error.code is Code.CANCELLED:
        _finish(draft, task, State.CANCELED, error=_CANCELED)
        return
    wait_s = None if _is_halted(draft, task) else retry.wait_s(task.retry, task.attempt)
    if wait_s is not None:
        draft.put(replace(task, state=State.PENDING, attempt=task.attempt + 1, error=error))
        draft.command(Start(path=task.path, attempt=task.attempt + 1, wait_s=wait_s))
        return
    if task.attempt > 1:
        error = replace(error, message=f"{error.message} (after {task.attempt} attempts)")
    _finish(draft, task, State.FAILED, error=error)


def _is_halted(draft: Draft, task: Task) -> bool:
    """Whether a cancel allows the task no further attempt."""
    cancel = draft.run.cancel
    return task.terminating or (cancel is not None and (cancel.force or not task.protected))


def _cancel(draft: Draft, request: CancelRequested) -> None:
    """Graceful first; a forced request, or a second one, spares nothing (R8)."""
    before = draft.run.cancel
    if draft.run.state.is_final or (before is not None and before.force >= request.force):
        return
    draft.run = replace(draft.run, cancel=request)
    halted = halt(draft, draft[ROOT], CANCELED, terminate=True, spare=request.exit_tasks and not request.force)
    for task in halted:
        _ended(draft, task)


# --- waiting tasks ----------------------------------------------------------------------------------------------------


def _look(draft: Draft, path: TaskPath) -> None:
    """Start a waiting task if its upstreams allow it, or end it if they rule it out."""
    task = draft[path]
    if task.state is not State.PENDING or task.attempt or task.entered:
        return
    topology = _topology(draft, task)
    siblings = [draft[child_path(task.parent, key)] for key in topology.upstreams.get(task.spec.key, ())]
    decision = move(task.spec.trigger.strategy, [one.state for one in siblings], waiting=task.waiting > 0)
    if decision is Move.GO and not is_owed(draft, task, topology):
        decision = Move.CANCEL
    _MOVES[decision](draft, task, siblings)


def _wait(_draft: Draft, _task: Task, _siblings: list[Task]) -> None:
    """Somebody will wake it again."""


def _upstream_failed(draft: Draft, task: Task, siblings: list[Task]) -> None:
    failed = next(one for one in siblings if one.state in (State.FAILED, State.UPSTREAM_FAILED))
    _finish(draft, task, State.UPSTREAM_FAILED, error=not_started(failed.path))


def _skip(draft: Draft, task: Task, _siblings: list[Task]) -> None:
    _finish(draft, task, State.SKIPPED)


def _cancel_waiting(draft: Draft, task: Task, _siblings: list[Task]) -> None:
    _finish(draft, task, State.CANCELED, error=_CANCELED)


def _go(draft: Draft, task: Task, _siblings: list[Task]) -> None:
    """Resolve the inputs, ask the condition, start. What goes wrong is the task's own failure (R11)."""
    inputs = _guarded(lambda: resolve(draft.run, task))
    if isinstance(inputs, TaskError):
        _finish(draft, task, State.FAILED, error=inputs)
        return
    task = draft.put(replace(task, inputs=inputs))
    condition = task.spec.trigger.condition
    allowed = True if condition is None else holds(condition, as_declared(task.component, inputs))
    if isinstance(allowed, TaskError):
        _finish(draft, task, State.FAILED, error=allowed)
    elif allowed:
        _start(draft, task, inputs)
    else:
        _finish(draft, task, State.SKIPPED)


def _guarded(decide: Callable[[], Decided]) -> Decided | TaskError:
    """What `decide` gives; a defect in it is the task's failure, and does not skip anybody's exit task (R11)."""
    try:
        return decide()
    except Exception as defect:  # noqa: BLE001 - the rule is about what nobody foresaw
        return TaskError(code=Code.INTERNAL, message=f"a defect of the engine: {type(defect).__name__}: {defect}")


_MOVES: Final = {
    Move.WAIT: _wait,
    Move.GO: _go,
    Move.UPSTREAM_FAILED: _upstream_failed,
    Move.SKIP: _skip,
    Move.CANCEL: _cancel_waiting,
}

_CANCELED: Final = TaskError(code=Code.CANCELLED, message=CANCELED_MESSAGE)


def not_started(upstream: TaskPath) -> TaskError:
    """The error of a task that was not started because an upstream failed."""
    return TaskError(code=Code.FAILED_PRECONDITION, message=f"not started: upstream {upstream} failed")


def _topology(draft: Draft, task: Task) -> Topology:
    dag = draft[task.parent].component.dag
    return Topology() if dag is None or task.index is not None else dag.topology


# --- starting ---------------------------------------------------------------------------------------------------------


def _start(draft: Draft, task: Task, inputs: Inputs) -> None:
    if task.kind.is_leaf:
        draft.put(replace(task, inputs=inputs, attempt=1))
        draft.command(Start(path=task.path, attempt=1))
    elif task.kind is Kind.LOOP:
        _expand(draft, task)
    else:
        _enter(draft, task, inputs)


def _enter(draft: Draft, group: Task, inputs: Inputs) -> None:
    """Make a group's children wait, and look at each."""
    dag = group.component.dag or Dag()
    count = len(dag.tasks)
    group = draft.start(group, inputs=inputs, entered=True, size=count, unfinished=count)
    paths = [draft.put(_child(draft.run, group, dag, key)).path for key in dag.tasks]
    for path in paths:
        if draft[path].waiting == 0:
            draft.later(partial(_look, draft, path))
    if not paths:
        draft.later(partial(_close, draft, group.path))


def _child(run: Run, group: Task, dag: Dag, key: str) -> Task:
    task = dag.tasks[key]
    topology = dag.topology
    return Task(
        path=child_path(group.path, key),
        kind=_kind(run.pipeline, task),
        parent=group.path,
        spec=task,
        component=run.pipeline.components[task.component],
        retry=task.retry or group.retry,
        waiting=len({*topology.upstreams.get(key, ()), *topology.gates.get(key, ())}),
        protected=group.protected or key in topology.exit_of,
    )


def _kind(pipeline: Pipeline, task: ir.Task) -> Kind:
    if task.iterator is not None:
        return Kind.LOOP
    return _body_kind(pipeline, task, Kind.GROUP)


def _body_kind(pipeline: Pipeline, task: ir.Task, group: Kind) -> Kind:
    component = pipeline.components[task.component]
    if component.dag is not None:
        return group
    return Kind.IMPORTER if isinstance(pipeline.executors[component.executor], ir.Importer) else Kind.TASK


def _expand(draft: Draft, loop: Task) -> None:
    """Make a loop's iterations, and let in as many as may run at a time."""
    found = _guarded(lambda: items(draft.run, loop))
    if isinstance(found, TaskError):
        _finish(draft, loop, State.FAILED, error=found)
        return
    size = len(found)
    limit = loop.spec.parallelism or size
    loop = draft.start(loop, entered=True, size=size, unfinished=size, admitted=min(limit, size))
    kind = _body_kind(draft.run.pipeline, loop.spec, Kind.ITERATION)
    for index, item in enumerate(found):
        draft.put(_iteration(loop, kind, index, item))
    for index in range(loop.admitted):
        draft.later(partial(_iterate, draft, loop.path, index))
    if not size:
        draft.later(partial(_close, draft, loop.path))


def _iteration(loop: Task, kind: Kind, index: int, item: Json) -> Task:
    inputs = iteration_inputs(loop, item)
    return Task(
        path=iteration_path(loop.path, index),
        kind=kind,
        parent=loop.path,
        spec=loop.spec,
        component=loop.component,
        retry=loop.retry,
        protected=loop.protected,
        index=index,
        inputs=NO_INPUTS if isinstance(inputs, TaskError) else inputs,
        error=inputs if isinstance(inputs, TaskError) else None,
    )


def _iterate(draft: Draft, loop: TaskPath, index: int) -> None:
    """Start one iteration."""
    iteration = draft[iteration_path(loop, index)]
    if iteration.state is not State.PENDING:
        _admit(draft, loop)
    elif iteration.error is not None:
        _finish(draft, iteration, State.FAILED)
    else:
        _start(draft, iteration, iteration.inputs)


def _admit(draft: Draft, path: TaskPath) -> None:
    """Let in the next iteration, in the place of one that ended."""
    loop = draft[path]
    if loop.admitted < loop.size:
        draft.put(replace(loop, admitted=loop.admitted + 1))
        draft.later(partial(_iterate, draft, path, loop.admitted))


# --- ending -----------------------------------------------------------------------------------------------------------


def _finish(
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
    final = draft.finish(task, state, error=kept, outputs=outputs or task.outputs, cached=cached, terminating=False)
    _ended(draft, final)
    if state is State.FAILED and draft.run.settings.failure_policy is FailurePolicy.FAST:
        _fail_fast(draft, final)


def _ended(draft: Draft, task: Task) -> None:
    """What follows from a task being final."""
    if not task.entered and not task.kind.is_leaf:
        _record_children(draft, task)
    _became_final(draft, task)


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
        child = draft.finish(replace(_child(draft.run, group, dag, key), waiting=0), state, error=error)
        _record_children(draft, child)


def _became_final(draft: Draft, task: Task) -> None:
    """Wake the tasks that wait for this one; close the group if it was its last child."""
    if task.path == ROOT:
        draft.command(FinishRun())
        return
    parent = draft.put(replace(draft[task.parent], unfinished=draft[task.parent].unfinished - 1))
    if task.index is not None:
        draft.later(partial(_admit, draft, parent.path))
    else:
        _wake(draft, parent, task.spec.key)
    if parent.unfinished == 0:
        draft.later(partial(_close, draft, parent.path))


def _wake(draft: Draft, parent: Task, key: str) -> None:
    dag = parent.component.dag or Dag()
    for dependent in dag.topology.dependents.get(key, ()):
        waiter = draft[child_path(parent.path, dependent)]
        if not waiter.state.is_final:
            draft.put(replace(waiter, waiting=waiter.waiting - 1))
            draft.later(partial(_look, draft, waiter.path))


def _close(draft: Draft, path: TaskPath) -> None:
    """Give a group its outcome once every child is final."""
    group = draft[path]
    if group.state.is_final or group.unfinished:
        return
    state = outcome(draft[child].state for child in children(group))
    found = error_of(state, causes(draft.run, group)) if state is not State.SUCCEEDED else None
    if path == ROOT and draft.run.cancel is not None:
        state = State.CANCELED
        found = found or _CANCELED
    _finish(draft, group, state, error=found, outputs=passed_out(draft.run, group))


def _fail_fast(draft: Draft, failed: Task) -> None:
    """Nothing new starts in the group of a failed task; what runs goes on, and exit tasks run (R12)."""
    if failed.path == ROOT:
        return
    error = TaskError(
        code=Code.FAILED_PRECONDITION, message=f"not started: {failed.path} failed and the run fails fast"
    )
    for task in halt(draft, draft[failed.parent], (State.UPSTREAM_FAILED, error), terminate=False, spare=True):
        _ended(draft, task)
