"""Brings one object of a bucket to this machine, in parts at a time."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PART_BYTES: Final = 8 * 1024 * 1024
_PARTS_AT_ONCE: Final = 4


def receive(store: "ObjectStore", key: str, size: int, file: Path) -> None:
    """Make the file what the object is.

    Raises:
        OSError: The file cannot be written.
        BaseError: obstore's; the bucket does not give it.
    """
    with file.open("wb") as writer:
        if size <= PART_BYTES:
            writer.write(store.get(key).bytes())
            return
        writer.truncate(size)
        number = writer.fileno()

        def bring(start: int) -> None:
            part = store.get_range(key, start=start, length=min(PART_BYTES, size - start))
            _write(number, memoryview(part), start)

        with ThreadPoolExecutor(_PARTS_AT_ONCE, thread_name_prefix="part") as pool:
            list(pool.map(bring, range(0, size, PART_BYTES)))


def _write(number: int, part: memoryview, at: int) -> None:
    while part:
        written = os.pwrite(number, part, at)
        part, at = part[written:], at + written
