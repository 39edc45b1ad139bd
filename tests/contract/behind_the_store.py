"""Ways to a store's database that do not lead through the store."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from postlude.stores.sql.store import open_database

Watch = Callable[[sqlite3.Connection], None]

_watching: list[Watch] = []


@contextmanager
def open_engine(url: str) -> Iterator[sa.Engine]:
    """SQLAlchemy's engine over the database, with its own settings."""
    prefix = "sqlite:///"
    if url.startswith(prefix):
        address = sa.URL.create("sqlite", database=url.removeprefix(prefix))
    else:
        address = sa.make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address)
    try:
        yield engine
    finally:
        engine.dispose()


def name(url: str) -> str:
    """What messages call the database."""
    return open_database(url).name


@contextmanager
def watching_connections(watch: Watch) -> Iterator[None]:
    """Hand over each connection that this process makes to a SQLite file, just before it is ready for use."""
    _watching.append(watch)
    try:
        yield
    finally:
        _watching.remove(watch)


def _on_event(event: str, arguments: tuple[object, ...]) -> None:
    if event == "sqlite3.connect/handle":
        for watch in tuple(_watching):
            watch(arguments[0])  # type: ignore[arg-type]  # the interpreter's promise for this event


sys.addaudithook(_on_event)
