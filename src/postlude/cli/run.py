"""`postlude run`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from postlude.api.arguments import read_arguments
from postlude.api.source import load_source
from postlude.cli.cancel import cancel_on_signals
from postlude.cli.document import print_document
from postlude.cli.main import INTERRUPTED
from postlude.cli.options import AS_JSON, HOME, PARAMETERS, PARAMS_FILE, PIPELINE, SOURCE
from postlude.cli.rows import rows
from postlude.cli.screen import is_terminal, print_rows, view
from postlude.cli.tree import tree_of
from postlude.cli.verdict import SHORT_ID, verdict
from postlude.spec.arguments import check_arguments
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.wiring import RunOptions, open_engine

EXIT_CODES: Final = {"SUCCEEDED": 0, "FAILED": 1, "CANCELED": INTERRUPTED}
_TREE_ROWS_MAX: Final = 100


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
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Tasks at a time; else as many as cores.")
@click.option("--no-cache", "cache", flag_value=False, default=True, help="Run every task, reuse nothing.")
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
@click.option(
    "--containers",
    type=click.Choice(["auto", "docker", "podman", "host"]),
    default="auto",
    show_default=True,
    help="What runs container components; host ignores the image and runs the command here.",
)
@HOME
@AS_JSON
def command(**given: Any) -> None:
    """Run a pipeline on this machine: a .py file, compiled YAML or JSON, a .zip or .tar.gz of it, or - for stdin.

    Ctrl-C cancels the run, and exit tasks still run; a second Ctrl-C stops those too.
    """
    request = _request(**given)
    document = _run(request)
    _tell(document, as_json=request.as_json)
    raise click.exceptions.Exit(EXIT_CODES[document["state"]])


def _request(*, workers: int | None, home: Path | None, **given: Any) -> _Request:
    names = ("cache", "failure_policy", "status_words", "containers")
    options = RunOptions(home=home, workers=workers, **{name: given.pop(name) for name in names})
    return _Request(options=options, **given)


def _run(request: _Request) -> Json:
    pipeline = load_source(request.source, pipeline=request.pipeline)
    arguments = check_arguments(pipeline, read_arguments(pipeline, request.pairs, request.params_file))
    with (
        open_engine(request.options) as engine,
        view(pipeline.name, silent=request.as_json) as shown,
        cancel_on_signals(engine.cancel, shown.say),
    ):
        return engine.run(pipeline, arguments, name=request.name, watch=shown.watch)


def _tell(document: Json, *, as_json: bool) -> None:
    try:
        _report(document, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        run, ended = document["run_id"][:SHORT_ID], document["state"]
        what = f"standard output cannot be written: {error.strerror}. The run ended {ended}"
        raise ConfigError(f"{what}; `postlude show {run}` shows it.") from error


def _report(document: Json, *, as_json: bool) -> None:
    if as_json:
        print_document(document)
        return
    if is_terminal():
        print_rows(rows(tree_of(document), limit=_TREE_ROWS_MAX))
        click.echo()
    print_rows(verdict(document), wrap=True)
