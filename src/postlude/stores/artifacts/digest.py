"""The digest of a file or a directory: what the cache and the lineage compare."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from postlude.ports.stop import NEVER, Stop

HashFile = Callable[[str | Path, Stop], str]
"""Gives the SHA-256 of a regular file's bytes as 64 hex digits, unless it is stopped."""

_BLOCK_BYTES: Final = 256 * 1024
_PREFIX: Final = "sha256:"


def file_hash(path: str | Path, stop: Stop = NEVER) -> str:
    """The SHA-256 of a regular file's bytes, 64 hex digits.

    Raises:
        OSError: It cannot be read.
        StoppedError: Nobody wants it any more.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - entries of a scan are text, and there may be a million of them
        return hash_of_rest(file, stop)


def hash_of_rest(file: BinaryIO, stop: Stop) -> str:
    """The SHA-256 of what is still to be read of an open file; the errors are those of `file_hash`."""
    whole, block = hashlib.sha256(), memoryview(bytearray(_BLOCK_BYTES))
    while size := file.readinto(block):  # type: ignore[attr-defined]  # binary files have it, their type does not
        stop.check()
        whole.update(block[:size])
    return whole.hexdigest()


def digest_of(path: Path, hash_file: HashFile = file_hash, stop: Stop = NEVER) -> str:
    """The digest of what is at the path, "" where nothing is, or nothing that can be read to an end (a pipe, a device).

    Of a file: of its bytes. Of a directory: of the names in it and what they hold, in sorted order; a symbolic link
    inside counts as the text of its target and is never followed. Modes and times do not count. A path that is itself
    a link stands for what it leads to.

    Returns:
        "sha256:" and 64 hex digits.

    Raises:
        OSError: It cannot be read.
        StoppedError: Nobody wants it any more.
    """
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises for names that cannot be
        return ""
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return _PREFIX + hash_file(path, stop)
    return _PREFIX + _tree_hash(path, hash_file, stop) if stat.S_ISDIR(mode) else ""


def _tree_hash(root: Path, hash_file: HashFile, stop: Stop) -> str:
    whole = hashlib.sha256()
    for line in _lines(root, hash_file, stop):
        stop.check()
        whole.update(line)
    return whole.hexdigest()


def _lines(directory: str | Path, hash_file: HashFile, stop: Stop) -> Iterator[bytes]:
    """One line for each entry of the tree. A name's length stands before it, so that no name can imitate a line."""
    with os.scandir(directory) as scan:
        entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        name = os.fsencode(entry.name)
        kind, content = _described(entry, hash_file, stop)
        yield b"%s %d %s %s\n" % (kind, len(name), name, content)
        if kind == b"directory":
            yield from _lines(entry.path, hash_file, stop)
            yield b"end\n"


def _described(entry: os.DirEntry[str], hash_file: HashFile, stop: Stop) -> tuple[bytes, bytes]:
    if entry.is_symlink():
        target = os.fsencode(Path(entry.path).readlink())
        return b"link", hashlib.sha256(target).hexdigest().encode()
    if entry.is_dir(follow_symlinks=False):
        return b"directory", b""
    if entry.is_file(follow_symlinks=False):
        return b"file", hash_file(entry.path, stop).encode()
    return b"other", b""
