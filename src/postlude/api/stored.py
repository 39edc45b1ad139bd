"""Stored runs, as people ask for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postlude.api.result import Run
from postlude.api.values import fetching
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.store import Store
from postlude.wiring.stores import open_stored


def stored_run(home: Path | None, run: str) -> Json:
    """The document of the run whose id starts with `run`, of the newest run where that is "".

    Raises:
        ConfigError: There is no such run, or there are several; the message says which.
    """
    with stored(home) as store:
        return document_of(store, run)


def get_run(run_id: str = "", *, home: str | Path | None = None) -> Run:
    """A run that is kept, as it stands now; it may be one that still goes on.

    Args:
        run_id: The run's id or the beginning of one; "" for the newest run.
        home: Where runs are kept; None for POSTLUDE_HOME, else the user's data directory.

    Raises:
        ConfigError: There is no such run, or there are several; the message says which.
    """
    root = None if home is None else Path(home)
    document = stored_run(root, run_id)
    return Run(document, fetching(root, document["run_id"]))


@contextmanager
def stored(home: Path | None) -> Iterator[Store]:
    """What is stored in a home, for as long as it is looked at.

    Raises:
        ConfigError: The home or the database cannot be used.
    """
    store = open_stored(home)
    try:
        yield store
    finally:
        store.close()


def document_of(store: Store, run: str) -> Json:
    """The document of the run whose id starts with `run`.

    Raises:
        ConfigError: As for `stored_run`.
    """
    try:
        return store.catalog.run(run)
    except LookupError as error:
        raise ConfigError(_said(error)) from error


def id_of(store: Store, run: str) -> str:
    """The id that starts with `run`, of a run that was stored and never took its first step too.

    Raises:
        ConfigError: As for `stored_run`.
    """
    try:
        found: str = store.catalog.run(run)["run_id"]
    except LookupError as error:
        begun = [one for one in store.journal.unfinished() if run and one.startswith(run)]
        if len(begun) != 1:
            raise ConfigError(_said(error)) from error
        return begun[0]
    return found


def _said(error: LookupError) -> str:
    return str(error.args[0] if error.args else error)
