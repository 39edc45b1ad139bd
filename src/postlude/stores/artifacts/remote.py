"""Artifacts in buckets."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec

from postlude.ports.artifacts import TransferError, UnsupportedUriError
from postlude.ports.stop import NEVER, Stop
from postlude.stores.artifacts.address import Address, read_address
from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.copy import copy_into_place, link_into_place
from postlude.stores.artifacts.digest import digest_of
from postlude.stores.artifacts.download import receive
from postlude.stores.artifacts.manifest import (
    Entry,
    Kind,
    Manifest,
    decode,
    encode,
    fingerprint_of,
    is_plain,
    manifest_key,
    survey,
)
from postlude.stores.artifacts.refusals import told_plainly
from postlude.stores.artifacts.requests import Line, Requests
from postlude.stores.artifacts.together import all_of
from postlude.stores.artifacts.upload import bare_etag, send

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

FILES_AT_ONCE: Final = 8
_SHA256: Final = "sha256:"

Objects = Mapping[str, tuple[str, int]]
"""ETag and size of the objects that make an artifact, by path below it; "" for an artifact that is one object."""


class RemoteArtifacts:
    """The artifact store of buckets (`ports.artifacts.ArtifactStore`).

    What it wrote has a manifest beside it, so that its digest is known without reading it; what others wrote is told
    apart by ETags. What was fetched or kept once is on this machine, and is linked from there.
    """

    def __init__(self, open_bucket: Callable[[Address], "ObjectStore"], contents: Contents) -> None:
        self._open, self._contents = open_bucket, contents
        self._pool = ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="transfer")
        self._line = Line()

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:
        """See `ArtifactStore.exists`."""
        key, bucket = self._bucket(uri, stop)
        with told_plainly(uri):
            return bool(_objects(bucket, key)) or _manifest(bucket, key) is not None

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.digest`."""
        key, bucket = self._bucket(uri, stop)
        with told_plainly(uri):
            return _digest(_manifest(bucket, key), _objects(bucket, key))

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:
        """See `ArtifactStore.fetch`. What comes is checked against the digest."""
        self._give(uri, digest, lambda copy: link_into_place(copy, target, stop), stop)
        return target

    def place(self, uri: str, target: Path, *, stop: Stop = NEVER) -> Path:
        """See `ArtifactStore.place`."""
        self._give(uri, "", lambda copy: copy_into_place(copy, target, stop), stop)
        return target

    def keep(self, source: Path, uri: str, *, owned: bool = False, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.keep`. Files that the bucket has already are not sent again."""
        key, bucket = self._bucket(uri, stop)
        real = source.resolve()
        entries = survey(real)
        with told_plainly(uri):
            sent = self._sent(bucket, key, real, entries)
            hashes = {os.fspath(real / path): sha256 for path, (sha256, _) in sent.items()}
            digest = digest_of(real, lambda path, _: hashes[os.fspath(path)])
            whole = [
                msgspec.structs.replace(one, etag=sent[one.path][1]) if one.path in sent else one for one in entries
            ]
            bucket.put(manifest_key(key), encode(Manifest(digest=digest, entries=whole)))
        if owned:
            self._contents.adopt(digest, real, stop)
        return digest

    def close(self) -> None:
        """Free the threads that transfer files, once the work is over; who wants that soon stops it first."""
        self._pool.shutdown()
        self._line.close()

    def _bucket(self, uri: str, stop: Stop) -> tuple[str, Requests]:
        """The key that a URI means, and its bucket, for one piece of work."""
        address = _object_address(uri)
        return address.key, Requests(store=self._open(address), line=self._line, stop=stop)

    # --- there ----------------------------------------------------------------------------------------------------

    def _sent(self, bucket: Requests, key: str, root: Path, entries: list[Entry]) -> dict[str, tuple[str, str]]:
        """SHA-256 and ETag of each file, by its path, once all of them are in the bucket."""
        present = _objects(bucket, key)
        files = [entry.path for entry in entries if entry.kind is Kind.FILE]
        stale = [_joined(key, path) for path in present if path not in files]

        def one(path: str, stop: Stop) -> tuple[str, str]:
            part_of = msgspec.structs.replace(bucket, stop=stop)
            return send(part_of, _joined(key, path), root / path, present.get(path))

        sent = dict(zip(files, all_of(self._pool, one, files, bucket.stop), strict=True))
        if stale:
            bucket.delete(stale)
        return sent

    # --- and back -------------------------------------------------------------------------------------------------

    def _give(self, uri: str, digest: str, take: Callable[[Path], None], stop: Stop) -> None:
        """Show the bytes on this machine; where they are here and known by their hash, the bucket is asked nothing."""
        wanted = digest if digest.startswith(_SHA256) else self.digest(uri, stop=stop)
        if not wanted:
            raise FileNotFoundError(f"{uri}: there is no such object")
        self._contents.give(wanted, lambda fresh: self._download(uri, fresh, wanted, stop), take, stop)

    def _download(self, uri: str, fresh: Path, wanted: str, stop: Stop) -> None:
        key, bucket = self._bucket(uri, stop)
        with told_plainly(uri):
            manifest, objects = _manifest(bucket, key), _objects(bucket, key)
            if not objects and manifest is None:
                raise FileNotFoundError(f"{uri}: there is no such object any more")
            found = manifest if manifest is not None and _is_whole(manifest, objects) else None
            self._receive(bucket, key, fresh, _entries(uri, objects) if found is None else found.entries)
            hashed = wanted.startswith(_SHA256)
            came = digest_of(fresh, stop=stop) if hashed else _digest(None, _objects(bucket, key))
        if came != wanted:
            raise TransferError(
                f"{uri}: has changed since it was written: it is {came[:19]}… and should be {wanted[:19]}…"
            )

    def _receive(self, bucket: Requests, key: str, fresh: Path, entries: list[Entry]) -> None:
        if [entry.path for entry in entries] != [""]:
            fresh.mkdir()
        for entry in entries:
            place = fresh / entry.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.kind is Kind.DIRECTORY:
                place.mkdir(exist_ok=True)

        def one(entry: Entry, stop: Stop) -> None:
            part_of = msgspec.structs.replace(bucket, stop=stop)
            receive(part_of, _joined(key, entry.path), entry.size, fresh / entry.path)
            (fresh / entry.path).chmod(0o755 if entry.executable else 0o644)

        all_of(self._pool, one, [entry for entry in entries if entry.kind is Kind.FILE], bucket.stop)
        for entry in entries:  # last, so that no file is written through one
            if entry.kind is Kind.LINK:
                (fresh / entry.path).symlink_to(entry.target)


def _object_address(uri: str) -> Address:
    address = read_address(uri)
    if not address.key:
        raise UnsupportedUriError(f"{uri}: names a whole bucket, and no artifact in it")
    return address


def _joined(key: str, path: str) -> str:
    return f"{key}/{path}" if path else key


def _manifest(bucket: Requests, key: str) -> Manifest | None:
    try:
        return decode(bytes(bucket.get(manifest_key(key))))
    except _missing():
        return None


def _objects(bucket: Requests, key: str) -> Objects:
    """The objects at a key or below it. Where there is one of that very name, what is below it belongs to others."""
    try:
        found = bucket.head(key)
    except _missing():
        return {str(PurePosixPath(one["path"]).relative_to(key)): _facts(one) for one in bucket.below(key)}
    return {"": _facts(found)}


def _facts(one: "ObjectMeta") -> tuple[str, int]:
    return bare_etag(one["e_tag"]) or str(one["last_modified"]), one["size"]


def _missing() -> tuple[type[Exception], ...]:
    from obstore.exceptions import NotFoundError  # noqa: PLC0415 - only those who use buckets have it

    return (NotFoundError, FileNotFoundError)


def _digest(manifest: Manifest | None, objects: Objects) -> str:
    if manifest is not None and _is_whole(manifest, objects):
        return manifest.digest
    return fingerprint_of(objects) if objects else ""


def _is_whole(manifest: Manifest, objects: Objects) -> bool:
    """Whether the objects are still those that the manifest was written for."""
    return {path: (entry.etag, entry.size) for path, entry in manifest.files.items()} == dict(objects)


def _entries(uri: str, objects: Objects) -> list[Entry]:
    """The parts of an artifact that somebody else put into the bucket."""
    for path in objects:
        if path and not is_plain(path):
            raise TransferError(f"{uri}: has an object {path!r} below it, which is no path on this machine")
    return [Entry(path=path, kind=Kind.FILE, size=size) for path, (_, size) in objects.items()]
