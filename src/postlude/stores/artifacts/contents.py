"""Copies on this machine of artifacts that live elsewhere, each once, by what its bytes are."""

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from postlude.ports.stop import NEVER, Stop
from postlude.stores.artifacts.atomic import write_text
from postlude.stores.artifacts.copy import link_into_place

LIMIT_BYTES: Final = 20 * 1024**3
_ABANDONED_S: Final = 86400
_TURNS: Final = 3
_LOOK_EVERY_S: Final = 0.2


class Contents:
    """A directory of copies that are given away as links. The least recently used go when there are too many bytes.

    Several threads and processes may use it at once. A copy that somebody changed is not given again.
    """

    def __init__(self, directory: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._directory, self._limit = directory, limit_bytes
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def find(self, digest: str) -> Path | None:
        """The copy of these bytes; None where there is none that is as it was."""
        entry = self._entry(digest)
        copy = entry / "copy"
        try:
            if (entry / "facts").read_text() != _facts(copy):
                return None
            os.utime(entry)
        except OSError:
            return None
        return copy

    def give(self, digest: str, make: Callable[[Path], None], take: Callable[[Path], None], stop: Stop = NEVER) -> None:
        """Show the copy of these bytes to `take`; where there is none, `make` writes it to the path that it is given.

        Threads that want the same bytes at once wait for one of them; if that one is stopped, another makes the copy.
        """
        for turn in range(_TURNS):
            copy = self._got(digest, make, stop)
            try:
                take(copy)
            except FileNotFoundError:  # another process has tidied up meanwhile
                if copy.exists() or turn == _TURNS - 1:
                    raise
            else:
                return

    def _got(self, digest: str, make: Callable[[Path], None], stop: Stop) -> Path:
        with self._turn(digest, stop):
            found = self.find(digest)
            return self._added(digest, make) if found is None else found

    def adopt(self, digest: str, source: Path, stop: Stop = NEVER) -> None:
        """Take what is at the source, which nobody changes any more, as the copy of these bytes if it can be had."""
        with self._turn(digest, stop), suppress(OSError):
            if self.find(digest) is None:
                self._added(digest, lambda fresh: link_into_place(source, fresh, stop))

    def _added(self, digest: str, make: Callable[[Path], object]) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self._directory) as temporary:
            fresh = Path(temporary, "entry")
            fresh.mkdir()
            make(fresh / "copy")
            write_text(fresh / "facts", _facts(fresh / "copy"))
            entry = self._entry(digest)
            try:
                if entry.exists():
                    entry.rename(Path(temporary, "old"))
                fresh.rename(entry)
            except OSError:  # unless another process was faster
                if self.find(digest) is None:
                    raise
        self._prune(spared=entry)
        return entry / "copy"

    def _entry(self, digest: str) -> Path:
        return self._directory / hashlib.sha256(digest.encode()).hexdigest()

    @contextmanager
    def _turn(self, digest: str, stop: Stop) -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(digest, threading.Lock())
        while not lock.acquire(timeout=_LOOK_EVERY_S):
            stop.check()
        try:
            yield
        finally:
            lock.release()

    def _prune(self, *, spared: Path) -> None:
        """Remove the least recently used until the rest is within the limit, and what a killed process left."""
        entries: list[tuple[float, Path]] = []
        with suppress(OSError):
            entries = sorted(((one.stat().st_mtime, one) for one in self._directory.iterdir()), reverse=True)
        total = 0
        for used_at, entry in entries:
            if entry.name.startswith("."):
                if time.time() - used_at > _ABANDONED_S:
                    shutil.rmtree(entry, ignore_errors=True)
                continue
            total += _size(entry)
            if total > self._limit and entry != spared:
                shutil.rmtree(entry, ignore_errors=True)


def _size(entry: Path) -> int:
    return int((entry / "facts").read_text().partition("\n")[0] or 0) if (entry / "facts").exists() else 0


def _facts(copy: Path) -> str:
    """The bytes that a copy takes, and what changes when somebody writes to it. Links to it do not count."""
    whole, total = hashlib.sha256(), 0
    for path in _paths(copy):
        status = path.lstat()
        total += status.st_size
        whole.update(
            f"{path.relative_to(copy)} {status.st_ino} {status.st_size} {status.st_mtime_ns}\n".encode(
                errors="surrogateescape"
            )
        )
    return f"{total}\n{whole.hexdigest()}"


def _paths(copy: Path) -> list[Path]:
    if not copy.is_dir():
        return [copy]
    return [Path(directory, name) for directory, _, names in os.walk(copy) for name in sorted(names)]
