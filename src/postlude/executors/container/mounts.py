"""Which paths of this machine a container sees: each at its own absolute path, so that it means the same inside."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from postlude.core.exchange import local_path
from postlude.ports.executor import Attempt


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A directory or file shown to the container at its own path, unless there is a target."""

    path: Path
    writable: bool = True
    target: Path | None = None

    @property
    def option(self) -> str:
        """The value of `--mount`. It is a line of CSV to both engines, so that any path can be written."""
        fields = [
            "type=bind",
            f"source={self.path}",
            f"target={self.target or self.path}",
            *([] if self.writable else ["readonly"]),
        ]
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(fields)
        return line.getvalue()


_SYSTEM: Final = frozenset(map(Path, ("/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")))
"""Where the image keeps its own system: an artifact that is one of these is not shown over it."""


def mounts(attempt: Attempt, roots: Sequence[Path]) -> tuple[Mount, ...]:
    """What the attempt's container sees, outermost paths first.

    It can write what is the attempt's own: its output files, its working directory, its output artifacts; and the
    workspace. The roots, what was fetched from buckets, and local input artifacts that lie elsewhere, as an imported
    file does, can be read only. Buckets are shown a second time, at the places where KFP mounts them.
    """
    shared = [attempt.workspace] if attempt.workspace else []
    writable = _outermost(path.absolute() for path in (*own_places(attempt), *shared))
    seen = (*(root.absolute() for root in roots), *_fetched(attempt), *_local_inputs(attempt))
    readable = _outermost(path for path in seen if not _within(path, writable))
    found = (*(Mount(path=path) for path in writable), *(Mount(path=path, writable=False) for path in readable))
    here = sorted(found, key=lambda mount: mount.path)
    return (*here, *_buckets(attempt, writable))


_DIRECTORIES: Final = ("outputs", "work", "home")


def own_places(attempt: Attempt) -> tuple[Path, ...]:
    """The directories that only this attempt writes to, as far as they exist.

    Not the attempt's whole directory: its log is the engine's, and a directory that is a mount cannot be replaced by a
    link.
    """
    given = (attempt.directory / name for name in _DIRECTORIES)
    told = attempt.executor_input.get("outputs", {}).get("outputFile")
    files = (*_artifact_paths(attempt, "outputs"), *([Path(told)] if told else []))
    written = (path.parent for path in files)
    return tuple(dict.fromkeys(path for path in (*given, *written) if path.is_dir() and path not in _SYSTEM))


def _fetched(attempt: Attempt) -> tuple[Path, ...]:
    """The directory of what was fetched, which other tasks may share file by file."""
    return (attempt.mounts.absolute(),) if attempt.mounts.is_dir() else ()


_BUCKETS: Final = ("gcs", "minio", "s3")


def _buckets(attempt: Attempt, writable: Sequence[Path]) -> Iterator[Mount]:
    """The buckets, where the SDK in the image looks for them, and what is the attempt's own in each."""
    for path in (attempt.mounts / name for name in _BUCKETS):
        if path.is_dir():
            yield Mount(path=path, writable=False, target=Path("/", path.name))
            own = (one for one in writable if one.is_relative_to(path.absolute()))
            yield from (Mount(path=one, target=Path("/", one.relative_to(attempt.mounts.absolute()))) for one in own)


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not _within(path, kept[-1:]):
            kept.append(path)
    return tuple(kept)


def _within(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _local_inputs(attempt: Attempt) -> Iterator[Path]:
    return (path for path in _artifact_paths(attempt, "inputs") if path not in _SYSTEM and path.exists())


def _artifact_paths(attempt: Attempt, side: str) -> Iterator[Path]:
    """Where the program finds the input or output artifacts, as far as that is a place of this machine."""
    lists = attempt.executor_input.get(side, {}).get("artifacts", {}).values()
    for artifact in (artifact for found in lists for artifact in found.get("artifacts", [])):
        path = Path(local_path(artifact.get("customPath") or artifact.get("uri", ""), str(attempt.mounts)))
        if path.is_absolute():
            yield path
