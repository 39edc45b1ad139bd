"""What `postlude cancel` and `postlude stop` do: leave a message for the engine that drives a run, and perhaps wait."""

from pathlib import Path

import click

from postlude.api.stored import id_of, stored
from postlude.cli.drive import report
from postlude.cli.journal import follow, row
from postlude.cli.refusal import REFUSED, Refusal
from postlude.cli.screen import print_rows
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.run_lookup import SHORT_ID
from postlude.stores.store import Store
from postlude.wiring.stores import tenancy


def ask(home: Path | None, run: str, message: Json, asked: str, *, wait: bool) -> None:
    """Ask the engine of a run for something.

    Args:
        home: Where the run is.
        run: Its id or the start of one.
        message: What to ask for, see `runtime.requests`.
        asked: The same in words, after "Run 1a2b3c4d is ".
        wait: Whether to wait until the run is final, and to show what happens.

    Raises:
        ConfigError: There is no such run, or it is final.
    """
    with stored(home) as store:
        run_id = id_of(store, run)
        _refuse_final(store, run_id)
        seen = len(store.journal.events(run_id)) if wait else 0
        store.mailbox.post(run_id, message)
        _say(store, run_id, asked)
        if wait:
            _wait(store, run_id, seen)


def _refuse_final(store: Store, run_id: str) -> None:
    if run_id in store.journal.unfinished():
        return
    state = store.catalog.run(run_id)["state"]
    raise ConfigError(f"run {run_id[:SHORT_ID]} is {state}, which is final: there is nothing left to end.")


def _say(store: Store, run_id: str, asked: str) -> None:
    holder, short = tenancy(store).driver(run_id), run_id[:SHORT_ID]
    if holder is None:
        click.echo(f"Run {short} is {asked}. {_unattended(short)}", err=True)
        return
    where = f"process {holder.pid} on {holder.host.partition('/')[0]}"
    click.echo(f"Run {short} is {asked}. It is driven by {where}.", err=True)


def _unattended(short: str) -> str:
    return f"No engine drives it now: `postlude resume {short}` will carry the request out."


def _wait(store: Store, run_id: str, seen: int) -> None:
    """Show what happens until the run is final, and its verdict; without an engine there is nothing to wait for."""
    if _is_unattended(store, run_id):
        raise click.exceptions.Exit(REFUSED)

    def living() -> None:
        if _is_unattended(store, run_id):
            raise Refusal(f"Run {run_id[:SHORT_ID]} has lost its engine. {_unattended(run_id[:SHORT_ID])}")

    for _, entry in follow(store.journal, run_id, first=seen, idle=living):
        print_rows([row(entry)])
    report(store.catalog.run(run_id))


def _is_unattended(store: Store, run_id: str) -> bool:
    """Whether nobody drives a run that is not final; asked in this order, since a run ends before it is given free."""
    return tenancy(store).driver(run_id) is None and run_id in store.journal.unfinished()
