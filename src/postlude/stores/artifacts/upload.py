"""Sends one file to a bucket, hashed as it goes, and only if it is not there already."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PART_BYTES: Final = 8 * 1024 * 1024
_MOST_PARTS: Final = 9000
_PARTS_AT_ONCE: Final = 4


def send(store: "ObjectStore", key: str, file: Path, present: tuple[str, int] | None) -> tuple[str, str]:
    """Make the object at `key` what the file is; nobody ever sees half of it.

    Args:
        store: The bucket.
        key: Where in it.
        file: The bytes.
        present: ETag and size of the object that is there; None where none is.

    Returns:
        The SHA-256 of the bytes, 64 hex digits, and the object's ETag.

    Raises:
        OSError: The file cannot be read.
        BaseError: obstore's; the bucket does not take it.
    """
    size = file.stat().st_size
    part = max(PART_BYTES, -(-size // _MOST_PARTS))
    if present is not None and present[1] == size and present[0] == _etag(file, part):
        return _sha256(file), present[0]
    if size <= PART_BYTES:
        content = file.read_bytes()
        result = store.put(key, content, use_multipart=False)
        return hashlib.sha256(content).hexdigest(), bare_etag(result["e_tag"])
    hashed = _Hashed(file, part)
    result = store.put(key, hashed, chunk_size=part, max_concurrency=_PARTS_AT_ONCE)
    return hashed.hexdigest(), bare_etag(result["e_tag"])


def bare_etag(text: str | None) -> str:
    """The ETag without what is around it: Azure quotes it in one answer and not in the next."""
    return (text or "").removeprefix("W/").strip('"')


class _Hashed:
    """The parts of a file, hashed on their way: gigabytes are read once."""

    def __init__(self, file: Path, part: int) -> None:
        self._file, self._part = file, part
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        with self._file.open("rb") as reader:
            while block := reader.read(self._part):
                self._hash.update(block)
                yield block

    def hexdigest(self) -> str:
        """The hash of what was read."""
        return self._hash.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def _etag(file: Path, part: int) -> str:
    """The ETag that S3 gives these bytes, sent in parts of this size; where it means something else, none is equal."""
    parts: list[bytes] = []
    with file.open("rb") as reader:
        while block := reader.read(part):
            parts.append(hashlib.md5(block, usedforsecurity=False).digest())
    if file.stat().st_size <= PART_BYTES:
        return parts[0].hex() if parts else hashlib.md5(b"", usedforsecurity=False).hexdigest()
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
