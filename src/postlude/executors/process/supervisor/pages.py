"""Copies the memory that a forked child is going to write to in one go, rather than fault by fault.

A child shares its parent's memory until it writes. Each first write to a page is a fault, and an interpreter that runs
a component writes to about a thousand pages, whose reference counts it changes. Which pages these are hardly depends
on the component: a child that has run one tells, and later children ask the system to copy the same pages at once,
which costs about half. Linux 5.14 and later; elsewhere nothing happens, and nothing is lost but the time.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator

Stretch = tuple[int, int]
"""Address and length in bytes of pages in a row."""

_POPULATE_WRITE = 23
_EXCLUSIVE = 1 << 56
"""Set in a page's entry where no other process maps it: copied, or new."""
_madvise = ctypes.CDLL(None).madvise if sys.platform == "linux" else None


def written() -> list[Stretch]:
    """The pages of this forked process that it no longer shares with its parent; none if the system does not tell."""
    try:
        with open("/proc/self/maps", encoding="ascii") as maps, open("/proc/self/pagemap", "rb", buffering=0) as table:
            return [run for start, end in _private(maps.read()) for run in _exclusive(table.fileno(), start, end)]
    except OSError:
        return []


def copy(runs: Iterable[Stretch]) -> None:
    """Make these pages this process's own."""
    if _madvise is None:
        return
    for address, length in runs:
        if _madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), _POPULATE_WRITE) != 0:
            return  # unmapped since, or an old kernel: each page is then copied when it is written


def _private(maps: str) -> Iterator[Stretch]:
    """First and last address of the writable private mappings."""
    for line in maps.splitlines():
        place, kind, *_ = line.split()
        if kind == "rw-p":
            start, end = place.split("-")
            yield int(start, 16), int(end, 16)


def _exclusive(table: int, start: int, end: int) -> Iterator[Stretch]:
    size = os.sysconf("SC_PAGE_SIZE")
    count = (end - start) // size
    entries = os.pread(table, 8 * count, start // size * 8)
    first = None
    for place, (entry,) in enumerate(struct.iter_unpack("=Q", entries)):
        if entry & _EXCLUSIVE and first is None:
            first = place
        elif not entry & _EXCLUSIVE and first is not None:
            yield start + first * size, (place - first) * size
            first = None
    if first is not None:
        yield start + first * size, (len(entries) // 8 - first) * size
