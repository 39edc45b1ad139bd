"""Opening a database."""

from typing import Final

from postlude.spec.problem import ConfigError
from postlude.stores.sql.cache import SqlCache
from postlude.stores.sql.catalog import SqlCatalog
from postlude.stores.sql.database import URLS, Database, reason
from postlude.stores.sql.journal import SqlJournal
from postlude.stores.sql.leases import SqlLeases
from postlude.stores.sql.mailbox import SqlMailbox
from postlude.stores.sql.migrate import migrate
from postlude.stores.sql.sqlite import SqliteDatabase
from postlude.stores.sql.upkeep import SqlUpkeep
from postlude.stores.store import Store

_SQLITE: Final = "sqlite:///"


def open_store(url: str) -> Store:
    """Open a database, and make or update its tables first where needed.

    Args:
        url: "sqlite:///PATH" (the directory exists, the file need not) or "postgresql://USER:PASSWORD@HOST/DATABASE".

    Raises:
        ConfigError: The URL names no database that Postlude speaks, or what it names cannot be opened, is no database,
            belongs to another program or was written by a newer Postlude.
    """
    database = open_database(url)
    try:
        migrate(database)
    except database.errors as error:
        database.close()
        raise ConfigError(f"{database.name}: cannot be opened: {reason(error)}; {database.remedy}") from error
    return Store(
        journal=SqlJournal(database),
        catalog=SqlCatalog(database),
        cache=SqlCache(database),
        leases=SqlLeases(database),
        mailbox=SqlMailbox(database),
        upkeep=SqlUpkeep(database),
        close=database.close,
    )


def open_database(url: str) -> Database:
    """The database that a URL names. Nothing is connected to yet.

    Raises:
        ConfigError: It is no URL, names a database that Postlude does not speak, or one whose driver is not installed.
    """
    # A path is taken as it stands: "?" and "%" are characters of file names.
    return _file(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else _server(url)


def _file(path: str) -> Database:
    if path in {"", ":memory:"}:
        raise ConfigError(f"the database URL {_SQLITE}{path} names no file: {URLS}")
    return SqliteDatabase(path)


def _server(url: str) -> Database:
    from postlude.stores.sql.alchemy import PostgresqlDatabase  # noqa: PLC0415 - a third of a second, for a server

    try:
        return PostgresqlDatabase(url)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"PostgreSQL needs {error.name}, which is not installed: pip install 'postlude[postgres]'"
        ) from error
