"""`postlude resume`."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from postlude.api.stored import id_of, stored
from postlude.cli.document import print_document
from postlude.cli.drive import EXIT_CODES, Driver, driver, finish, report, worst
from postlude.cli.options import (
    AS_JSON,
    CACHE,
    CONTAINERS,
    EXIT_TASKS_ON_CANCEL,
    GRACE,
    HOME,
    OFFLINE,
    RESOURCES,
    WORKERS,
)
from postlude.cli.refusal import REFUSED
from postlude.cli.screen import print_rows
from postlude.ports.journal import StoreError
from postlude.ports.lease import Holder
from postlude.spec.problem import ConfigError, SpecError
from postlude.spec.types import Json
from postlude.stores.run_lookup import SHORT_ID
from postlude.stores.store import Store
from postlude.wiring import RunOptions
from postlude.wiring.stores import tenancy

_NOTHING = "Nothing to resume: no run of this home is unfinished and without an engine."


@click.command("resume")
@click.argument("run", metavar="[RUN]", default="", required=False)
@WORKERS
@RESOURCES
@CACHE
@CONTAINERS
@OFFLINE
@GRACE
@EXIT_TASKS_ON_CANCEL
@HOME
@AS_JSON
def command(run: str, *, as_json: bool, **given: Any) -> None:
    """Go on with a run whose engine is gone: tasks that ended stay as they are, lost attempts are made again.

    RUN is an id or the start of one; a run that is final is shown as it is. Without RUN every unfinished run of the
    home that no engine drives is gone on with, oldest first, and the exit code is the worst of theirs. --json gives
    one document for one RUN, and a list of documents without RUN.
    """
    options = RunOptions(**given)
    if run:
        finish(_one(run, options, silent=as_json), as_json=as_json)
    _all(options, as_json=as_json)


def _one(run: str, options: RunOptions, *, silent: bool) -> Json:
    with stored(options.home) as store:
        run_id = id_of(store, run)
        before = _before(store, run_id)
    with driver(options, silent=silent) as driving:
        return _resumed(driving, run_id, before)


def _before(store: Store, run_id: str) -> Json | None:
    """The run's document; None where it never took a step."""
    try:
        return store.catalog.run(run_id)
    except LookupError:
        return None


def _resumed(driving: Driver, run_id: str, before: Json | None) -> Json:
    title = run_id[:SHORT_ID] if before is None else before["pipeline"]
    return driving.drive(title, lambda engine, watch: engine.resume(run_id, watch=watch), before=before)


# --- every unfinished run ---------------------------------------------------------------------------------------------


def _all(options: RunOptions, *, as_json: bool) -> None:
    codes: list[int] = []
    documents: list[Json] = []
    for found in _each(options, as_json=as_json):
        codes.append(REFUSED if found is None else EXIT_CODES[found["state"]])
        documents += [] if found is None else [found]
    if as_json:
        print_document(documents)
    elif not codes:
        click.echo(_NOTHING)
    raise click.exceptions.Exit(worst(codes))


def _each(options: RunOptions, *, as_json: bool) -> Iterator[Json | None]:
    """Each run as it ended; None for one that could not be gone on with."""
    with stored(options.home) as store:
        waiting = _unattended(store)
        if not waiting:
            return
        with driver(options, silent=as_json) as driving:
            for position, run_id in enumerate(waiting):
                if driving.interrupted:
                    _leave(waiting[position:])
                    return
                yield _attempted(driving, store, run_id, as_json=as_json)


def _attempted(driving: Driver, store: Store, run_id: str, *, as_json: bool) -> Json | None:
    if not as_json:
        print_rows([((f"Run {run_id[:SHORT_ID]}:", "bold"),)])
    try:
        document = _resumed(driving, run_id, _before(store, run_id))
    except (StoreError, SpecError, ConfigError) as error:
        click.echo(str(error), err=True)
        return None
    if not as_json:
        report(document)
    return document


def _unattended(store: Store) -> Sequence[str]:
    """The unfinished runs that no engine drives, oldest first; the others are named."""
    hold = tenancy(store)
    holders = {run_id: hold.driver(run_id) for run_id in store.journal.unfinished()}
    for run_id, holder in holders.items():
        if holder is not None:
            click.echo(f"Run {run_id[:SHORT_ID]} is left alone: {_driven_by(holder)} drives it.", err=True)
    return [run_id for run_id, holder in holders.items() if holder is None]


def _driven_by(holder: Holder) -> str:
    return f"process {holder.pid} on {holder.host.partition('/')[0]}"


def _leave(rest: Sequence[str]) -> None:
    named = ", ".join(run_id[:SHORT_ID] for run_id in rest)
    click.echo(f"Left for another `postlude resume`: {named}.", err=True)
