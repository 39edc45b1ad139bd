"""What differs between the databases: how a transaction opens, and how a connection is made ready."""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from postlude.spec.problem import ConfigError
from postlude.spec.types import NOTHING
from postlude.stores.sql.sqlite_file import watch_file

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for the writers of other processes."""


class Access(Enum):
    """What a transaction is for."""

    READ = "read"
    """Sees one moment of the database."""
    WRITE = "write"
    """Survives the death of this process."""
    DURABLE = "durable"
    """Survives a power cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One kind of database.

    Attributes:
        driver: SQLAlchemy's name for the database and its driver.
        opening: The statements that open a transaction.
        exclusion: The statement that keeps other processes from migrating until the transaction ends; "" where opening
            a transaction to write does.
    """

    driver: str
    opening: Mapping[Access, tuple[str, ...]]
    exclusion: str = ""
    engine_options: Mapping[str, Any] = NOTHING


SQLITE: Final = Backend(
    driver="sqlite+pysqlite",
    opening={
        Access.READ: ("BEGIN",),
        Access.WRITE: ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
        Access.DURABLE: ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"),
    },
    engine_options={
        "connect_args": {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        "paramstyle": "named",
        "pool_use_lifo": True,
    },
)

POSTGRESQL: Final = Backend(
    driver="postgresql+psycopg",
    opening={
        Access.READ: ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
        Access.WRITE: ("SET LOCAL synchronous_commit TO off",),
        Access.DURABLE: ("SET LOCAL synchronous_commit TO on",),
    },
    exclusion="SELECT pg_advisory_xact_lock(7095144421)",
    engine_options={"pool_pre_ping": True, "pool_use_lifo": True},
)


def read_url(url: str) -> tuple[URL, Backend]:
    """The database that a URL names.

    Raises:
        ConfigError: It is no URL, or names a database that Postlude does not speak.
    """
    if url.startswith(_SQLITE_PREFIX):
        # A path is taken as it stands: "?" and "%" are characters of file names.
        return _file_url(url.removeprefix(_SQLITE_PREFIX)), SQLITE
    try:
        read = make_url(url)
    except ArgumentError:
        raise ConfigError(f"the database URL is not one: {_WANTED}") from None
    if read.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(
            f"the database URL names '{read.get_backend_name()}', which Postlude does not speak: {_WANTED}"
        )
    if not read.database:
        raise ConfigError(f"the database URL {read.render_as_string()} names no database: {_WANTED}")
    return read.set(drivername=POSTGRESQL.driver), POSTGRESQL


def _file_url(path: str) -> URL:
    if path in {"", ":memory:"}:
        raise ConfigError(f"the database URL {_SQLITE_PREFIX}{path} names no file: {_WANTED}")
    return URL.create(SQLITE.driver, database=path)


_SQLITE_PREFIX: Final = "sqlite:///"
_WANTED: Final = "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"


def connected_engine(url: URL, backend: Backend) -> Engine:
    """An engine whose transactions open as the `access` execution option of their connection says."""
    engine = create_engine(url, **backend.engine_options)

    def open_transaction(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        for statement in backend.opening[connection.get_execution_options().get("access", Access.READ)]:
            cursor.execute(statement)

    event.listen(engine, "begin", open_transaction)
    if backend is SQLITE:
        event.listen(engine, "connect", _prepare_sqlite)
        watch_file(engine)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # The driver would open transactions by itself, and not the kind asked for.
    _use_write_ahead_log(connection, deadline_s=time.monotonic() + BUSY_TIMEOUT_S)
    connection.execute("PRAGMA foreign_keys = ON")


def _use_write_ahead_log(connection: sqlite3.Connection, *, deadline_s: float) -> None:
    """Switch the log on. SQLite does not wait by itself while another process does the same."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                raise
            time.sleep(0.01)
        else:
            return
