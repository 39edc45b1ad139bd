"""`postlude retry`."""

from typing import Any

import click

from postlude.api.retrial import RetryPlan, RetryRequest, carry_out, plan_retry
from postlude.api.stored import stored
from postlude.cli.drive import driver, finish
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
from postlude.spec.types import Json
from postlude.wiring import RunOptions


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
    request = RetryRequest(run=run, tasks=tasks, unchanged=source, successor=successor, pipeline=pipeline)
    options = RunOptions(**given)
    with stored(options.home) as store:
        plan = plan_retry(store, request, home=options.home)
    finish(_retried(plan, options, silent=as_json), as_json=as_json)


def _retried(plan: RetryPlan, options: RunOptions, *, silent: bool) -> Json:
    with driver(options, silent=silent) as driving:
        return driving.drive(
            plan.before["pipeline"],
            lambda engine, watch: carry_out(engine, plan, timeout_s=options.timeout_s, watch=watch),
            before=plan.before,
        )
