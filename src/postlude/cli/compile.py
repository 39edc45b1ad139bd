"""`postlude compile`."""

from pathlib import Path

import click

from postlude.api.census import census
from postlude.api.ir import STDOUT, compiled, write_whole
from postlude.cli.options import PIPELINE, SOURCE
from postlude.cli.validate import counted
from postlude.cli.visible import visible_row


@click.command("compile")
@SOURCE
@click.option("-o", "--output", metavar="FILE", required=True, help="A .yaml or .json file, or - for stdout.")
@PIPELINE
def command(source: str, output: str, pipeline: str | None) -> None:
    """Compile a pipeline into IR, check it, and write it down: YAML or JSON that any KFP backend takes."""
    loaded, text = compiled(source, output, pipeline=pipeline)
    if output == STDOUT:
        click.echo(text, nl=False)
        return
    write_whole(Path(output).expanduser(), text)
    click.echo(visible_row(f"{output}: {loaded.name} ({counted(census(loaded))})"))
