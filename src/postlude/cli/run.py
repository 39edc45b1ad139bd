"""`postlude run`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from postlude.api.arguments import read_arguments
from postlude.api.source import load_source
from postlude.cli.drive import driver, finish
from postlude.cli.options import (
    AS_JSON,
    CACHE,
    CONTAINERS,
    EXIT_TASKS_ON_CANCEL,
    GRACE,
    HOME,
    PARAMETERS,
    PARAMS_FILE,
    PIPELINE,
    SOURCE,
    TIMEOUT,
    WORKERS,
    Seconds,
)
from postlude.spec.arguments import check_arguments
from postlude.spec.types import Json
from postlude.wiring import RunOptions

_OPTIONS = (
    "home",
    "workers",
    "cache",
    "failure_policy",
    "status_words",
    "containers",
    "grace_s",
    "timeout_s",
    "exit_timeout_s",
    "exit_tasks_on_cancel",
    "run_url",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What the command line asks for."""

    source: str
    pipeline: str | None
    pairs: tuple[str, ...]
    params_file: Path | None
    name: str
    as_json: bool
    options: RunOptions


@click.command("run")
@SOURCE
@PARAMETERS
@PARAMS_FILE
@PIPELINE
@click.option("--name", default="", metavar="N", help="What to call the run.")
@WORKERS
@CACHE
@click.option(
    "--failure-policy",
    type=click.Choice(["slow", "fast"]),
    default="slow",
    show_default=True,
    help="After a failure: finish what does not depend on it, or start nothing new in that group.",
)
@click.option(
    "--status-words",
    type=click.Choice(["kfp", "sdk"]),
    default="kfp",
    show_default=True,
    help="Exit tasks read COMPLETE/CANCELED (kfp) or SUCCEEDED/CANCELLED (sdk).",
)
@CONTAINERS
@GRACE
@TIMEOUT
@click.option(
    "--exit-timeout",
    "exit_timeout_s",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="What each exit task may take; else no limit but its own.",
)
@EXIT_TASKS_ON_CANCEL
@click.option(
    "--run-url",
    default="",
    metavar="URL",
    help="What tasks are told of where to look at the run, with {run_id} for its id; else its directory.",
)
@HOME
@AS_JSON
def command(**given: Any) -> None:
    """Run a pipeline on this machine: a .py file, compiled YAML or JSON, a .zip or .tar.gz of it, or - for stdin.

    Ctrl-C cancels the run, and exit tasks still run; a second Ctrl-C stops those too.
    """
    request = _request(**given)
    finish(_run(request), as_json=request.as_json)


def _request(**given: Any) -> _Request:
    options = RunOptions(**{name: given.pop(name) for name in _OPTIONS})
    return _Request(options=options, **given)


def _run(request: _Request) -> Json:
    pipeline = load_source(request.source, pipeline=request.pipeline)
    arguments = check_arguments(pipeline, read_arguments(pipeline, request.pairs, request.params_file))
    with driver(request.options, silent=request.as_json) as driving:
        return driving.drive(
            pipeline.name,
            lambda engine, watch: engine.run(pipeline, arguments, name=request.name, watch=watch),
        )
