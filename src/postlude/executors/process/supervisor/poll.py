"""Waits for what can be read."""

import math
import select
from collections.abc import Callable


class Poll:
    """Descriptors that are waited for, and what to do once one can be read or is at its end.

    The system is told of them at every wait. A list that it kept would go on to name what was closed here, as long as
    a child has a copy of it, and by a number that is somebody else's by then.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._then: dict[int, Callable[[], None]] = {}

    def add(self, fd: int, then: Callable[[], None]) -> None:
        """Wait for this descriptor too."""
        self._then[fd] = then
        self._poll.register(fd, select.POLLIN)

    def drop(self, fd: int) -> None:
        """No longer wait for it; do so before it is closed."""
        if self._then.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def wait(self, wait_s: float) -> bool:
        """Wait, at most so long, and do what there is to do; whether there was anything."""
        happened = self._poll.poll(None if wait_s == math.inf else math.ceil(wait_s * 1000))
        for fd, _ in happened:
            then = self._then.get(fd)
            if then is not None:  # else it was dropped by what was done first
                then()
        return bool(happened)
