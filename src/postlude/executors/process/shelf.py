"""The environments that are kept in a directory: what there is, and how it goes."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

import msgspec

from postlude.executors.process.environment_record import Record, read_record
from postlude.executors.process.locks import locked_at_once

_LOCKS: Final = "locks"
_LEFT: Final = (".partial", ".removed")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An environment that is ready.

    Attributes:
        key: Names it.
        used_at: When it was used last, in seconds since the epoch.
    """

    key: str
    path: Path
    record: Record
    used_at: float


def kept(home: Path) -> list[Kept]:
    """The environments of a directory, the one used last first."""
    found = [(path, read_record(path)) for path in _folders(home) if "." not in path.name]
    ready = [
        Kept(key=path.name, path=path, record=record, used_at=_used_at(home, path.name, record))
        for path, record in found
        if record is not None
    ]
    return sorted(ready, key=lambda one: (-one.used_at, one.key))


def remove(home: Path, key: str) -> bool:
    """Remove an environment, unless something uses it; whether it is gone.

    Raises:
        OSError: It cannot be removed; nobody takes what is left of it for an environment.
    """
    away = home / f"{key}.removed-{token_hex(4)}"
    use_lock(home, key).parent.mkdir(parents=True, exist_ok=True)
    with locked_at_once(use_lock(home, key)) as free:
        if not free:
            return False
        with suppress(FileNotFoundError):
            (home / key).rename(away)
        for lock in (build_lock(home, key), use_lock(home, key)):
            lock.unlink(missing_ok=True)
    if away.exists():
        shutil.rmtree(away)
    return True


def leftovers(home: Path) -> list[Path]:
    """What builds and removals that were cut short have left; what is being built now is not among it."""
    left = [path for path in _folders(home) if any(mark in path.name for mark in _LEFT)]
    return [path for path in left if _is_abandoned(home, path)]


def use_lock(home: Path, key: str) -> Path:
    """The file to lock while an environment is built or used; its time of change says when that was last."""
    return home / _LOCKS / f"{key}.use"


def build_lock(home: Path, key: str) -> Path:
    """The file to lock while an environment is built."""
    return home / _LOCKS / f"{key}.build"


def touch_use(home: Path, key: str) -> None:
    """Say that an environment is used now."""
    with suppress(OSError):  # a full disk must not stop a task that can run
        os.utime(use_lock(home, key))


def _folders(home: Path) -> list[Path]:
    try:
        return sorted(path for path in home.iterdir() if path.name != _LOCKS and path.is_dir())
    except FileNotFoundError:
        return []


def _used_at(home: Path, key: str, record: Record) -> float:
    try:
        return use_lock(home, key).stat().st_mtime
    except FileNotFoundError:
        return record.built_at or time.time()


def _is_abandoned(home: Path, path: Path) -> bool:
    lock = use_lock(home, path.name.partition(".")[0])
    if not lock.exists():
        return True
    with locked_at_once(lock) as free:
        return free
