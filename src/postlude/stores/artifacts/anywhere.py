"""All places of artifacts as one store."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from postlude.ports.artifacts import ArtifactStore
from postlude.stores.artifacts.address import BUCKETS, WEB, Address, scheme_of
from postlude.stores.artifacts.buckets import Buckets
from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.artifacts.memo import DigestMemo
from postlude.stores.artifacts.remote import RemoteArtifacts
from postlude.stores.artifacts.web import WebArtifacts

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Artifacts:
    """Sends each URI to the store that speaks its scheme (`ports.artifacts.ArtifactStore`)."""

    def __init__(self, *, local: ArtifactStore, remote: ArtifactStore, web: ArtifactStore) -> None:
        self._local, self._remote, self._web = local, remote, web

    def exists(self, uri: str) -> bool:
        """See `ArtifactStore.exists`."""
        return self._of(uri).exists(uri)

    def fetch(self, uri: str, target: Path, *, digest: str = "") -> Path:
        """See `ArtifactStore.fetch`."""
        return self._of(uri).fetch(uri, target, digest=digest)

    def place(self, uri: str, target: Path) -> Path:
        """See `ArtifactStore.place`."""
        return self._of(uri).place(uri, target)

    def keep(self, source: Path, uri: str, *, owned: bool = False) -> str:
        """See `ArtifactStore.keep`."""
        return self._of(uri).keep(source, uri, owned=owned)

    def digest(self, uri: str) -> str:
        """See `ArtifactStore.digest`."""
        return self._of(uri).digest(uri)

    def _of(self, uri: str) -> ArtifactStore:
        scheme = scheme_of(uri)
        if scheme in BUCKETS:
            return self._remote
        return self._web if scheme in WEB else self._local


def open_artifacts(cache: Path, *, open_bucket: "Callable[[Address], ObjectStore] | None" = None) -> Artifacts:
    """Every place that this machine can read.

    Args:
        cache: A directory for what can be made again: copies of what is elsewhere, and digests.
        open_bucket: Opens the bucket of an address; None for the real ones.
    """
    contents = Contents(downloads(cache))
    return Artifacts(
        local=LocalArtifacts(hash_file=DigestMemo(cache / "digests").hash_of),
        remote=RemoteArtifacts(open_bucket or Buckets().open, contents),
        web=WebArtifacts(contents),
    )


def downloads(cache: Path) -> Path:
    """Where copies of what is elsewhere are, below the directory for what can be made again."""
    return cache / "artifacts"
