"""`postlude runs`."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from postlude.cli.document import print_document
from postlude.cli.options import AS_JSON, HOME
from postlude.cli.rows import Row
from postlude.cli.screen import print_rows
from postlude.cli.words import LOOKS, duration, epoch, wall_date
from postlude.core.task import State
from postlude.spec.types import Json
from postlude.stores.run_lookup import SHORT_ID
from postlude.wiring.stores import open_catalog

_COLUMNS = ("RUN", "PIPELINE", "STATE", "STARTED", "DURATION")


@click.command("runs")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="At most N runs."
)
@HOME
@AS_JSON
def command(limit: int, home: Path | None, *, as_json: bool) -> None:
    """List runs, newest first."""
    documents = open_catalog(home).runs(limit=limit)
    if as_json:
        print_document({"schema": "postlude.runs/v1", "runs": documents})
    elif documents:
        print_rows(_table(documents))
    else:
        click.echo("No runs yet. `postlude run SOURCE` makes one.")


def _table(documents: Sequence[Json]) -> list[Row]:
    lines = [_COLUMNS, *(_cells(document) for document in documents)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    styles = ["bold", *(LOOKS[State(document["state"])].style for document in documents)]
    return [
        tuple(
            (f"{cell:{width}}  ", style if name in ("STATE", cell) else "")
            for cell, width, name in zip(line, widths, _COLUMNS, strict=True)
        )
        for line, style in zip(lines, styles, strict=True)
    ]


def _cells(document: Json) -> tuple[str, ...]:
    started, finished = epoch(document["started_at"]), epoch(document["finished_at"])
    began = "" if started is None else wall_date(started)
    took = "" if started is None else duration((time.time() if finished is None else finished) - started)
    return document["run_id"][:SHORT_ID], document["pipeline"], document["state"], began, took
