"""The run document, `postlude.run/v1`: what the command line prints, the catalog keeps and the API shows."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Final

import msgspec

from postlude.core.instant import rfc3339, rfc3339_or_none
from postlude.core.run_state import Run
from postlude.core.task import Artifact, Inputs, Outputs, PastAttempt, Task, TaskError, TaskPath, child_path
from postlude.runtime.values import Shown, shown_parameters, whole
from postlude.spec.types import Json

SCHEMA: Final = "postlude.run/v1"


_DOCUMENTED: Final = attrgetter(
    "kind",
    "spec.display_name",
    "state",
    "attempt",
    "history",
    "cached",
    "error",
    "inputs",
    "outputs",
    "started_at",
    "finished_at",
    "started_order",
)


def is_documented_alike(before: Task | None, after: Task) -> bool:
    """Whether a task's document is the same before and after: what tasks count for the scheduler is not in it."""
    if before is None or before.state is not after.state:
        return False
    return bool(_DOCUMENTED(before) == _DOCUMENTED(after))


def has_same_artifacts(before: Task | None, after: Task) -> bool:
    """Whether a task's document names the same artifacts before and after, or none where there was no task."""
    if before is None:
        return not after.inputs.artifacts and not after.outputs.artifacts
    return (before.inputs.artifacts, before.outputs.artifacts) == (after.inputs.artifacts, after.outputs.artifacts)


def run_document(run: Run, shown: Shown = whole) -> Json:
    """The run document without its tasks.

    Args:
        run: The run.
        shown: How parameters' values are shown.
    """
    outputs = run.root.outputs
    return {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "name": run.settings.name,
        "pipeline": run.pipeline.name,
        "state": run.state.value,
        "error": _error(run.error) if run.state.is_final else None,
        "outputs": {**shown_parameters(outputs, shown), **_artifacts(outputs.artifacts, flat=True)},
        "created_at": rfc3339(run.settings.created_at),
        "started_at": rfc3339_or_none(run.root.started_at),
        "finished_at": rfc3339_or_none(run.root.finished_at),
    }


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a task's document says beyond the task itself.

    Attributes:
        exit_of: Path of the group whose exit task it is, None for any other task.
        log: The log file of its latest attempt, None where there is none.
        shown: How parameters' values are shown.
    """

    exit_of: TaskPath | None = None
    log: str | None = None
    shown: Shown = whole


def task_document(task: Task, facts: TaskFacts) -> Json:
    """A task's part of the run document."""
    return {
        "path": task.path,
        "order": task.started_order,
        "kind": task.kind._value_,  # of every task at every step: the property `value` is written in Python
        "display_name": task.spec.display_name or task.spec.key,
        "state": task.state._value_,
        "attempts": task.attempt,
        "history": [_past(past) for past in task.history] if task.history else [],
        "cached": task.cached,
        "error": _error(task.error),
        "exit_of": facts.exit_of,
        "inputs": _both(_own_inputs(task), facts.shown),
        "outputs": _both(task.outputs, facts.shown),
        "started_at": rfc3339_or_none(task.started_at),
        "finished_at": rfc3339_or_none(task.finished_at),
        "log": facts.log,
    }


def exit_of(run: Run, task: Task) -> TaskPath | None:
    """The path of the group whose exit task this is; None for any other task."""
    dag = run.tasks[task.parent].component.dag
    if dag is None or task.index is not None:
        return None
    group = dag.topology.exit_of.get(task.spec.key)
    return None if group is None else child_path(task.parent, group)


def _own_inputs(task: Task) -> Inputs:
    """The inputs; of an iteration its item alone, since the rest is its loop's and may be large."""
    if task.index is None or task.spec.iterator is None:
        return task.inputs
    item, given = task.spec.iterator.item_input, task.inputs
    return Inputs(
        parameters={item: given.parameters[item]} if item in given.parameters else {},
        artifacts={item: given.artifacts[item]} if item in given.artifacts else {},
    )


def _both(values: Inputs | Outputs, shown: Shown) -> Json:
    return {
        "parameters": shown_parameters(values, shown) if values.parameters else {},
        "artifacts": _artifacts(values.artifacts) if values.artifacts else {},
    }


def _artifacts(artifacts: Mapping[str, tuple[Artifact, ...]], *, flat: bool = False) -> dict[str, Json]:
    """Artifacts by name: a list each, or bare where there is one and `flat` is asked for."""
    listed = {name: [_artifact(one) for one in given] for name, given in artifacts.items()}
    return {name: one[0] if flat and len(one) == 1 else one for name, one in listed.items()}


def _artifact(artifact: Artifact) -> Json:
    return {
        "name": artifact.name,
        "uri": artifact.uri,
        "type": artifact.schema_title,
        "metadata": dict(artifact.metadata),
        "digest": artifact.digest,
        "producer": artifact.producer,
    }


def _past(past: PastAttempt) -> Json:
    return {"attempt": past.attempt, "error": _error(past.error), "ended_at": rfc3339(past.ended_at)}


def _error(error: TaskError | None) -> Json:
    return None if error is None else {"code": int(error.code), "message": error.message}
