"""What an artifact in a bucket consists of, kept beside it.

A bucket has no directories, links or hashes, and shows a tree while it is still being written. So the last object that
an upload writes is its manifest, `.postlude/<name>.json` beside the artifact: with it the artifact is whole, can be
checked, and comes back as it was.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from postlude.ports.artifacts import TransferError

SCHEMA: Final = "postlude.manifest/v1"


class Kind(Enum):
    """What an entry is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an artifact.

    Attributes:
        path: Below the artifact, with slashes; "" for an artifact that is one file.
        etag: What the bucket said of the object; "" where it says nothing.
        executable: Whether its owner may run it.
        target: Where a link leads, relative to it.
    """

    path: str
    kind: Kind
    size: int = 0
    etag: str = ""
    executable: bool = False
    target: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact that is whole.

    Attributes:
        digest: As `ArtifactStore.digest` says it.
        entries: Its parts, directories before what is in them.
    """

    digest: str
    entries: list[Entry]
    schema: str = SCHEMA

    @property
    def files(self) -> Mapping[str, Entry]:
        """The entries that are objects, by path."""
        return {entry.path: entry for entry in self.entries if entry.kind is Kind.FILE}


def manifest_key(key: str) -> str:
    """Where the manifest of the artifact with this key is."""
    place = PurePosixPath(key)
    return str(place.parent / ".postlude" / f"{place.name}.json")


def encode(manifest: Manifest) -> bytes:
    """The manifest as it is kept."""
    return msgspec.json.encode(manifest)


def decode(text: bytes) -> Manifest | None:
    """The manifest; None for a text that is none, or whose paths leave the artifact."""
    try:
        found = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return found if found.schema == SCHEMA and all(_is_inside(entry) for entry in found.entries) else None


def is_plain(path: str) -> bool:
    """Whether a path stays below where it begins."""
    return all(part not in ("", ".", "..") and "\0" not in part for part in path.split("/"))


def _is_inside(entry: Entry) -> bool:
    if entry.kind is not Kind.LINK:
        return is_plain(entry.path) or (entry.path == "" and entry.kind is Kind.FILE)
    return is_plain(entry.path) and leads_inside(entry.path, entry.target)


def leads_inside(path: str, target: str) -> bool:
    """Whether a link at this place leads to something of the same tree."""
    led = os.path.normpath(PurePosixPath(path).parent / target)
    return bool(target) and not target.startswith("/") and led != ".." and not led.startswith("../")


# --- what is on this machine ------------------------------------------------------------------------------------------


def survey(root: Path) -> list[Entry]:
    """The parts of a local file or directory, without what a bucket will say of them.

    Raises:
        TransferError: Something in it cannot be kept in a bucket.
        OSError: It cannot be read.
    """
    if not root.is_dir():
        return [_file("", root)]
    return list(_below(root, ""))


def _below(root: Path, above: str) -> Iterator[Entry]:
    with os.scandir(root / above) as scan:
        found = sorted(scan, key=lambda entry: entry.name)
    for one in found:
        path = f"{above}/{one.name}" if above else one.name
        if one.is_symlink():
            yield Entry(path=path, kind=Kind.LINK, target=_target(root, path))
        elif one.is_dir(follow_symlinks=False):
            yield Entry(path=path, kind=Kind.DIRECTORY)
            yield from _below(root, path)
        else:
            yield _file(path, root / path)


def _target(root: Path, path: str) -> str:
    target = os.readlink(root / path)  # noqa: PTH115 - text, as it stands
    if not leads_inside(path, target):
        raise TransferError(
            f"{root.name}/{path} is a link to {target}, outside of the artifact: a bucket cannot keep it. Write the "
            "file itself"
        )
    return target


def _file(path: str, place: Path) -> Entry:
    status = place.stat()
    if not stat.S_ISREG(status.st_mode):
        raise TransferError(f"{place.name} is neither a file nor a directory and cannot be kept in a bucket")
    return Entry(path=path, kind=Kind.FILE, size=status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))


def fingerprint_of(objects: Mapping[str, tuple[str, int]]) -> str:
    """What tells objects from others where nobody hashed them: their names, ETags and sizes."""
    lines = sorted((path, *facts) for path, facts in objects.items())
    return "etag:" + hashlib.sha256(msgspec.json.encode(lines)).hexdigest()
