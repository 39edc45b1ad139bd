"""`postlude events`."""

import json
from pathlib import Path

import click

from postlude.api.stored import id_of, stored
from postlude.cli.journal import entries, follow, row
from postlude.cli.options import HOME, RUN
from postlude.cli.screen import print_rows
from postlude.spec.types import Json
from postlude.stores.run_lookup import SHORT_ID
from postlude.stores.store import Store
from postlude.wiring.stores import tenancy


@click.command("events")
@RUN
@click.option("--follow", "following", is_flag=True, help="Go on with what happens, until the run is final.")
@HOME
@click.option("--json", "as_json", is_flag=True, help="Print the journal's entries, one JSON document a line.")
def command(run: str, home: Path | None, *, following: bool, as_json: bool) -> None:
    """Print a run's journal, one line an event: when, which task, what. RUN is an id or the start of one."""
    with stored(home) as store:
        run_id = id_of(store, run)
        if following:
            _say_if_unattended(store, run_id)
        for number, entry in follow(store.journal, run_id) if following else entries(store.journal, run_id):
            _print(number, entry, as_json=as_json)


def _print(number: int, entry: Json, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"seq": number, **entry}))
    else:
        print_rows([row(entry)])


def _say_if_unattended(store: Store, run_id: str) -> None:
    if run_id in store.journal.unfinished() and tenancy(store).driver(run_id) is None:
        short = run_id[:SHORT_ID]
        click.echo(f"No engine drives run {short}: nothing happens until `postlude resume {short}`.", err=True)
