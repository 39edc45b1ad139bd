"""`postlude graph`."""

import click

from postlude.api.mermaid import mermaid
from postlude.api.source import load_source
from postlude.cli.options import PIPELINE, SOURCE
from postlude.cli.visible import visible


@click.command("graph")
@SOURCE
@PIPELINE
def command(source: str, pipeline: str | None) -> None:
    """Print a pipeline as a Mermaid flowchart; exit handlers are frames, with their exit task hanging on them."""
    click.echo(visible(mermaid(load_source(source, pipeline=pipeline))), nl=False)
