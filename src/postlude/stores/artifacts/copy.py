"""Copies of local files and directories, shared on disk where the file system can."""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from postlude.ports.stop import NEVER, Stop

_SHARED_AT_ONCE_BYTES: Final = 128 * 1024 * 1024
_BLOCK_BYTES: Final = 1024 * 1024


def copy_into_place(source: Path, target: Path, stop: Stop = NEVER) -> None:
    """Make `target` a copy of `source`, whatever was there before; nobody ever sees half of it.

    The copy is the reader's to change: bytes are shared on disk only where the file system copies on write, never by a
    hard link. Symbolic links inside a directory are copied as links; a source that is itself a link is followed.
    Several threads and processes may do this at once: one of the copies stays.

    Raises:
        OSError: The source cannot be read or the target not be written. The target is then as it was.
        StoppedError: Nobody wants the copy any more; likewise.
    """
    _into_place(source, target, partial(_copy_file, stop=stop))


def link_into_place(source: Path, target: Path, stop: Stop = NEVER) -> None:
    """As `copy_into_place`, but the two share their bytes for ever where the file system can link: change neither.

    Raises:
        OSError: As for `copy_into_place`.
        StoppedError: Likewise.
    """
    _into_place(source, target, partial(_link_file, stop=stop))


def _into_place(source: Path, target: Path, one_file: Callable[..., None]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".placing-", dir=target.parent) as temporary:
        fresh = Path(temporary, "fresh")
        _copy(source, fresh, one_file)
        _swap(fresh, target, aside=Path(temporary, "old"))


def _copy(source: Path, fresh: Path, one_file: Callable[..., None]) -> None:
    if not source.is_dir():
        one_file(source, fresh)
        return
    shutil.copytree(source, fresh, symlinks=True, copy_function=one_file)
    for directory, _, _ in os.walk(fresh):
        Path(directory).chmod(Path(directory).stat().st_mode | stat.S_IRWXU)


def _swap(fresh: Path, target: Path, *, aside: Path) -> None:
    """Put the copy in the place of what is there: in one step for files, while a directory first steps aside."""
    if not _is_real_directory(fresh) and not _is_real_directory(target):
        fresh.replace(target)
        return
    for turn in range(_TURNS):
        with contextlib.suppress(FileNotFoundError):
            target.rename(aside.with_name(f"old-{turn}"))
        if _moved(fresh, target):
            return
    raise FileExistsError(f"{target}: other writers keep replacing it")


_TURNS = 100
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR})


def _moved(fresh: Path, target: Path) -> bool:
    """Whether the copy could be moved; False where another writer's came first."""
    try:
        fresh.rename(target)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _is_real_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _copy_file(source: str | Path, target: str | Path, *, stop: Stop) -> None:
    """Copy one regular file with its permissions, and let its owner write."""
    stop.check()
    mode = Path(source).stat().st_mode
    if not stat.S_ISREG(mode):
        raise shutil.SpecialFileError(f"{source} is neither a file nor a directory and cannot be copied")
    if not _share(source, target, stop):
        _write(source, target, stop)
    Path(target).chmod(stat.S_IMODE(mode) | stat.S_IWUSR)


_FICLONE: Final = 0x40049409
"""Asks Linux to let one file share another's blocks until either is written."""


def _link_file(source: str | Path, target: str | Path, *, stop: Stop) -> None:
    """Share one regular file's bytes: copied on write where the file system does that, else linked, else copied."""
    if stat.S_ISREG(Path(source).stat().st_mode) and (_clone(source, target) or _linked(source, target)):
        return
    _copy_file(source, target, stop=stop)


def _linked(source: str | Path, target: str | Path) -> bool:
    try:
        Path(target).unlink(missing_ok=True)
        os.link(os.path.realpath(source), target)
    except OSError:
        return False
    return True


def _clone(source: str | Path, target: str | Path) -> bool:
    """Whether the target is a clone of the source now."""
    if sys.platform != "linux":
        return False
    with open(source, "rb") as reader, open(target, "wb") as writer:  # noqa: PTH123 - copytree gives text
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:
            return False
    Path(target).chmod(stat.S_IMODE(Path(source).stat().st_mode) | stat.S_IWUSR)
    return True


def _share(source: str | Path, target: str | Path, stop: Stop) -> bool:
    """Copy within the kernel, which shares the blocks where the file system can; False where it cannot copy at all."""
    if sys.platform != "linux":
        return False
    with open(source, "rb") as reader, open(target, "wb") as writer:  # noqa: PTH123 - copytree gives text
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), _SHARED_AT_ONCE_BYTES):
                stop.check()
        except OSError:
            return False
        return 0 < reader.tell() == os.fstat(reader.fileno()).st_size


def _write(source: str | Path, target: str | Path, stop: Stop) -> None:
    with open(source, "rb") as reader, open(target, "wb") as writer:  # noqa: PTH123 - copytree gives text
        while block := reader.read(_BLOCK_BYTES):
            stop.check()
            writer.write(block)
