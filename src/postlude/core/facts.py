"""What placeholders can say about the run and the task they stand in."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import UNSET, UnsetType

from postlude.core.final_status import causes, outcome, outputs_of, resource_name
from postlude.core.instant import rfc3339, rfc3339_or_none
from postlude.core.run_state import Run, children
from postlude.core.task import State, Task, TaskPath
from postlude.spec.types import Json


def fact(run: Run, task: Task, name: str) -> Json | UnsetType:
    """The value of a pipeline-level placeholder such as "pipeline_job_name"; UNSET for a name that is not known."""
    find = _FACTS.get(name)
    return UNSET if find is None else find(run, task)


def task_uuid(run: Run, task: Task) -> str:
    """An id of the task in the form of a UUID, the same whenever it is asked for."""
    digest = hashlib.sha256(f"{run.run_id}/{task.path}".encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _scope(run: Run, task: Task) -> Task:
    """What `workflow.status` speaks of: an exit task's own group, elsewhere the run so far."""
    at: Task = task
    while at.path:
        dag = run.tasks[at.parent].component.dag
        group = dag.topology.exit_of.get(at.spec.key) if dag is not None else None
        if group is not None:
            prefix = at.path[: len(at.path) - len(at.spec.key)]
            return run.tasks[TaskPath(f"{prefix}{group}")]
        at = run.tasks[at.parent]
    return at


_ARGO_WORDS: Final[Mapping[State, str]] = {
    State.SUCCEEDED: "Succeeded",
    State.SKIPPED: "Succeeded",
    State.CANCELED: "Failed",
    State.FAILED: "Failed",
    State.UPSTREAM_FAILED: "Failed",
}


def _status(run: Run, task: Task) -> Json:
    scope = _scope(run, task)
    if scope.state.is_final:
        return _ARGO_WORDS[scope.state]
    states = [run.tasks[path].state for path in children(scope)]
    return "Failed" if outcome(state for state in states if state.is_final) is State.FAILED else "Running"


def _failures(run: Run, task: Task) -> Json:
    return [
        {
            "displayName": one.spec.display_name or one.spec.key,
            "message": one.error.message if one.error else "",
            "templateName": one.spec.component,
            "phase": _ARGO_WORDS[one.state],
            "podName": "",
            "finishedAt": rfc3339_or_none(one.finished_at),
        }
        for one in causes(run, _scope(run, task))
    ]


def _duration(run: Run, task: Task) -> Json:
    """Seconds from the run's creation to the task's start, with six decimals, as Argo writes it."""
    latest = max((one.finished_at or 0.0 for one in (run.tasks[p] for p in children(_scope(run, task)))), default=0.0)
    return f"{max(0.0, latest - run.settings.created_at):.6f}"


_FACTS: Final[Mapping[str, Callable[[Run, Task], Json]]] = {
    "pipeline_job_name": lambda run, _: run.settings.name,
    "pipeline_job_resource_name": lambda run, _: resource_name(run),
    "pipeline_job_uuid": lambda run, _: run.run_id,
    "pipeline_job_create_time_utc": lambda run, _: rfc3339(run.settings.created_at),
    "pipeline_job_schedule_time_utc": lambda run, _: rfc3339(run.settings.created_at),
    "pipeline_root": lambda run, _: run.settings.pipeline_root,
    "pipeline_task_name": lambda _, task: task.spec.key,
    "pipeline_task_uuid": task_uuid,
    "workspace_path": lambda run, _: run.settings.workspace,
    "workflow.name": lambda run, _: run.settings.name,
    "workflow.uid": lambda run, _: run.run_id,
    "workflow.creationTimestamp": lambda run, _: rfc3339(run.settings.created_at),
    "workflow.status": _status,
    "workflow.failures": _failures,
    "workflow.duration": _duration,
    "workflow.outputs": lambda run, task: dict(outputs_of(run, _scope(run, task))),
    "workflow.run_url": lambda run, _: run.settings.run_url,
}
