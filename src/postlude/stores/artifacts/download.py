"""Brings one object of a bucket to this machine, in parts at a time."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from postlude.ports.stop import Stop
from postlude.stores.artifacts.requests import PARTS_AT_ONCE, Requests
from postlude.stores.artifacts.together import all_of

PART_BYTES: Final = 8 * 1024 * 1024


def receive(bucket: Requests, key: str, size: int, file: Path) -> None:
    """Make the file what the object is.

    Raises:
        OSError: The file cannot be written.
        StoppedError: Nobody wants it any more; the file may have some of the bytes.
        BaseError: obstore's; the bucket does not give it.
    """
    with file.open("wb") as writer:
        if size <= PART_BYTES:
            writer.write(bucket.part(key, 0, size) if size else bucket.get(key))  # an answer in one piece costs less
            return
        writer.truncate(size)
        number = writer.fileno()

        def bring(start: int, stop: Stop) -> None:
            part = replace(bucket, stop=stop).part(key, start, min(PART_BYTES, size - start))
            _write(number, memoryview(part), start)

        with ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="part") as pool:
            all_of(pool, bring, range(0, size, PART_BYTES), bucket.stop)


def _write(number: int, part: memoryview, at: int) -> None:
    while part:
        written = os.pwrite(number, part, at)
        part, at = part[written:], at + written
