"""`postlude verify`."""

from pathlib import Path

import click
from msgspec.structs import asdict

from postlude.api.stored import document_of, stored
from postlude.cli.document import print_document
from postlude.cli.options import AS_JSON, HOME, RUN
from postlude.cli.rows import Row
from postlude.cli.screen import print_rows
from postlude.runtime.verify import Difference, Verification, verify
from postlude.stores.run_lookup import SHORT_ID

_SCHEMA = "postlude.verification/v1"
_TEXT_MAX = 200


@click.command("verify")
@RUN
@HOME
@AS_JSON
def command(run: str, home: Path | None, *, as_json: bool) -> None:
    """Fold a run's journal again and compare all that is stored of it: states, verdicts, what exit tasks were told.

    RUN is an id or the start of one. Exit code 0: all agree; 1: there are differences, which are listed.
    """
    with stored(home) as store:
        found = verify(store.journal, store.catalog, document_of(store, run)["run_id"])
    if as_json:
        print_document({"schema": _SCHEMA, "ok": not found.differences, **asdict(found)})
    else:
        _print(found)
    raise click.exceptions.Exit(1 if found.differences else 0)


def _print(found: Verification) -> None:
    headline = ((_headline(found), "bold green" if not found.differences else "bold red"),)
    print_rows([headline, *map(_row, found.differences)], wrap=True)


def _row(one: Difference) -> Row:
    said = f"stored {_cut(one.stored)}, the journal gives {_cut(one.journal)}"
    return (f"  {one.where}: ", ""), (said, "")


def _headline(found: Verification) -> str:
    counted = f"{found.events} events, {found.tasks} tasks, {found.payloads} final statuses"
    run = f"run {found.run_id[:SHORT_ID]} ({found.state})"
    if not found.differences:
        return f"✓ {run} is what its journal says: {counted}"
    count = len(found.differences)
    return f"✗ {run} differs from its journal in {count} place{'s' if count != 1 else ''}: {counted}"


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
