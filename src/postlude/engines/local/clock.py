"""Time and identity, as the machine has them."""

import time
import uuid


class SystemClock:
    """The machine's clock, which here never goes backwards, and random run ids."""

    def __init__(self) -> None:
        self._latest = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        self._latest = max(self._latest, time.time())
        return self._latest

    def new_run_id(self) -> str:
        """A fresh UUID."""
        return str(uuid.uuid4())
