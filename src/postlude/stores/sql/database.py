"""One database: transactions that readers open freely and the writers of this process one at a time."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from postlude.ports.journal import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

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

URLS: Final = "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
"""What to say to whoever gives the URL of no database."""

Row = Mapping[str, Any]


class Access(Enum):
    """What a transaction is for."""

    READ = "read"
    """Sees one moment of the database."""
    WRITE = "write"
    """Survives the death of this process."""
    DURABLE = "durable"
    """Survives a power cut."""

    __hash__ = object.__hash__  # as good, since members are compared by identity, and no Python


class Statement:
    """A statement of SQL, with parameters written `:name`. One object is one statement, whatever its text.

    Attributes:
        text: What every database reads.
        lock: What a server reads after that, to lock the rows it finds. SQLite has locked everything by then.
    """

    __slots__ = ("lock", "text")

    def __init__(self, text: str, *, lock: str = "") -> None:
        self.text = text
        self.lock = lock


class Transaction:
    """An open transaction, spoken to through the driver.

    Args:
        cursor: The driver's.
        spelled: The text of a statement as the driver reads it.
    """

    __slots__ = ("_cursor", "_spelled")

    def __init__(self, cursor: Any, spelled: Callable[[Statement], str]) -> None:
        self._cursor = cursor
        self._spelled = spelled

    def change(self, statement: Statement, row: Row) -> int:
        """Run a statement once; returns how many rows of the table it changed."""
        self._cursor.execute(self._spelled(statement), row)
        changed: int = self._cursor.rowcount
        return changed

    def change_each(self, statement: Statement, rows: Sequence[Row]) -> None:
        """Run a statement once for each row, of which there is one at least."""
        self._cursor.executemany(self._spelled(statement), rows)

    def select(self, statement: Statement, row: Row) -> Sequence[Any]:
        """Every row that a query finds, as tuples."""
        self._cursor.execute(self._spelled(statement), row)
        found: Sequence[Any] = self._cursor.fetchall()
        return found

    def column(self, statement: Statement, row: Row) -> list[Any]:
        """The first column of every row that a query finds."""
        return [found[0] for found in self.select(statement, row)]

    def close(self) -> None:
        """Free the statement, which keeps a SQLite file open for as long as anybody holds an error it raised."""
        self._cursor.close()


class Database(ABC):
    """The connections to one database.

    Attributes:
        name: What messages call it: the file, or the URL without its password.
        remedy: What to do where it cannot be opened.
        errors: What its driver raises.
        version_table: Finds a row where Alembic has been here.
        fresh_schema: Statements that make the newest schema in a database in which `any_table` finds nothing; empty
            where every database is migrated step by step.
    """

    name: str
    remedy: str
    errors: tuple[type[Exception], ...]
    version_table: Statement
    any_table: Statement
    fresh_schema: Sequence[Statement] = ()

    def __init__(self) -> None:
        self._turn = Lock()  # SQLite's own waiting sleeps longer and longer; this wakes the next writer at once.

    @abstractmethod
    def opened(self, access: Access) -> AbstractContextManager[Transaction]:
        """A transaction that commits where the block ends well and leaves nothing behind where it does not.

        Raises what the driver raises.
        """

    @abstractmethod
    def migrating(self) -> "AbstractContextManager[tuple[Connection, Transaction]]":
        """A durable transaction that keeps other processes from migrating, as Alembic takes it and as we do."""

    @abstractmethod
    def close(self) -> None:
        """Free every connection."""

    @contextmanager
    def writing(self, doing: str, *, durable: bool) -> Iterator[Transaction]:
        """A transaction that commits where the block ends well and leaves nothing behind where it does not.

        Args:
            doing: What the block does, for the message: "save event 7 of run 'ab'".
            durable: Whether the commit waits for the disk.

        Raises:
            StoreError: The database refused or is gone; the next transaction tries anew.
        """
        try:
            with self._turn, self.opened(Access.DURABLE if durable else Access.WRITE) as transaction:
                yield transaction
        except self.errors as error:
            raise self._refused(doing, error) from error

    @contextmanager
    def reading(self, doing: str) -> Iterator[Transaction]:
        """A transaction in which every query sees the same moment.

        Raises:
            StoreError: The database refused or is gone.
        """
        try:
            with self.opened(Access.READ) as transaction:
                yield transaction
        except self.errors as error:
            raise self._refused(doing, error) from error

    def _refused(self, doing: str, error: Exception) -> StoreError:
        return StoreError(f"{self.name}: could not {doing}: {reason(error)}; {_remedy(error)}")


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
    """What the driver raised, where SQLAlchemy raised something about that."""
    cause: BaseException = getattr(error, "orig", None) or error
    return cause
