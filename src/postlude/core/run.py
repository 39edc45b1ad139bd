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
from typing import Any, Final

import immutables
from msgspec import UNSET, structs
from msgspec.structs import replace

from postlude.core import retry
from postlude.core.draft import Draft, Look, Step
from postlude.core.ending import close, finish, halt_below
from postlude.core.halt import CANCELED, cancellation, time_is_up
from postlude.core.reopen import reopen
from postlude.core.revise import revise
from postlude.core.run_state import Run, Settings
from postlude.core.starting import admit, ask, enter, look
from postlude.core.task import (
    ROOT,
    CancelRequested,
    Code,
    DeadlinePassed,
    Event,
    Failed,
    Inputs,
    Kind,
    Lost,
    PastAttempt,
    PipelineRevised,
    Refused,
    RetryRequested,
    SetDeadline,
    Started,
    State,
    Succeeded,
    Task,
    TaskError,
    TaskPath,
)
from postlude.spec import types as ir
from postlude.spec.types import Json, Pipeline


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
    _set_deadline(draft, settings.timeout_s)
    enter(draft, draft[ROOT], Inputs(parameters=_arguments(pipeline, settings.arguments)))
    return _settled(draft)


def advance(run: Run, event: Event) -> Step:
    """The run after an event.

    Late news changes nothing: executors may report twice, and recovery replays the log.
    """
    draft = Draft(run, event.at)
    _HAPPEN[type(event)](draft, event)
    return _settled(draft)


def _arguments(pipeline: Pipeline, given: Mapping[str, Json]) -> Mapping[str, Json]:
    """The pipeline's inputs: what was given, else the defaults; what has neither is left out."""
    declared = pipeline.root.inputs.parameters
    values = {name: given.get(name) for name in declared}
    filled = {name: declared[name].default if value is None else value for name, value in values.items()}
    return {name: value for name, value in filled.items() if value is not UNSET and value is not None}


def _settled(draft: Draft) -> Step:
    """The step, once nothing moves any more."""
    while (next_look := draft.next_look()) is not None:
        what, path = next_look
        _LOOKS[what](draft, path)
    return draft.done()


_LOOKS: Final[Mapping[Look, Callable[[Draft, TaskPath], None]]] = {
    Look.START: look,
    Look.ADMIT: admit,
    Look.CLOSE: close,
}


# --- what attempts report ---------------------------------------------------------------------------------------------


def _awaited(draft: Draft, event: Started | Succeeded | Failed | Refused | Lost) -> Task | None:
    """The task whose latest attempt the event speaks of; None where that is over."""
    task = draft.run.tasks.get(event.path)
    expected = task is not None and task.asked and not task.state.is_final and event.attempt == task.attempt
    return task if expected else None


def _started(draft: Draft, event: Started) -> None:
    if (task := _awaited(draft, event)) is not None:
        draft.start(task)


def _succeeded(draft: Draft, event: Succeeded) -> None:
    if (task := _awaited(draft, event)) is not None:
        finish(draft, task, State.SUCCEEDED, outputs=event.outputs, cached=event.cached)


def _failed(draft: Draft, event: Failed) -> None:
    task = _awaited(draft, event)
    if task is None:
        return
    wait_s = None if _is_halted(draft, task) else retry.wait_s(task.retry, task.attempt - task.uncounted)
    if task.stopping is not None and event.error.code is Code.CANCELLED:
        finish(draft, task, task.stopping.state, error=task.stopping.error)
    elif wait_s is not None:
        ask(draft, _again(draft, task, event.error), wait_s=wait_s)
    else:
        finish(draft, task, State.FAILED, error=_last(task, event.error))


def _refused(draft: Draft, event: Refused) -> None:
    if (task := _awaited(draft, event)) is not None:
        finish(draft, task, State.FAILED, error=event.error)


def _lost(draft: Draft, event: Lost) -> None:
    """The attempt counts for nothing and is made again (G14, G16), unless the task was to end anyway."""
    task = _awaited(draft, event)
    if task is None:
        return
    if task.stopping is not None:
        finish(draft, task, task.stopping.state, error=task.stopping.error)
    elif _is_halted(draft, task):
        finish(draft, task, State.CANCELED, error=CANCELED.error)
    else:
        ask(draft, structs.replace(_again(draft, task, LOST), uncounted=task.uncounted + 1))


