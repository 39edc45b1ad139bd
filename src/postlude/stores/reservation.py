"""A home's place, held while it is not known yet whether anything will be kept there."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from postlude.stores.home import Home, home_at, unusable

_TRIES: Final = 100


class _Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a home.

    Attributes:
        made: Directories that were not there before, innermost first.
        traces: Files that were not there before, and may have come since.
        held: The root, locked against those who would take it away; None where it cannot be locked.
    """

    home: Home
    made: Sequence[Path]
    traces: Sequence[Path]
    held: int | None


@contextmanager
def reserved_home(root: Path | None = None, *, traces: Sequence[str] = ()) -> Iterator[Home]:
    """A place for a home, with room for what can be made again; `open_home` makes it one.

    If nobody did when the block ends, and no other process has reserved it, what was not there before is taken away.

    Args:
        root: Where; None for `default_root`.
        traces: Names of files that may come to be there meanwhile, and are worth nothing if they are empty.

    Raises:
        ConfigError: It cannot be created.
    """
    home = home_at(root, os.environ)
    try:
        reservation = _reserve(home, [home.root / name for name in traces])
    except OSError as error:
        raise unusable(home, error) from error
    try:
        yield home
    finally:
        _end(reservation)


def _reserve(home: Home, traces: Sequence[Path]) -> _Reservation:
    """Make the place and lock it, as often as others take it away in between."""
    for left in reversed(range(_TRIES)):
        try:
            return _reserved(home, traces)
        except (FileNotFoundError, FileExistsError):  # the latter from `mkdir`, of what is gone when it looks again
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def _reserved(home: Home, traces: Sequence[Path]) -> _Reservation:
    fresh, made = [trace for trace in traces if not trace.exists()], _made(home.cache, home.root)
    held = _locked(home.root)
    if held is not None and not _is_there(home, held):
        os.close(held)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return _Reservation(home=home, made=made, traces=fresh, held=held)


def _made(directory: Path, private: Path) -> Sequence[Path]:
    """Make a directory and those above it, from `private` on for their owner alone; gives those that were not there."""
    missing = [each for each in (directory, *directory.parents) if not each.is_dir()]
    made: list[Path] = []
    for each in reversed(missing):
        with suppress(FileExistsError):
            each.mkdir(mode=0o700 if each.is_relative_to(private) else 0o777)
            made.insert(0, each)
    directory.mkdir(exist_ok=True)  # says why, if a file is in the way
    return made


def _locked(root: Path) -> int | None:
    """The directory, open and locked together with others who keep something there; None where it cannot be locked.

    Raises:
        FileNotFoundError: It was taken away.
    """
    try:
        opened = os.open(root, os.O_RDONLY)
    except PermissionError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_SH)
    except OSError:
        os.close(opened)
        return None
    return opened


def _is_there(home: Home, held: int) -> bool:
    """Whether the place is still the directory that is held."""
    with suppress(FileNotFoundError):
        return home.cache.is_dir() and os.path.samestat(home.root.stat(), os.fstat(held))
    return False


def _end(reservation: _Reservation) -> None:
    held = reservation.held
    if held is None:
        return
    try:
        with suppress(OSError):  # also of the lock, while others have it
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not reservation.home.runs.exists():
                _take_away(reservation)
    finally:
        os.close(held)


def _take_away(reservation: _Reservation) -> None:
    """Remove what can be made again, and then whatever is empty."""
    cache = reservation.home.cache
    if cache in reservation.made:
        shutil.rmtree(cache)
    for trace in reservation.traces:
        if trace.exists() and not trace.stat().st_size:
            trace.unlink()
    for directory in reservation.made:
        if directory != cache:
            directory.rmdir()
