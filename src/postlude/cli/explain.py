"""`postlude explain`."""

from pathlib import Path
from typing import Final

import click
from msgspec.structs import asdict

from postlude.api.stored import document_of, stored
from postlude.api.task_lookup import path_of
from postlude.cli.document import print_document
from postlude.cli.options import AS_JSON, HOME, RUN
from postlude.cli.rows import Row
from postlude.cli.screen import print_rows
from postlude.cli.words import LOOKS
from postlude.core.explain import Reason, explain
from postlude.core.run_state import Run
from postlude.core.task import Task
from postlude.ports.journal import StoreError
from postlude.runtime.recover import recover
from postlude.spec.problem import SpecError
from postlude.spec.types import Json
from postlude.stores.store import Store

_SCHEMA: Final = "postlude.explanation/v1"
_LABEL_WIDTH: Final = 10
_LOOK_BACK: Final = 100
"""How many runs are looked at for an earlier one of the same pipeline."""


@click.command("explain")
@RUN
@click.argument("task", metavar="TASK")
@HOME
@AS_JSON
def command(run: str, task: str, home: Path | None, *, as_json: bool) -> None:
    """Say why a task ran, waits, was skipped, was not started, was retried, or was served from the cache or not.

    RUN is an id or the start of one. TASK is a path, or the end of a path that only one task has.
    """
    with stored(home) as store:
        document = document_of(store, run)
        found = recover(store.journal, document["run_id"]).run
        one = found.tasks[path_of(document, task)]
        reasons = explain(found, one, earlier=_earlier(store, document, one))
    if as_json:
        said = [asdict(reason) for reason in reasons]
        print_document({"schema": _SCHEMA, "path": one.path, "state": one.state.value, "reasons": said})
    else:
        print_rows([_headline(one), *(_row(reasons, position) for position in range(len(reasons)))], wrap=True)


def _earlier(store: Store, document: Json, task: Task) -> Run | None:
    """The latest earlier run of the same pipeline that made an attempt of the task; None where there is none."""
    for other in store.catalog.runs(limit=_LOOK_BACK):
        if other["pipeline"] != document["pipeline"] or other["created_at"] >= document["created_at"]:
            continue
        try:
            run = recover(store.journal, other["run_id"]).run
        except (StoreError, SpecError):  # what is wrong with another run is no reason to keep silent about this one
            continue
        if task.path in run.tasks and run.tasks[task.path].attempt:
            return run
    return None


def _headline(task: Task) -> Row:
    look = LOOKS[task.state]
    return (f"{look.symbol} {task.path}", look.style), (f"  {task.kind.value}, {task.state.value}", "")


def _row(reasons: list[Reason], position: int) -> Row:
    topic = reasons[position].topic
    repeated = position > 0 and reasons[position - 1].topic == topic
    return (f"  {'' if repeated else topic:{_LABEL_WIDTH}}", "dim"), (reasons[position].text, "")