def _again(draft: Draft, task: Task, error: TaskError) -> Task:
    """The task with its latest attempt on record, ready for another."""
    past = PastAttempt(attempt=task.attempt, error=error, ended_at=draft.at)
    return structs.replace(task, error=error, history=(*task.history, past))


def _last(task: Task, error: TaskError) -> TaskError:
    counted = task.attempt - task.uncounted
    return error if counted <= 1 else replace(error, message=f"{error.message} (after {counted} attempts)")


def _is_halted(draft: Draft, task: Task) -> bool:
    """Whether the task is allowed no further attempt, whatever its policy."""
    cancel = draft.run.cancel
    return task.stopping is not None or (cancel is not None and (cancel.force or not task.protected))


LOST: Final = TaskError(code=Code.UNAVAILABLE, message="the engine was lost while the attempt ran")


# --- what people and clocks ask for -----------------------------------------------------------------------------------


def _cancel(draft: Draft, request: CancelRequested) -> None:
    """Letting tasks finish, stopping them, sparing nothing: a request counts if it is harder than the one before."""
    before = draft.run.cancel
    if draft.run.state.is_final or (before is not None and _severity(before) >= _severity(request)):
        return
    exit_tasks = request.exit_tasks and (before is None or before.exit_tasks)
    draft.run = structs.replace(draft.run, cancel=replace(request, exit_tasks=exit_tasks))
    spare = exit_tasks and not request.force
    halt_below(draft, draft[ROOT], cancellation(let_finish=request.let_finish, spare=spare))


def _severity(request: CancelRequested) -> int:
    return 2 if request.force else 0 if request.let_finish else 1


def _deadline_passed(draft: Draft, event: DeadlinePassed) -> None:
    task = draft.run.tasks.get(event.path)
    if task is None or task.state.is_final or task.deadline is None:
        return
    settings = draft.run.settings
    limit_s = settings.timeout_s if event.path == ROOT else settings.exit_timeout_s
    whose = "the run's time limit" if event.path == ROOT else "the time limit of exit tasks"
    halt_below(draft, task, time_is_up(f"{whose} of {limit_s or 0:g} s passed"))


def _retry(draft: Draft, request: RetryRequested) -> None:
    if not draft.run.state.is_final:
        return
    _unsettle(draft, request.timeout_s)
    reopen(draft, request.tasks)
    _set_deadline(draft, request.timeout_s)


def _revised(draft: Draft, request: PipelineRevised) -> None:
    if not draft.run.state.is_final:
        return
    _unsettle(draft, request.timeout_s)
    inputs = Inputs(parameters=_arguments(request.pipeline, draft[ROOT].inputs.parameters))
    revision = revise(draft, request.pipeline, inputs)
    reopen(draft, [*request.tasks, *sorted(revision.changed)], touched=revision.touched)
    _set_deadline(draft, request.timeout_s)


def _unsettle(draft: Draft, timeout_s: float | None) -> None:
    """Forget the request that ended the run, and limit it anew."""
    draft.run = structs.replace(draft.run, cancel=None, settings=replace(draft.run.settings, timeout_s=timeout_s))


def _set_deadline(draft: Draft, timeout_s: float | None) -> None:
    """Limit the run's time from now."""
    deadline = None if timeout_s is None else draft.at + timeout_s
    draft.put(structs.replace(draft[ROOT], deadline=deadline))
    if deadline is not None:
        draft.command(SetDeadline(path=ROOT, at=deadline))


_HAPPEN: Final[Mapping[type[Event], Callable[[Draft, Any], None]]] = {
    Started: _started,
    Succeeded: _succeeded,
    Failed: _failed,
    Refused: _refused,
    Lost: _lost,
    CancelRequested: _cancel,
    DeadlinePassed: _deadline_passed,
    RetryRequested: _retry,
    PipelineRevised: _revised,
}
