"""Locks on files, which the system frees when their holder dies."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_S = 0.02


class GaveUpError(Exception):
    """Nobody waits for the environment any more."""


@contextmanager
def locked(path: Path, gave_up: Callable[[float], bool], *, shared: bool = False) -> Iterator[None]:
    """Hold the lock on a file, which is made if need be, alone or together with other shared holders.

    Args:
        path: The file.
        gave_up: Waits so many seconds; whether the wait is to end without the lock.
        shared: Whether others may hold it too.

    Raises:
        GaveUpError: `gave_up` said so.
    """
    while (held := _taken(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)) is None:
        if gave_up(_POLL_S):
            raise GaveUpError
    try:
        yield
    finally:
        os.close(held)


@contextmanager
def locked_at_once(path: Path) -> Iterator[bool]:
    """Hold the lock alone if nobody has it; whether that is so."""
    held = _taken(path, fcntl.LOCK_EX)
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)


def _taken(path: Path, mode: int) -> int | None:
    """A descriptor that holds the lock, None while somebody is in the way."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if _is_still(path, descriptor):
        return descriptor
    os.close(descriptor)  # whoever held it before removed the file: the lock is another file's now
    return None


def _is_still(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116 - both as the system gives them
    return False
