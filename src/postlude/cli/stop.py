"""`postlude stop`."""

from pathlib import Path

import click

from postlude.cli.options import HOME, RUN
from postlude.cli.request import ask
from postlude.runtime.requests import cancel_message


@click.command("stop")
@RUN
@click.option("--wait", is_flag=True, help="Wait until the run is final, and show what happens.")
@HOME
def command(run: str, home: Path | None, *, wait: bool) -> None:
    """Start nothing new in a run: running tasks finish, then exit tasks run, and the run ends CANCELED.

    RUN is an id or the start of one. A run that is final is refused. Exit code 0 says that the request is on record or,
    with --wait, that the run is final.
    """
    asked = "asked to stop; running tasks may finish, exit tasks still run"
    ask(home, run, cancel_message(let_finish=True), asked, wait=wait)
