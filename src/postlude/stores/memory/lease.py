"""Leases and messages over plain dictionaries; threads of this process compete for them."""

from postlude.ports.lease import Holder, Lease
from postlude.spec.types import Json
from postlude.stores.json_text import from_text, to_text
from postlude.stores.memory.kept import Memory


class MemoryLeases:
    """Who drives which run (`ports.lease.Leases`)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def find(self, run_id: str) -> Lease | None:
        """See `Leases.find`."""
        with self._memory.lock:
            return self._memory.leases.get(run_id)

    def take(self, run_id: str, holder: Holder, *, at: float, replacing: Holder | None = None) -> bool:
        """See `Leases.take`."""
        return self._put(run_id, holder, at=at, held_by=replacing)

    def renew(self, run_id: str, holder: Holder, *, at: float) -> bool:
        """See `Leases.renew`."""
        return self._put(run_id, holder, at=at, held_by=holder)

    def release(self, run_id: str, holder: Holder) -> None:
        """See `Leases.release`."""
        with self._memory.lock:
            if self._holder_id(run_id) == holder.id:
                del self._memory.leases[run_id]

    def _put(self, run_id: str, holder: Holder, *, at: float, held_by: Holder | None) -> bool:
        with self._memory.lock:
            if self._holder_id(run_id) != (held_by.id if held_by else None):
                return False
            self._memory.leases[run_id] = Lease(holder=holder, renewed_at=at)
            return True

    def _holder_id(self, run_id: str) -> str | None:
        lease = self._memory.leases.get(run_id)
        return lease.holder.id if lease else None


class MemoryMailbox:
    """Messages for drivers (`ports.lease.Mailbox`)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def post(self, run_id: str, message: Json) -> None:
        """See `Mailbox.post`."""
        text = to_text(message)
        with self._memory.lock:
            self._memory.messages.setdefault(run_id, []).append(text)

    def collect(self, run_id: str) -> list[Json]:
        """See `Mailbox.collect`."""
        with self._memory.lock:
            texts = self._memory.messages.pop(run_id, [])
        return [from_text(text) for text in texts]
