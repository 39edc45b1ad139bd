"""`postlude run`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from postlude.cli.drive import driver, finish
from postlude.cli.fault_options import DELAY, FAIL, KILL
from postlude.cli.options import (
    AS_JSON,
    CACHE,
    CONTAINERS,
    EXIT_TASKS_ON_CANCEL,
    EXIT_TIMEOUT,
    FAILURE_POLICY,
    GRACE,
    HOME,
    OFFLINE,
    PARAMETERS,
    PARAMS_FILE,
    PIPELINE,
    PIPELINE_ROOT,
    RESOURCES,
    SOURCE,
    STATUS_WORDS,
    TIMEOUT,
    WORKERS,
)
from postlude.spec.types import Json, Pipeline
from postlude.wiring import RunOptions

if TYPE_CHECKING:
    from postlude.runtime.faults import Fault

_OPTIONS = (
    "home",
    "workers",
    "cpus",
    "memory",
    "gpus",
    "cache",
    "failure_policy",
    "status_words",
    "containers",
    "offline",
    "grace_s",
    "timeout_s",
    "exit_timeout_s",
    "exit_tasks_on_cancel",
    "pipeline_root",
    "run_url",
)
_FAULTS = ("fail", "kill", "delay")


class _Request(msgspec.Struct, frozen=True, kw_only=True):
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
@RESOURCES
@CACHE
@FAILURE_POLICY
@STATUS_WORDS
@CONTAINERS
@OFFLINE
@GRACE
@TIMEOUT
@EXIT_TIMEOUT
@EXIT_TASKS_ON_CANCEL
@PIPELINE_ROOT
@FAIL
@KILL
@DELAY
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
    faults = _faults(**{name: given.pop(name) for name in _FAULTS})
    options = RunOptions(faults=faults, **{name: given.pop(name) for name in _OPTIONS})
    return _Request(options=options, **given)


def _faults(**given: tuple[str, ...]) -> "tuple[Fault, ...]":
    if not any(given.values()):
        return ()
    from postlude.api.faults import read_faults  # noqa: PLC0415 - for those who order faults
    from postlude.cli.fault_options import fault_texts  # noqa: PLC0415 - as above

    return tuple(read_faults(fault_texts(**given)))


def _run(request: _Request) -> Json:
    with driver(request.options, silent=request.as_json) as driving:
        pipeline, arguments = _asked_for(request)
        _check_faults(pipeline, request.options.faults)
        document = driving.drive(
            pipeline.name,
            lambda engine, watch: engine.run(pipeline, arguments, name=request.name, watch=watch),
        )
    _say_without_effect(request.options.faults, document)
    return document


def _check_faults(pipeline: Pipeline, faults: "tuple[Fault, ...]") -> None:
    if faults:
        from postlude.runtime.faults import INJECTED, check_faults  # noqa: PLC0415 - for those who order faults

        check_faults(pipeline, faults, allowed=INJECTED, source="the command line")


def _say_without_effect(faults: "tuple[Fault, ...]", document: Json) -> None:
    if faults:
        from postlude.runtime.faults import fates_of, without_effect  # noqa: PLC0415 - for those who order faults

        for sentence in without_effect(faults, fates_of(document)):
            click.echo(sentence, err=True)


def _asked_for(request: _Request) -> tuple[Pipeline, dict[str, Json]]:
    from postlude.api.arguments import read_arguments  # noqa: PLC0415 - the executor starts first, and loads meanwhile
    from postlude.api.source import load_source  # noqa: PLC0415 - as above
    from postlude.spec.arguments import check_arguments  # noqa: PLC0415 - as above

    pipeline = load_source(request.source, pipeline=request.pipeline, home=request.options.home)
    return pipeline, check_arguments(pipeline, read_arguments(pipeline, request.pairs, request.params_file))
