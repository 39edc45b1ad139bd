"""`postlude show`."""

from pathlib import Path

import click

from postlude.api.stored import stored_run
from postlude.cli.document import print_document
from postlude.cli.options import AS_JSON, HOME
from postlude.cli.rows import rows
from postlude.cli.screen import print_rows
from postlude.cli.tree import tree_of
from postlude.cli.verdict import verdict
from postlude.core.task import State


@click.command("show")
@click.argument("run", required=False, default="")
@HOME
@AS_JSON
def command(run: str, home: Path | None, *, as_json: bool) -> None:
    """Show a run: its tasks and the verdict. RUN is an id or the start of one; without it, the latest run."""
    document = stored_run(home, run)
    if as_json:
        print_document(document)
        return
    print_rows(rows(tree_of(document)))
    if State(document["state"]).is_final:
        click.echo()
        print_rows(verdict(document), wrap=True)
