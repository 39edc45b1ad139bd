"""The verdict on a task, a group or the run: its state, its error, what failed in it and what it produced.

Everything that reports a final status (exit tasks, the run document, the command line) reads it from here.
Source: design page "Final status", rules R1, R3-R6 and "The payload".
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from postlude.core.instant import rfc3339_or_none
from postlude.core.run_state import Run, StatusWords, children, is_passed_on
from postlude.core.tally import tally
from postlude.core.task import Code, Kind, State, Task, TaskError, TaskPath
from postlude.spec.placeholders import render_text
from postlude.spec.types import Json

NAMED_FAILURES: Final = 10
"""So many failed tasks are named in a group's message; the rest is a count (R4)."""

OUTPUTS_BYTES: Final = 16 * 1024
"""So much JSON text of a group's outputs an exit task is told at most: more might not fit its program's arguments."""

CANCELED_MESSAGE: Final = "the run was canceled"


_WORDS: Final[Mapping[StatusWords, Mapping[State, str]]] = {
    StatusWords.KFP: {
        State.SUCCEEDED: "COMPLETE",
        State.FAILED: "FAILED",
        State.UPSTREAM_FAILED: "FAILED",
        State.CANCELED: "CANCELED",
        State.SKIPPED: "SKIPPED",
    },
    StatusWords.SDK: {
        State.SUCCEEDED: "SUCCEEDED",
        State.FAILED: "FAILED",
        State.UPSTREAM_FAILED: "FAILED",
        State.CANCELED: "CANCELLED",
        State.SKIPPED: "SKIPPED",
    },
}


class FinalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a task or group whose body is final.

    Attributes:
        failures: The tasks that made it fail, earliest first; of very many the first.
        failed: How many there were.
        tasks: How many leaf tasks ended in each state.
        outputs: The output parameters produced, by "task.output"; of tasks inside inner groups by their relative path.
            What makes them more than `OUTPUTS_BYTES` is left out.
        omitted: How many outputs were left out.
    """

    state: State
    error: TaskError | None
    failures: tuple[Task, ...]
    failed: int
    tasks: Mapping[State, int]
    outputs: Mapping[str, Json]
    omitted: int
    started_at: float | None
    finished_at: float | None


def outcome(states: Iterable[State]) -> State:
    """The state of a group whose children's states are these, all final (R1)."""
    seen = set(states)
    if State.FAILED in seen or State.UPSTREAM_FAILED in seen:
        return State.FAILED
    return State.CANCELED if State.CANCELED in seen else State.SUCCEEDED


def final_status(run: Run, task: Task) -> FinalStatus:
    """The final status of a task or group that is final."""
    found, failures = tally(run, task), causes(run, task)
    produced = outputs_of(run, task)
    told = _short(produced)
    return FinalStatus(
        state=task.state,
        error=verdict_error(run, task, task.state),
        failures=failures,
        failed=max(found.failed, len(failures)),
        tasks=found.states,
        outputs=told,
        omitted=len(produced) - len(told),
        started_at=task.started_at,
        finished_at=task.finished_at,
    )


def causes(run: Run, task: Task) -> tuple[Task, ...]:
    """The tasks whose own failure made this one fail, earliest first (R4); of very many the first.

    Where none failed by itself, the one that was not started because of a failure outside.
    """
    found = tally(run, task)
    not_started = () if found.not_started is None else (found.not_started,)
    return tuple(run.tasks[path] for path in found.failures or not_started)


def verdict_error(run: Run, task: Task, state: State) -> TaskError | None:
    """The error that a task or group whose body is final has in this state (R4); None on success."""
    return error_of(state, causes(run, task), failed=tally(run, task).failed)


def error_of(state: State, failures: tuple[Task, ...], *, failed: int) -> TaskError | None:
    """The error of a group in this state (R4); None on success.

    Args:
        state: The group's state.
        failures: The tasks that made it fail, earliest first; of very many the first.
        failed: How many there were.
    """
    named = [failure for failure in failures[:NAMED_FAILURES] if failure.error is not None]
    if named and named[0].error is not None:
        first = named[0].error
        return TaskError(code=first.code, message=_message(named, failed), exit_code=first.exit_code)
    if state is State.CANCELED:
        return TaskError(code=Code.CANCELLED, message=CANCELED_MESSAGE)
    return None


def payload(run: Run, task: Task) -> Json:
    """What an exit task that asks for the final status of `task` receives."""
    status = final_status(run, task)
    name, resource = task.spec.key, resource_name(run)
    return {
        "state": _WORDS[run.settings.status_words][status.state],
        "pipelineTaskName": name,
        "pipeline_task_name": name,
        "pipelineJobResourceName": resource,
        "pipeline_job_resource_name": resource,
        "error": {} if status.error is None else {"code": int(status.error.code), "message": status.error.message},
        "failures": [_failure(failure) for failure in status.failures],
        "failureCount": status.failed,
        "tasks": {state.value: count for state, count in sorted(status.tasks.items(), key=lambda pair: pair[0].value)},
        "outputs": dict(status.outputs),
        "outputsOmitted": status.omitted,
        "startedAt": rfc3339_or_none(status.started_at),
        "finishedAt": rfc3339_or_none(status.finished_at),
    }


def resource_name(run: Run) -> str:
    """The run's resource name: the pipeline's name and the run's id (R3)."""
    return f"{run.pipeline.name}/{run.settings.run_id}"


def _failure(task: Task) -> Json:
    error = task.error or TaskError(code=Code.UNKNOWN, message="")
    return {
        "task": task.path,
        "displayName": task.spec.display_name or task.spec.key,
        "state": task.state.value,
        "attempt": task.attempt,
        "code": int(error.code),
        "exitCode": error.exit_code,
        "message": error.message,
        "startedAt": rfc3339_or_none(task.started_at),
        "finishedAt": rfc3339_or_none(task.finished_at),
    }


def _message(failures: list[Task], failed: int) -> str:
    named = [f"{one.path}: {one.error.message}" for one in failures if one.error is not None]
    rest = failed - NAMED_FAILURES
    return "; ".join([*named, f"and {rest} more"] if rest > 0 else named)


def _short(outputs: Mapping[str, Json]) -> Mapping[str, Json]:
    """The outputs, in their order, that fit; a large one does not keep out the small ones after it."""
    told: dict[str, Json] = {}
    left = OUTPUTS_BYTES
    for name, value in outputs.items():
        size = _size_bytes(value)
        if size <= left:
            told[name] = value
            left -= size
    return told


def _size_bytes(value: Json) -> int:
    """The length of the value's JSON text, or a lower bound where that is too long anyway."""
    if isinstance(value, str | list) and len(value) > OUTPUTS_BYTES:
        return len(value)
    return len(render_text(value).encode(errors="replace"))


def outputs_of(run: Run, task: Task) -> Mapping[str, Json]:
    """The output parameters produced by now below a group, loops as one list each, or those of a leaf.

    What an inner group merely passes on stands under the task that made it.
    """
    if task.kind.is_leaf:
        return {f"{task.spec.key}.{name}": value for name, value in task.outputs.parameters.items()}
    found: dict[str, Json] = {}
    stack: list[TaskPath] = list(reversed(children(task)))
    while stack:
        child = run.tasks[stack.pop()]
        prefix = child.path[len(task.path) :].lstrip("/")
        inner = child.kind is Kind.GROUP
        for name, value in child.outputs.parameters.items():
            if not (inner and is_passed_on(name)):
                found[f"{prefix}.{name}"] = value
        stack.extend(reversed(children(child)) if inner else ())
    return found
