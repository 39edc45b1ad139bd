"""The only module that imports SQLAlchemy for a store: PostgreSQL speaks through it, and Alembic migrates with it."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Final

from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from postlude.spec.problem import ConfigError
from postlude.stores.sql.database import URLS, Access, Database, Statement, Transaction

_DRIVER: Final = "postgresql+psycopg"
_OPENING: Final = {
    Access.READ: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    Access.WRITE: "SET LOCAL synchronous_commit TO off",
    Access.DURABLE: "SET LOCAL synchronous_commit TO on",
}
"""The statement that begins a transaction."""
_EXCLUSION: Final = "SELECT pg_advisory_xact_lock(7095144421)"
"""Keeps other processes from migrating until the transaction ends."""
_PARAMETER: Final = re.compile(r":(\w+)")


class PostgresqlDatabase(Database):
    """A database of a server.

    Args:
        url: Where it is.

    Raises:
        ConfigError: The URL is none, or names no database of PostgreSQL.
        ModuleNotFoundError: The driver is not installed.
    """

    remedy = "check that the server runs and that the URL names its host, user, password and database"
    version_table = Statement("SELECT 1 FROM pg_class WHERE oid = to_regclass('alembic_version')")
    any_table = Statement("SELECT 1 FROM pg_class LIMIT 1")

    def __init__(self, url: str) -> None:
        super().__init__()
        address = _address(url)
        self._engine = create_engine(address.set(drivername=_DRIVER), pool_pre_ping=True, pool_use_lifo=True)
        event.listen(self._engine, "begin", _open_transaction)
        self.name = address.set(drivername="postgresql").render_as_string(hide_password=True)
        self.errors = (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)

    @contextmanager
    def opened(self, access: Access) -> Iterator[Transaction]:
        """See `Database.opened`."""
        with self._begun(access) as connection, closing(connection.connection.cursor()) as cursor:
            yield Transaction(cursor, _spelled)

    @contextmanager
    def migrating(self) -> Iterator[tuple[Connection, Transaction]]:
        """See `Database.migrating`."""
        with self._begun(Access.DURABLE) as connection, closing(connection.connection.cursor()) as cursor:
            connection.exec_driver_sql(_EXCLUSION)
            yield connection, Transaction(cursor, _spelled)

    def close(self) -> None:
        """See `Database.close`."""
        self._engine.dispose()

    @contextmanager
    def _begun(self, access: Access) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.execution_options(access=access).begin():
            yield connection


def _address(url: str) -> URL:
    try:
        read = make_url(url)
    except ArgumentError:
        raise ConfigError(f"the database URL is not one: {URLS}") from None
    if read.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"the database URL names '{read.get_backend_name()}', which Postlude does not speak: {URLS}")
    if not read.database:
        raise ConfigError(f"the database URL {read.render_as_string()} names no database: {URLS}")
    return read


def _open_transaction(connection: Connection) -> None:
    connection.connection.cursor().execute(_OPENING[connection.get_execution_options()["access"]])


@cache
def _spelled(statement: Statement) -> str:
    """The statement as psycopg reads it."""
    return _PARAMETER.sub(r"%(\1)s", f"{statement.text} {statement.lock}".rstrip())


@contextmanager
def over_sqlite(driver: sqlite3.Connection, begin: Callable[[], None]) -> Iterator[Connection]:
    """A transaction over a connection of the standard library, as Alembic takes it.

    Args:
        driver: The connection; it is closed in the end.
        begin: Opens the transaction.
    """
    engine = create_engine("sqlite://", creator=lambda: driver, poolclass=StaticPool)
    event.listen(engine, "begin", lambda _connection: begin())
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
