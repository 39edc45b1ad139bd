"""`postlude validate`."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import UNSET

from postlude.api.arguments import read_arguments
from postlude.api.census import Census, census
from postlude.api.source import load_source
from postlude.cli.document import print_document
from postlude.cli.notes import notes
from postlude.cli.options import AS_JSON, PARAMETERS, PARAMS_FILE, PIPELINE, SOURCE
from postlude.cli.visible import visible_row
from postlude.spec.arguments import check_arguments
from postlude.spec.problem import SpecError
from postlude.spec.types import Json, Pipeline

_SCHEMA = "postlude.validation/v1"


@click.command("validate")
@SOURCE
@PARAMETERS
@PARAMS_FILE
@PIPELINE
@AS_JSON
def command(
    source: str, pairs: tuple[str, ...], params_file: Path | None, pipeline: str | None, *, as_json: bool
) -> None:
    """Say whether a pipeline can run, and every problem if not. Arguments are checked where some are given."""
    try:
        loaded = load_source(source, pipeline=pipeline)
        if pairs or params_file:
            check_arguments(loaded, read_arguments(loaded, pairs, params_file))
    except SpecError as error:
        if as_json:
            print_document(_refused(error))
        raise
    if as_json:
        print_document(_accepted(loaded))
    else:
        _print(loaded)


def _print(pipeline: Pipeline) -> None:
    for line in _lines(pipeline):
        click.echo(visible_row(line))


def _lines(pipeline: Pipeline) -> Iterator[str]:
    yield f"{pipeline.name}: ok ({counted(census(pipeline))})"
    for name, declared in _inputs(pipeline).items():
        default = f" = {json.dumps(declared['default'], ensure_ascii=False)}" if "default" in declared else ""
        required = " (required)" if declared["required"] else ""
        yield f"  input {name}: {declared['type']}{default}{required}"
    yield from (f"  note: {note}" for note in notes(pipeline))


def counted(found: Census) -> str:
    """What a pipeline is made of, in words."""
    words = ((found.tasks, "task"), (found.groups, "group"), (found.exit_handlers, "exit handler"))
    return ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in words if count)


def _inputs(pipeline: Pipeline) -> dict[str, Json]:
    declared = pipeline.root.inputs.parameters.items()
    return {
        name: {"type": parameter.type.value, "required": parameter.required}
        | ({} if parameter.default is UNSET else {"default": parameter.default})
        for name, parameter in declared
    }


def _accepted(pipeline: Pipeline) -> Json:
    found = census(pipeline)
    return {
        "schema": _SCHEMA,
        "ok": True,
        "pipeline": pipeline.name,
        "tasks": found.tasks,
        "groups": found.groups,
        "exit_handlers": found.exit_handlers,
        "inputs": _inputs(pipeline),
        "notes": list(notes(pipeline)),
        "problems": [],
    }


def _refused(error: SpecError) -> Json:
    problems = [{"where": problem.where, "what": problem.what} for problem in error.problems]
    return {"schema": _SCHEMA, "ok": False, "source": error.source, "problems": problems}
