"""Remembers the digests of large files, so that an artifact of gigabytes is hashed once and not at every look."""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from postlude.ports.stop import NEVER, Stop
from postlude.stores.artifacts.atomic import write_text
from postlude.stores.artifacts.digest import hash_of_rest

WORTH_BYTES: Final = 1024 * 1024
"""Smaller files are hashed faster than a note is read."""
_SETTLED_S: Final = 0.02
"""File systems count time in steps: a file that changed just now might change again without another time."""
_AWAITED_BYTES: Final = 32 * 1024 * 1024
"""It takes longer to hash such a file once more than to wait until it has settled."""


class DigestMemo:
    """Digests of files by what the file system says of them: device, inode, size, and the times of the last change.

    Whoever writes a file moves those times on, so a note that is found is right; others are left to be cleaned up.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def hash_of(self, path: str | Path, stop: Stop = NEVER) -> str:
        """The SHA-256 of a regular file's bytes, 64 hex digits.

        Raises:
            OSError: It cannot be read.
            StoppedError: Nobody wants it any more.
        """
        with open(path, "rb") as file:  # noqa: PTH123 - entries of a scan are text, and there may be a million of them
            before = os.fstat(file.fileno())
            if before.st_size < WORTH_BYTES:
                return hash_of_rest(file, stop)
            note = self._note(before)
            known = _read(note)
            if known:
                return known
            settled = _settles(before)
            found = hash_of_rest(file, stop)
            if settled and self._note(os.fstat(file.fileno())) == note:
                self._write(note, found)
            return found

    def _note(self, status: os.stat_result) -> Path:
        facts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        name = hashlib.sha256(repr(facts).encode()).hexdigest()
        return self._directory / name[:2] / name[2:]

    def _write(self, note: Path, found: str) -> None:
        with suppress(OSError):  # it is hashed again next time
            write_text(note, found)


def _settles(status: os.stat_result) -> bool:
    """Whether a change from now on would show; waits for it where that is worth while."""
    left_s = max(status.st_mtime, status.st_ctime) + _SETTLED_S - time.time()
    if 0 < left_s <= _SETTLED_S and status.st_size >= _AWAITED_BYTES:
        time.sleep(left_s)
        return True
    return left_s <= 0


def _read(note: Path) -> str:
    try:
        text = note.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text) == hashlib.sha256().digest_size * 2 else ""
