"""What a home keeps that nobody needs: runs that are final and old, and artifacts that nobody refers to."""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec

from postlude.spec.types import Json

_FILE_SCHEME: Final = "file://"

Relative = tuple[str, ...]
"""A path below the home's artifacts, part by part; the first is a run's directory."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Which final runs are kept.

    Attributes:
        older_than_s: Runs that ended at most so many seconds ago are kept; None keeps none for its age.
        keep: The newest so many are kept, whatever their age; None keeps none for its place.
    """

    older_than_s: float | None = None
    keep: int | None = None


def old_runs(documents: Sequence[Json], ended_at: Sequence[float | None], limits: Limits, now: float) -> list[Json]:
    """The runs that the limits do not keep; none where there are no limits.

    Args:
        documents: Run documents, newest first.
        ended_at: When each ended, in seconds since the epoch; None for one that is not final, which is kept.
        limits: What is kept.
        now: Seconds since the epoch.
    """
    if limits.older_than_s is None and limits.keep is None:
        return []
    final = [(document, at) for document, at in zip(documents, ended_at, strict=True) if at is not None]
    candidates = final[limits.keep or 0 :]
    return [document for document, at in candidates if now - at > (limits.older_than_s or 0)]


# --- artifacts --------------------------------------------------------------------------------------------------------


def unused_artifacts(root: Path, used: Iterable[str], spared: Collection[str]) -> list[Path]:
    """Directories below the home's artifacts with nothing in them that anybody refers to.

    An attempt's directory is kept whole if one artifact in it is in use: programs write files beside what they declare.

    Args:
        root: The directory of all artifacts, one directory a run below it.
        used: The URIs in use. What counts is the part from the run's directory on, so that a home may be moved.
        spared: Names of the runs' directories that are left alone.
    """
    with os.scandir(root) as entries:
        names = sorted(one.name for one in entries if one.is_dir(follow_symlinks=False))
    places = _below_runs(used, frozenset(names))
    above = {place[:length] for place in places for length in range(1, len(place))}
    kept = {place[:-1] for place in places} | places
    return [path for name in names if name not in spared for path in _unused_below(root / name, (name,), kept, above)]


def _below_runs(uris: Iterable[str], names: frozenset[str]) -> set[Relative]:
    """Where the URIs are, from the directory of a run on; those that are elsewhere are left out."""
    found: set[Relative] = set()
    for uri in uris:
        path = unquote(uri.removeprefix(_FILE_SCHEME)) if uri.startswith(_FILE_SCHEME) else uri
        parts = tuple(path.split("/"))
        found.update(_trimmed(parts[position:]) for position, part in enumerate(parts) if part in names)
    return found


def _trimmed(parts: Relative) -> Relative:
    return tuple(part for part in parts if part)


def _unused_below(path: Path, place: Relative, kept: set[Relative], above: set[Relative]) -> Iterator[Path]:
    if place in kept:
        return
    if place not in above:
        yield path
        return
    with os.scandir(path) as entries:
        inner = sorted(one.name for one in entries if one.is_dir(follow_symlinks=False))
    for name in inner:
        yield from _unused_below(path / name, (*place, name), kept, above)


# --- files ------------------------------------------------------------------------------------------------------------


def size_bytes(path: Path) -> int:
    """How many bytes the files below a path hold; links are not followed, and what cannot be read counts nothing."""
    total = 0
    for directory, _, names in os.walk(path, onerror=lambda _: None):
        for name in names:
            try:
                total += os.lstat(Path(directory, name)).st_size
            except OSError:
                continue
    return total


def remove_tree(path: Path, root: Path) -> None:
    """Delete a directory below a root, and the directories between them that are empty then.

    Raises:
        OSError: Something of it cannot be deleted.
        ValueError: The path is not below the root: nothing is deleted.
    """
    if root not in path.parents or ".." in path.parts:
        raise ValueError(f"{path} is not below {root}")
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
    for parent in path.parents:
        if parent == root or any(parent.iterdir()):
            return
        parent.rmdir()
