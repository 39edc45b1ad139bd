"""Opening a database."""

from sqlalchemy import URL

from postlude.spec.problem import ConfigError
from postlude.stores.sql.backend import SQLITE, Backend, connected_engine, read_url
from postlude.stores.sql.cache import SqlCache
from postlude.stores.sql.catalog import SqlCatalog
from postlude.stores.sql.database import Database, reason
from postlude.stores.sql.journal import SqlJournal
from postlude.stores.sql.leases import SqlLeases
from postlude.stores.sql.mailbox import SqlMailbox
from postlude.stores.sql.migrate import migrate
from postlude.stores.sql.upkeep import SqlUpkeep
from postlude.stores.store import Store


def open_store(url: str) -> Store:
    """Open a database, and make or update its tables first where needed.

    Args:
        url: "sqlite:///PATH" (the directory exists, the file need not) or "postgresql://USER:PASSWORD@HOST/DATABASE".

    Raises:
        ConfigError: The URL names no database that Postlude speaks, or what it names cannot be opened, is no database,
            belongs to another program or was written by a newer Postlude.
    """
    address, backend = read_url(url)
    database = _database(address, backend)
    try:
        migrate(database)
    except database.errors as error:
        database.close()
        remedy = _SQLITE_REMEDY if backend is SQLITE else _SERVER_REMEDY
        raise ConfigError(f"{database.name}: cannot be opened: {reason(error)}; {remedy}") from error
    return Store(
        journal=SqlJournal(database),
        catalog=SqlCatalog(database),
        cache=SqlCache(database),
        leases=SqlLeases(database),
        mailbox=SqlMailbox(database),
        upkeep=SqlUpkeep(database),
        close=database.close,
    )


def _database(address: URL, backend: Backend) -> Database:
    try:
        return Database(connected_engine(address, backend), backend)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"PostgreSQL needs {error.name}, which is not installed: pip install 'postlude[postgres]'"
        ) from error


_SQLITE_REMEDY = "make it a writable file, move it away to start afresh, or use another home"
_SERVER_REMEDY = "check that the server runs and that the URL names its host, user, password and database"
