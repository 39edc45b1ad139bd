"""A clock that a test holds in its hands."""

from threading import Lock
from uuid import UUID

from postlude.ports.clock import Clock


class ManualClock(Clock):
    """Time moves only when told (`ports.clock.Clock`); run ids are the same in every test.

    Args:
        at: The time to begin with, in seconds since the epoch.
    """

    def __init__(self, at: float = 0.0) -> None:
        self._at = at
        self._runs = 0
        self._lock = Lock()

    def now(self) -> float:
        """See `Clock.now`."""
        return self._at

    def advance(self, by_s: float) -> float:
        """Let time pass, and give the new time.

        Raises:
            ValueError: `by_s` is negative: this clock does not go backwards.
        """
        if by_s < 0:
            raise ValueError(f"cannot advance by {by_s:g} s: time does not go backwards")
        with self._lock:
            self._at += by_s
            return self._at

    def new_run_id(self) -> str:
        """The next of a row of UUIDs: 00000000-0000-0000-0000-000000000001, and so on."""
        with self._lock:
            self._runs += 1
            return str(UUID(int=self._runs))
