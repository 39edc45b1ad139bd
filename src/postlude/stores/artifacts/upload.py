"""Sends one file to a bucket, hashed as it goes, and only if it is not there already."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from postlude.ports.stop import Stop
from postlude.stores.artifacts.digest import file_hash
from postlude.stores.artifacts.requests import Requests

PART_BYTES: Final = 8 * 1024 * 1024
_MOST_PARTS: Final = 9000


def send(bucket: Requests, key: str, file: Path, present: tuple[str, int] | None) -> tuple[str, str]:
    """Make the object at `key` what the file is; nobody ever sees half of it.

    Args:
        bucket: The bucket.
        key: Where in it.
        file: The bytes.
        present: ETag and size of the object that is there; None where none is.

    Returns:
        The SHA-256 of the bytes, 64 hex digits, and the object's ETag.

    Raises:
        OSError: The file cannot be read.
        StoppedError: Nobody wants it any more; the object is as it was.
        BaseError: obstore's; the bucket does not take it.
    """
    size = file.stat().st_size
    part = max(PART_BYTES, -(-size // _MOST_PARTS))
    if present is not None and present[1] == size and present[0] == _etag(file, part, bucket.stop):
        return file_hash(file, bucket.stop), present[0]
    if size <= PART_BYTES:
        content = file.read_bytes()
        return hashlib.sha256(content).hexdigest(), bare_etag(bucket.put(key, content))
    hashed = _Hashed(file, part, bucket.stop)
    etag = bucket.put_parts(key, iter(hashed), part)
    return hashed.hexdigest(), bare_etag(etag)


def bare_etag(text: str | None) -> str:
    """The ETag without what is around it: Azure quotes it in one answer and not in the next."""
    return (text or "").removeprefix("W/").strip('"')


class _Hashed:
    """The parts of a file, hashed on their way: gigabytes are read once."""

    def __init__(self, file: Path, part: int, stop: Stop) -> None:
        self._file, self._part, self._stop = file, part, stop
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        with self._file.open("rb") as reader:
            while block := reader.read(self._part):
                self._stop.check()
                self._hash.update(block)
                yield block

    def hexdigest(self) -> str:
        """The hash of what was read."""
        return self._hash.hexdigest()


def _etag(file: Path, part: int, stop: Stop) -> str:
    """The ETag that S3 gives these bytes, sent in parts of this size; where it means something else, none is equal."""
    parts: list[bytes] = []
    with file.open("rb") as reader:
        while block := reader.read(part):
            stop.check()
            parts.append(hashlib.md5(block, usedforsecurity=False).digest())
    if file.stat().st_size <= PART_BYTES:
        return parts[0].hex() if parts else hashlib.md5(b"", usedforsecurity=False).hexdigest()
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
