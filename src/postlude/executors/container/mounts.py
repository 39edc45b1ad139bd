"""Which paths of this machine a container sees: each at its own absolute path, so that it means the same inside."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from postlude.ports.executor import Attempt
from postlude.spec.types import Json


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

    It can write what is the attempt's own: its output files, its working directory, its output artifacts, its view of
    buckets; and the workspace. The roots, and local input artifacts that lie elsewhere, as an imported file does, can
    be read only.
    """
    shared = [attempt.workspace] if attempt.workspace else []
    writable = _outermost(path.absolute() for path in (*own_places(attempt), *shared))
    seen = (*(root.absolute() for root in roots), *_local_inputs(attempt.executor_input))
    readable = _outermost(path for path in seen if not _within(path, writable))
    found = (*(Mount(path=path) for path in writable), *(Mount(path=path, writable=False) for path in readable))
    buckets = (Mount(path=path, target=Path("/", path.name)) for path in _mounted(attempt.mounts))
    return (*sorted(found, key=lambda mount: mount.path), *buckets)


_DIRECTORIES: Final = ("outputs", "work", "home", "mounts")


def own_places(attempt: Attempt) -> tuple[Path, ...]:
    """The directories that only this attempt writes to, as far as they exist.

    Not the attempt's whole directory: its log is the engine's, and a directory that is a mount cannot be replaced by a
    link.
    """
    given = (attempt.directory / name for name in _DIRECTORIES)
    artifacts = (path.parent for path in _local_paths(attempt.executor_input, "outputs"))
    return tuple(dict.fromkeys(path for path in (*given, *artifacts) if path.is_dir() and path not in _SYSTEM))


_BUCKETS: Final = ("gcs", "minio", "s3")


def _mounted(mounts: Path) -> Iterator[Path]:
    """The directories of buckets that the SDK in the image looks for at KFP's own places."""
    return (mounts / name for name in _BUCKETS if (mounts / name).is_dir())


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not _within(path, kept[-1:]):
            kept.append(path)
    return tuple(kept)


def _within(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _local_inputs(executor_input: Json) -> Iterator[Path]:
    return (path for path in _local_paths(executor_input, "inputs") if path not in _SYSTEM and path.exists())


def _local_paths(executor_input: Json, side: str) -> Iterator[Path]:
    """Where the input or output artifacts are, as far as that is a place of this machine."""
    lists = executor_input.get(side, {}).get("artifacts", {}).values()
    for artifact in (artifact for found in lists for artifact in found.get("artifacts", [])):
        path = _local_path(artifact.get("customPath") or artifact.get("uri", ""))
        if path is not None:
            yield path


def _local_path(uri: str) -> Path | None:
    path = Path(unquote(urlsplit(uri).path)) if uri.startswith("file://") else Path(uri)
    return path if path.is_absolute() else None
