"""Which attempts are due, ready, or dropped again: the local engine's waiting room. Not for several threads."""

import heapq
from collections import deque
from collections.abc import Callable

from postlude.core.task import Start, TaskPath


class Schedule:
    """Attempts that were asked for and have not begun.

    Args:
        now: A clock that only measures, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ready: deque[Start] = deque()
        self._due: list[tuple[float, int, Start]] = []
        self._dropped: set[tuple[TaskPath, int]] = set()
        self._count = 0

    def add(self, start: Start) -> None:
        """Queue an attempt, once its wait is over."""
        if start.wait_s <= 0:
            self._ready.append(start)
            return
        self._count += 1
        heapq.heappush(self._due, (self._now() + start.wait_s, self._count, start))

    def drop(self, path: TaskPath, attempt: int) -> None:
        """Forget an attempt that is queued."""
        self._dropped.add((path, attempt))

    def pop(self) -> Start | None:
        """The next attempt to begin, first come first served; None where none is ready."""
        self._ripen()
        while self._ready:
            start = self._ready.popleft()
            if (start.path, start.attempt) not in self._dropped:
                return start
            self._dropped.discard((start.path, start.attempt))
        return None

    def wait_s(self) -> float | None:
        """Seconds until the next attempt becomes ready; None where none is waiting."""
        return max(0.0, self._due[0][0] - self._now()) if self._due else None

    def _ripen(self) -> None:
        while self._due and self._due[0][0] <= self._now():
            self._ready.append(heapq.heappop(self._due)[2])
