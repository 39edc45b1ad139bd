"""One database: transactions that readers open freely and the writers of this process one at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from threading import Lock
from typing import Any, Final

from sqlalchemy import URL, ClauseElement, Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from postlude.ports.journal import StoreError
from postlude.stores.sql.backend import Access, Backend

_REMEDIES: Final = {
    "SQLITE_FULL": "free some space on its disk",
    "SQLITE_BUSY": "another process holds it; wait for that one or stop it",
    "SQLITE_READONLY": "make the file and its directory writable",
    "SQLITE_CORRUPT": "restore it from a backup, or move it away to start afresh",
    "SQLITE_NOTADB": "restore it from a backup, or move it away to start afresh",
    "53100": "free some space on the server's disk",
}
_NO_TEXT: Final = "Could not decode"
"""How the SQLite driver's message begins where a text is no UTF-8, for which it has no code."""
_OTHERWISE: Final = "check that it is there, that it can be reached and that its disk has room"

Row = Mapping[str, Any]


class Transaction:
    """An open transaction, spoken to through the driver: SQLAlchemy's own execution would cost five times as much."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = connection.connection.cursor()
        self._dialect = connection.dialect

    def change(self, statement: ClauseElement, rows: Row | Sequence[Row]) -> int:
        """Run a statement once for each row; returns how many rows of the table it changed."""
        text = _text(statement, self._dialect)
        if isinstance(rows, Mapping):
            self._cursor.execute(text, rows)
        else:
            self._cursor.executemany(text, rows)
        return self._cursor.rowcount

    def select(self, statement: ClauseElement, row: Row) -> Sequence[Any]:
        """Every row that a query finds, as tuples."""
        self._cursor.execute(_text(statement, self._dialect), row)
        return self._cursor.fetchall()

    def column(self, statement: ClauseElement, row: Row) -> list[Any]:
        """The first column of every row that a query finds."""
        return [found[0] for found in self.select(statement, row)]

    def close(self) -> None:
        """Free the statement, which keeps a SQLite file open for as long as anybody holds an error it raised."""
        self._cursor.close()


@cache
def _text(statement: ClauseElement, dialect: Any) -> str:
    return str(statement.compile(dialect=dialect))


class Database:
    """The connections to one database.

    Attributes:
        name: What messages call it: the file, or the URL without its password.
        errors: What SQLAlchemy and the driver raise.
    """

    def __init__(self, engine: Engine, backend: Backend) -> None:
        self.engine = engine
        self.backend = backend
        self.name = name_of(engine.url)
        self.errors = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error)
        self._turn = Lock()  # SQLite's own waiting sleeps longer and longer; this wakes the next writer at once.

    @contextmanager
    def writing(self, doing: str, *, durable: bool) -> Iterator[Transaction]:
        """A transaction that commits where the block ends well and leaves nothing behind where it does not.

        Args:
            doing: What the block does, for the message: "save event 7 of run 'ab'".
            durable: Whether the commit waits for the disk.

        Raises:
            StoreError: The database refused or is gone; the next transaction tries anew.
        """
        access = Access.DURABLE if durable else Access.WRITE
        with self._turn, self._transaction(doing, access) as transaction:
            yield transaction

    @contextmanager
    def reading(self, doing: str) -> Iterator[Transaction]:
        """A transaction in which every query sees the same moment.

        Raises:
            StoreError: The database refused or is gone.
        """
        with self._transaction(doing, Access.READ) as transaction:
            yield transaction

    @contextmanager
    def _transaction(self, doing: str, access: Access) -> Iterator[Transaction]:
        try:
            with (
                self.engine.connect() as connection,
                connection.execution_options(access=access).begin(),
                closing(Transaction(connection)) as transaction,
            ):
                yield transaction
        except self.errors as error:
            raise StoreError(f"{self.name}: could not {doing}: {reason(error)}; {_remedy(error)}") from error

    def close(self) -> None:
        """Free every connection."""
        self.engine.dispose()


def name_of(url: URL) -> str:
    """What messages call the database: the file, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def reason(error: Exception) -> str:
    """Why the database refused, on one line, in its own words."""
    return " ".join(str(_cause(error)).split())


def _remedy(error: Exception) -> str:
    cause = _cause(error)
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    if str(cause).startswith(_NO_TEXT):
        code = "SQLITE_CORRUPT"
    return _REMEDIES.get(code, _OTHERWISE)


def _cause(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error
