"""The ports that keep two engines from driving one run, and let other processes speak to the one that does."""

from typing import Protocol

import msgspec

from postlude.spec.types import Json


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that drives a run.

    Attributes:
        id: Unique to the engine.
        host: The machine's own id or name.
        pid: Its process there.
        born: When that process began, as the machine tells it (pids are used again); "" where it does not tell.
    """

    id: str
    host: str
    pid: int
    born: str = ""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who drives a run.

    Attributes:
        renewed_at: When the holder last showed that it lives, in seconds since the epoch.
    """

    holder: Holder
    renewed_at: float


class Leases(Protocol):
    """One lease a run. Called from several processes at once; every call is atomic and at once durable.

    Whether a holder is dead is not decided here.
    """

    def find(self, run_id: str) -> Lease | None:
        """The run's lease; None where nobody drives it."""
        ...

    def take(self, run_id: str, holder: Holder, *, at: float, replacing: Holder | None = None) -> bool:
        """Make the holder the run's, if its holder is `replacing` (None: if it has none); whether that was done."""
        ...

    def renew(self, run_id: str, holder: Holder, *, at: float) -> bool:
        """Show that the holder lives; False where it no longer holds the run."""
        ...

    def release(self, run_id: str, holder: Holder) -> None:
        """Give the run free, if the holder still holds it."""
        ...


class Mailbox(Protocol):
    """Messages for whoever drives a run. Called from several processes at once."""

    def post(self, run_id: str, message: Json) -> None:
        """Leave a message."""
        ...

    def collect(self, run_id: str) -> list[Json]:
        """Take all messages away, oldest first. Each is given once. Cheap where there is none."""
        ...
