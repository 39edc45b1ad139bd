"""Parsed pipelines by the text they were parsed from: reading the YAML is the slow part of loading a large one.

An entry is a line that says what it is, with a hash of the rest, and the documents as JSON.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from postlude.spec.types import Json

_FORMAT: Final = b"postlude.ir/1 "
"""To be counted up where the same text comes to be parsed into something else."""
_MOST: Final = 256
_LARGEST_BYTES: Final = 64 * 1024 * 1024

Documents = tuple[Json, Json]
"""A pipeline spec and a platform spec, or None."""


class IrCache:
    """What may be lost at any time: whatever cannot be read is not there, and what cannot be written is not kept.

    Args:
        directory: Where the home keeps what can be made again. It is used only where it exists already.
    """

    def __init__(self, directory: Path) -> None:
        self._parent = directory
        self._directory = directory / "ir"

    def find(self, text: bytes) -> Documents | None:
        """The documents that were kept for the text."""
        path = self._path(text)
        with suppress(OSError, ValueError):
            documents = _documents(path.read_bytes())
            os.utime(path)  # Those that nobody asks for go first.
            return documents
        return None

    def keep(self, text: bytes, documents: Documents) -> None:
        """Keep the documents of the text, and of older ones as many as there is room for."""
        entry = msgspec.json.encode(documents)
        if len(entry) > _LARGEST_BYTES or not self._parent.is_dir():
            return
        with suppress(OSError):
            self._directory.mkdir(exist_ok=True, mode=0o700)
            _write(self._path(text), _head(entry), entry)
            self._drop_oldest()

    def _path(self, text: bytes) -> Path:
        return self._directory / f"{hashlib.sha256(text).hexdigest()}.json"

    def _drop_oldest(self) -> None:
        if len(found := list(os.scandir(self._directory))) <= _MOST:
            return
        for entry in sorted(found, key=_used_at)[: len(found) - _MOST]:
            with suppress(OSError):
                Path(entry.path).unlink()


def _documents(kept: bytes) -> Documents:
    head, _, entry = kept.partition(b"\n")
    if head + b"\n" != _head(entry):
        raise ValueError("the entry is not what was written")
    documents: Documents = msgspec.json.decode(entry, type=Documents)
    return documents


def _head(entry: bytes) -> bytes:
    return _FORMAT + hashlib.sha256(entry).hexdigest().encode() + b"\n"


def _used_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0  # Another process has removed it.


def _write(path: Path, *parts: bytes) -> None:
    """Put the parts at the path at once: nobody sees half of them."""
    file, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(file, "wb") as written:
            written.writelines(parts)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
