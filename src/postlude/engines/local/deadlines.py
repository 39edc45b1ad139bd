"""Which deadlines are still ahead. Not for several threads."""

import heapq
from collections.abc import Callable

from postlude.core.task import SetDeadline


class Deadlines:
    """Deadlines in the order in which they pass.

    Args:
        now: Seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ahead: list[tuple[float, int, SetDeadline]] = []
        self._count = 0

    def add(self, deadline: SetDeadline) -> None:
        """Remember a deadline."""
        self._count += 1
        heapq.heappush(self._ahead, (deadline.at, self._count, deadline))

    def passed(self) -> list[SetDeadline]:
        """The deadlines that have passed since this was last asked, earliest first."""
        found = []
        while self._ahead and self._ahead[0][0] <= self._now():
            found.append(heapq.heappop(self._ahead)[2])
        return found

    def wait_s(self) -> float | None:
        """Seconds until the next deadline; None where none is ahead."""
        return max(0.0, self._ahead[0][0] - self._now()) if self._ahead else None
