"""SQLite, spoken to through the standard library: a run pays for no other."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from operator import attrgetter
from types import TracebackType
from typing import TYPE_CHECKING, Final

from postlude.stores.sql.database import Access, Database, Statement, Transaction
from postlude.stores.sql.sqlite_schema import FRESH

if TYPE_CHECKING:
    from sqlalchemy import Connection

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for the writers of other processes."""
_OPENING: Final = {
    Access.READ: ("", "BEGIN"),
    Access.WRITE: ("NORMAL", "BEGIN IMMEDIATE"),
    Access.DURABLE: ("FULL", "BEGIN IMMEDIATE"),
}
"""How far a commit goes, and the statement that opens the transaction."""
_PLAIN: Final = attrgetter("text")

Identity = tuple[int, int]


@dataclass(slots=True, kw_only=True)
class _Link:
    """A connection.

    Attributes:
        file: Which file it has open.
        synchronous: How far its commits go; "" where that was not said yet.
    """

    connection: sqlite3.Connection
    file: Identity
    synchronous: str = ""

    def begin(self, access: Access) -> None:
        synchronous, opening = _OPENING[access]
        if synchronous not in ("", self.synchronous):
            self.connection.execute(f"PRAGMA synchronous = {synchronous}")
            self.synchronous = synchronous
        self.connection.execute(opening)


class _Opened:
    """A transaction on a connection that it takes and gives back. As a generator it would cost every step more.

    Args:
        access: What it is for.
        take: Gives a connection.
        give_back, roll_back: Take it again after a commit, and where there was none.
    """

    __slots__ = ("_access", "_give_back", "_link", "_roll_back", "_take", "_transaction")

    def __init__(
        self,
        access: Access,
        take: Callable[[], _Link],
        give_back: Callable[[_Link], None],
        roll_back: Callable[[_Link], None],
    ) -> None:
        self._access = access
        self._take, self._give_back, self._roll_back = take, give_back, roll_back

    def __enter__(self) -> Transaction:
        self._link = self._take()
        try:
            self._link.begin(self._access)
            self._transaction = Transaction(self._link.connection.cursor(), _PLAIN)
        except BaseException:
            self._roll_back(self._link)
            raise
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transaction.close()
        if kind is not None:
            self._roll_back(self._link)
            return
        try:
            self._link.connection.execute("COMMIT")
        except BaseException:
            self._roll_back(self._link)
            raise
        self._give_back(self._link)


class SqliteDatabase(Database):
    """One file, which each transaction looks for: SQLite itself would go on writing into one that was deleted.

    A file that is moved away and back is the same; another one in its place is connected to anew. Only the first
    connection may make the file.

    Args:
        path: The file, in a directory that exists.
    """

    remedy = "make it a writable file, move it away to start afresh, or use another home"
    errors = (sqlite3.Error,)
    version_table = Statement("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    any_table = Statement("SELECT 1 FROM sqlite_master LIMIT 1")
    fresh_schema = FRESH

    def __init__(self, path: str) -> None:
        super().__init__()
        self.name = path
        self._idle: list[_Link] = []
        self._was_there = False
        self._closed = False

    def opened(self, access: Access) -> AbstractContextManager[Transaction]:
        """See `Database.opened`."""
        return _Opened(access, self._take, self._give_back, self._roll_back)

    @contextmanager
    def migrating(self) -> "Iterator[tuple[Connection, Transaction]]":
        """See `Database.migrating`."""
        from postlude.stores.sql.alchemy import over_sqlite  # noqa: PLC0415 - a third of a second, for a schema change

        link = self._take()
        with (
            over_sqlite(link.connection, lambda: link.begin(Access.DURABLE)) as connection,
            closing(link.connection.cursor()) as cursor,
        ):
            yield connection, Transaction(cursor, _PLAIN)

    def close(self) -> None:
        """See `Database.close`."""
        self._closed = True
        while self._idle:
            self._idle.pop().connection.close()

    def _take(self) -> _Link:
        file = self._identity() if self._was_there else None
        while self._idle:
            link = self._idle.pop()
            if link.file == file:
                return link
            link.connection.close()
        return self._connected()

    def _give_back(self, link: _Link) -> None:
        if self._closed:
            link.connection.close()
        else:
            self._idle.append(link)

    def _roll_back(self, link: _Link) -> None:
        try:
            link.connection.rollback()
        except sqlite3.Error:
            link.connection.close()
        else:
            self._give_back(link)

    def _connected(self) -> _Link:
        # No isolation level: the driver would open transactions by itself, and not the kind asked for.
        connection = sqlite3.connect(self.name, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            _use_write_ahead_log(connection, deadline_s=time.monotonic() + BUSY_TIMEOUT_S)
            connection.execute("PRAGMA foreign_keys = ON")
            self._was_there = True
            return _Link(connection=connection, file=self._identity())
        except BaseException:
            connection.close()
            raise

    def _identity(self) -> Identity:
        try:
            found = os.stat(self.name)  # noqa: PTH116 - of every transaction: the path object's own costs twice as much
        except OSError as error:
            raise sqlite3.OperationalError(f"the file is gone: {error.strerror}") from error
        return found.st_dev, found.st_ino


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
