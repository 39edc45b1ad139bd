"""Which paths of this machine a container sees: each at its own absolute path, so that it means the same inside."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from postlude.ports.executor import Attempt
from postlude.spec.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
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

    The roots, the attempt's directory, that of its artifacts, and the workspace can be written. Local input artifacts
    that lie elsewhere, as an imported file does, can be read only.
    """
    outputs = (path.parent for path in _local_artifacts(attempt.executor_input.get("outputs", {})))
    given = (*roots, attempt.directory, *outputs, *([attempt.workspace] if attempt.workspace else []))
    writable = _outermost(path.absolute() for path in given)
    foreign = _outermost(
        path for path in _local_inputs(attempt.executor_input.get("inputs", {})) if not _within(path, writable)
    )
    buckets = [Mount(path=path, target=Path("/", path.name)) for path in _mounted(attempt.mounts)]
    return (*(Mount(path=path) for path in writable), *(Mount(path=path, writable=False) for path in foreign), *buckets)


_BUCKETS: Final = ("gcs", "minio", "s3")


def _mounted(mounts: Path) -> Iterator[Path]:
    """The directories of buckets that the SDK in the image looks for at KFP's own places."""
    return (mounts / name for name in _BUCKETS if (mounts / name).is_dir())


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not _within(path, kept):
            kept.append(path)
    return tuple(kept)


def _within(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _local_inputs(inputs: Json) -> Iterator[Path]:
    return (path for path in _local_artifacts(inputs) if path not in _SYSTEM and path.exists())


def _local_artifacts(given: Json) -> Iterator[Path]:
    lists = given.get("artifacts", {}).values()
    for artifact in (artifact for found in lists for artifact in found.get("artifacts", [])):
        path = _local_path(artifact.get("customPath") or artifact.get("uri", ""))
        if path is not None:
            yield path


def _local_path(uri: str) -> Path | None:
    path = Path(unquote(urlsplit(uri).path)) if uri.startswith("file://") else Path(uri)
    return path if path.is_absolute() else None
