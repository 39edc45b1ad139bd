"""`postlude retry`."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from postlude.api.source import load_source
from postlude.cli.catalog import document_of, stored
from postlude.cli.drive import driver, finish
from postlude.cli.logs import select
from postlude.cli.options import (
    AS_JSON,
    CACHE,
    CONTAINERS,
    EXIT_TASKS_ON_CANCEL,
    GRACE,
    HOME,
    OFFLINE,
    PIPELINE,
    RESOURCES,
    RUN,
    TIMEOUT,
    WORKERS,
)
from postlude.cli.pipeline_change import check_replacement, refuse_change
from postlude.cli.verdict import SHORT_ID
from postlude.core.run_state import Run
from postlude.core.task import State, TaskPath
from postlude.runtime.recover import recover
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json, Pipeline
from postlude.stores.store import Store
from postlude.wiring import RunOptions
from postlude.wiring.stores import tenancy


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for.

    Attributes:
        source: What must still hold the run's pipeline; None where nobody asks.
        tasks: The tasks to run again, as given.
        successor: What holds the pipeline to go on with; None for the run's own.
    """

    run: str
    source: str | None
    pipeline: str | None
    tasks: tuple[str, ...]
    successor: str | None


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is going to be done: the run as it stands, the tasks to run again, the pipeline to go on with."""

    before: Json
    tasks: Sequence[TaskPath]
    pipeline: Pipeline | None


@click.command("retry")
@RUN
@click.argument("source", metavar="[SOURCE]", required=False)
@click.option(
    "--from", "tasks", multiple=True, metavar="TASK", help="Run this task again too, and what follows it. Repeatable."
)
@click.option(
    "--with", "successor", metavar="SOURCE", help="Go on with the pipeline of SOURCE in the stored one's place."
)
@PIPELINE
@WORKERS
@RESOURCES
@CACHE
@CONTAINERS
@OFFLINE
@GRACE
@TIMEOUT
@EXIT_TASKS_ON_CANCEL
@HOME
@AS_JSON
def command(
    run: str,
    source: str | None,
    tasks: tuple[str, ...],
    successor: str | None,
    pipeline: str | None,
    *,
    as_json: bool,
    **given: Any,
) -> None:
    """Go on with a run that is final: what failed runs again, what succeeded is kept, exit tasks hear the new status.

    RUN is an id or the start of one. The stored pipeline is used. With SOURCE it is checked that SOURCE still holds
    that pipeline; with --with SOURCE, tasks that are new or differ there run too, with all that follows them.
    """
    request = _Request(run=run, source=source, pipeline=pipeline, tasks=tasks, successor=successor)
    options = RunOptions(**given)
    with stored(options.home) as store:
        plan = _plan(store, request)
    finish(_retried(plan, options, silent=as_json), as_json=as_json)


def _retried(plan: _Plan, options: RunOptions, *, silent: bool) -> Json:
    with driver(options, silent=silent) as driving:
        return driving.drive(
            plan.before["pipeline"],
            lambda engine, watch: engine.retry(
                plan.before["run_id"],
                tasks=plan.tasks,
                timeout_s=options.timeout_s,
                pipeline=plan.pipeline,
                watch=watch,
            ),
            before=plan.before,
        )


def _plan(store: Store, request: _Request) -> _Plan:
    """What to do, or the reason why not."""
    document = document_of(store, request.run)
    _refuse_unfinished(store, document)
    tasks = [TaskPath(_chosen(document, task)) for task in request.tasks]
    run = recover(store.journal, document["run_id"]).run
    if request.source is not None:
        refuse_change(run, request.source, load_source(request.source, pipeline=request.pipeline))
    pipeline = _successor(run, request)
    if run.state is State.SUCCEEDED and not tasks and (pipeline is None or pipeline.digest == run.pipeline.digest):
        raise ConfigError(_nothing(document))
    return _Plan(before=document, tasks=tasks, pipeline=pipeline)


def _successor(run: Run, request: _Request) -> Pipeline | None:
    if request.successor is None:
        return None
    pipeline = load_source(request.successor, pipeline=request.pipeline)
    check_replacement(run, request.successor, pipeline)
    return pipeline


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


def _chosen(document: Json, task: str) -> str:
    """The path that `task` names: whole, or its end where only one task has it."""
    if not task:
        raise ConfigError(f"--from {task!r}: name a task of the run; `postlude show` lists them.")
    whole = any(each["path"] == task for each in document["tasks"])
    path: str = task if whole else select(document, task)[0]["path"]
    return path


def _nothing(document: Json) -> str:
    run = document["run_id"][:SHORT_ID]
    return (
        f"run {run}: nothing to retry: it SUCCEEDED. Use --from TASK to run a task again with what follows it, "
        "or start a new run with `postlude run`."
    )
