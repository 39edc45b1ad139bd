"""`postlude cancel`."""

from pathlib import Path

import click

from postlude.cli.options import HOME, RUN
from postlude.cli.request import ask
from postlude.runtime.requests import cancel_message


@click.command("cancel")
@RUN
@click.option("--force", is_flag=True, help="Stop exit tasks too, also those that run already.")
@click.option("--no-exit-tasks", "exit_tasks", flag_value=False, default=True, help="Exit tasks do not run.")
@click.option("--wait", is_flag=True, help="Wait until the run is final, and show what happens.")
@HOME
def command(run: str, home: Path | None, *, force: bool, exit_tasks: bool, wait: bool) -> None:
    """End a run: running tasks are stopped, exit tasks still run, and the run ends CANCELED.

    RUN is an id or the start of one. A run that is final is refused. Exit code 0 says that the request is on record or,
    with --wait, that the run is final.
    """
    message = cancel_message(force=force, exit_tasks=exit_tasks)
    if force:
        asked = "asked to cancel, exit tasks included"
    else:
        asked = "asked to cancel; exit tasks still run" if exit_tasks else "asked to cancel; exit tasks do not run"
    ask(home, run, message, asked, wait=wait)
