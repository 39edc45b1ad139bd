"""What a retry of a run is going to do, or why there is none."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from postlude.api.pipeline_change import check_replacement, refuse_change
from postlude.api.source import load_source, name_of
from postlude.api.stored import document_of
from postlude.api.task_lookup import path_of
from postlude.core.run_state import Run
from postlude.core.task import State, TaskPath
from postlude.runtime.recover import recover
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json, Pipeline
from postlude.stores.run_lookup import SHORT_ID
from postlude.stores.store import Store
from postlude.wiring.stores import tenancy

if TYPE_CHECKING:
    from postlude.engines.local.engine import LocalEngine
    from postlude.runtime.runner import Watcher


class RetryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        run: The run's id or the beginning of one.
        tasks: The tasks to run again, as given.
        unchanged: What must still hold the run's pipeline; None where nobody asks.
        successor: What holds the pipeline to go on with; None for the run's own.
        pipeline: Which pipeline of a .py file.
    """

    run: str
    tasks: tuple[str, ...] = ()
    unchanged: Any = None
    successor: Any = None
    pipeline: str | None = None


class RetryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is going to be done: the run as it stands, the tasks to run again, the pipeline to go on with."""

    before: Json
    tasks: Sequence[TaskPath]
    pipeline: Pipeline | None


def plan_retry(store: Store, request: RetryRequest, *, home: Path | None) -> RetryPlan:
    """What to do; nothing is done yet.

    Args:
        store: Where the run is.
        request: What is asked for.
        home: Where parsed pipelines are kept, see `load_source`.

    Raises:
        SpecError: The pipeline to go on with is wrong, or the run's parameters do not fit it.
        ConfigError: There is no such run or task, the run is not final, its pipeline has changed, or there is nothing
            to retry.
    """
    document = document_of(store, request.run)
    _refuse_unfinished(store, document)
    tasks = [_path(document, task) for task in request.tasks]
    run = recover(store.journal, document["run_id"]).run
    pipeline = _successor(run, request, home)
    if run.state is State.SUCCEEDED and not tasks and (pipeline is None or pipeline.digest == run.pipeline.digest):
        raise ConfigError(_nothing(document))
    return RetryPlan(before=document, tasks=tasks, pipeline=pipeline)


def carry_out(
    engine: "LocalEngine", plan: RetryPlan, *, timeout_s: float | None, watch: "Watcher | None" = None
) -> Json:
    """Do what was planned, to the end of the run, and give its document; see `LocalEngine.retry`."""
    run_id: str = plan.before["run_id"]
    return engine.retry(run_id, tasks=plan.tasks, timeout_s=timeout_s, pipeline=plan.pipeline, watch=watch)


def _successor(run: Run, request: RetryRequest, home: Path | None) -> Pipeline | None:
    """The pipeline to go on with, once what must not have changed was looked at; None for the run's own."""
    if request.unchanged is not None:
        found = load_source(request.unchanged, pipeline=request.pipeline, home=home)
        refuse_change(run, name_of(request.unchanged), found)
    if request.successor is not None:
        successor = load_source(request.successor, pipeline=request.pipeline, home=home)
        check_replacement(run, name_of(request.successor), successor)
        return successor
    if request.pipeline and request.unchanged is None:
        raise ConfigError(f"pipeline {request.pipeline!r} is chosen from a source, and none is given. Give one too.")
    return None


def _refuse_unfinished(store: Store, document: Json) -> None:
    if State(document["state"]).is_final:
        return
    run, holder = document["run_id"][:SHORT_ID], tenancy(store).driver(document["run_id"])
    if holder is None:
        raise ConfigError(f"run {run} is unfinished and no engine drives it: go on with `postlude resume {run}`.")
    raise ConfigError(
        f"run {run} is {document['state']}, driven by process {holder.pid}: only a final run can be retried. "
        f"Wait for it, or end it with `postlude cancel {run}`."
    )


def _path(document: Json, task: str) -> TaskPath:
    if not task:
        run = document["run_id"][:SHORT_ID]
        raise ConfigError(f"run {run} has no task {task!r}. Name one of its tasks; `postlude show {run}` lists them.")
    return path_of(document, task)


def _nothing(document: Json) -> str:
    run = document["run_id"][:SHORT_ID]
    return (
        f"run {run}: nothing to retry: it SUCCEEDED. Use --from TASK (in Python tasks=[...]) to run a task again with "
        "what follows it, or start a new run with `postlude run`."
    )
