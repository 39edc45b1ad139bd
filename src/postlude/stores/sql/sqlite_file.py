"""The file of a SQLite database, watched: SQLite itself would go on writing into one that was deleted."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

_KEY: Final = "file"

Identity = tuple[int, int]


def watch_file(engine: Engine) -> None:
    """Refuse every transaction while the file is gone, and reconnect once another one is in its place.

    A file that is moved away and back is the same. Only the first connection may make the file.
    """
    watch = _Watch(Path(engine.url.database or ""))
    event.listen(engine, "do_connect", watch.before_connect)
    event.listen(engine, "connect", watch.after_connect)
    event.listen(engine, "checkout", watch.before_use)


class _Watch:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._was_there = False

    def before_connect(self, *_dialect_and_arguments: object) -> None:
        if self._was_there:
            self._identity()

    def after_connect(self, _connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        self._was_there = True
        entry.info[_KEY] = self._identity()

    def before_use(
        self, _connection: sqlite3.Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if entry.info[_KEY] != self._identity():
            raise DisconnectionError

    def _identity(self) -> Identity:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - of every transaction: the path object's own costs twice as much
        except OSError as error:
            raise sqlite3.OperationalError(f"the file is gone: {error.strerror}") from error
        return found.st_dev, found.st_ino
