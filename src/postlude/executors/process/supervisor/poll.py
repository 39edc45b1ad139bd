"""Waits for what can be read."""

import math
import select
from collections.abc import Callable

_READABLE = 1
"""EPOLLIN and POLLIN are the same."""


class Poll:
    """Descriptors that are waited for, and what to do once one can be read or is at its end."""

    def __init__(self) -> None:
        # The first tells what could be read first, so that what a program says on two streams stays in its order.
        self._poll = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._per_second = 1 if hasattr(select, "epoll") else 1000
        self._then: dict[int, Callable[[], None]] = {}

    def add(self, fd: int, then: Callable[[], None]) -> None:
        """Wait for this descriptor too."""
        self._then[fd] = then
        self._poll.register(fd, _READABLE)

    def drop(self, fd: int) -> None:
        """No longer wait for it.

        Do so before it is closed: what a child has a copy of would be told of for as long, by a number that is somebody
        else's by then.
        """
        if self._then.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def wait(self, wait_s: float) -> bool:
        """Wait, at most so long, and do what there is to do; whether there was anything."""
        happened = self._poll.poll(None if wait_s == math.inf else math.ceil(wait_s * 1000) / 1000 * self._per_second)
        for fd, _ in happened:
            then = self._then.get(fd)
            if then is not None:  # else it was dropped by what was done first
                then()
        return bool(happened)
