"""The port for time and identity."""

from typing import Protocol


class Clock(Protocol):
    """Where time and run ids come from."""

    def now(self) -> float:
        """Seconds since the epoch. Never goes backwards within a process."""
        ...

    def new_run_id(self) -> str:
        """A fresh UUID, in its 36-character form."""
        ...
