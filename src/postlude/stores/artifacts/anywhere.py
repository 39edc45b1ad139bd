"""All places of artifacts as one store."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from postlude.ports.artifacts import ArtifactStore
from postlude.ports.stop import NEVER, Stop
from postlude.stores.artifacts.address import BUCKETS, WEB, Address, scheme_of
from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.artifacts.memo import DigestMemo

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@runtime_checkable
class Closing(Protocol):
    """A store that holds something of this process."""

    def close(self) -> None:
        """Free it."""
        ...


class Artifacts:
    """Sends each URI to the store that speaks its scheme (`ports.artifacts.ArtifactStore`)."""

    def __init__(self, local: ArtifactStore, others: Mapping[str, Callable[[], ArtifactStore]]) -> None:
        """Keep stores by scheme; the others are made when somebody asks for them, since most runs never do.

        Args:
            local: Gets every URI of no scheme or one that nobody speaks.
            others: What makes a store, by scheme.
        """
        self._local, self._makers = local, others
        self._made: dict[Callable[[], ArtifactStore], ArtifactStore] = {}
        self._lock = threading.Lock()

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:
        """See `ArtifactStore.exists`."""
        return self._of(uri).exists(uri, stop=stop)

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:
        """See `ArtifactStore.fetch`."""
        return self._of(uri).fetch(uri, target, digest=digest, stop=stop)

    def place(self, uri: str, target: Path, *, stop: Stop = NEVER) -> Path:
        """See `ArtifactStore.place`."""
        return self._of(uri).place(uri, target, stop=stop)

    def keep(self, source: Path, uri: str, *, owned: bool = False, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.keep`."""
        return self._of(uri).keep(source, uri, owned=owned, stop=stop)

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.digest`."""
        return self._of(uri).digest(uri, stop=stop)

    def close(self) -> None:
        """Free what the stores hold that were made; nothing is asked of them any more."""
        with self._lock:
            made, self._made = list(self._made.values()), {}
        for store in made:
            if isinstance(store, Closing):
                store.close()

    def _of(self, uri: str) -> ArtifactStore:
        make = self._makers.get(scheme_of(uri))
        if make is None:
            return self._local
        with self._lock:
            if make not in self._made:
                self._made[make] = make()
            return self._made[make]


def open_artifacts(cache: Path, *, open_bucket: "Callable[[Address], ObjectStore] | None" = None) -> Artifacts:
    """Every place that this machine can read.

    Args:
        cache: A directory for what can be made again: copies of what is elsewhere, and digests.
        open_bucket: Opens the bucket of an address; None for the real ones.
    """
    contents = Contents(downloads(cache))

    def buckets() -> ArtifactStore:
        from postlude.stores.artifacts.buckets import Buckets  # noqa: PLC0415 - loaded by those who use buckets
        from postlude.stores.artifacts.remote import RemoteArtifacts  # noqa: PLC0415 - as above

        return RemoteArtifacts(open_bucket or Buckets().open, contents)

    def web() -> ArtifactStore:
        from postlude.stores.artifacts.web import WebArtifacts  # noqa: PLC0415 - loads the library's HTTP client, too

        return WebArtifacts(contents)

    local = LocalArtifacts(hash_file=DigestMemo(cache / "digests").hash_of)
    return Artifacts(local, dict.fromkeys(BUCKETS, buckets) | dict.fromkeys(WEB, web))


def downloads(cache: Path) -> Path:
    """Where copies of what is elsewhere are, below the directory for what can be made again."""
    return cache / "artifacts"
