"""What is going to happen when, in virtual time."""

import heapq
from collections.abc import Iterator
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Rank(IntEnum):
    """What comes first of what happens at the same instant."""

    END = 0
    CANCEL = 1
    DEADLINE = 2
    DUE = 3


class Timeline(Generic[T]):
    """Things to happen, in order of their time, then their rank, then the order in which they were added.

    Attributes:
        now: The time, in seconds since the epoch; it moves only by `next`.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self._ahead: list[tuple[float, Rank, int, T]] = []
        self._count = 0

    def add(self, at: float, rank: Rank, what: T) -> None:
        """Let something happen at a time that is not past."""
        self._count += 1
        heapq.heappush(self._ahead, (at, rank, self._count, what))

    def next(self) -> Iterator[T]:
        """Move to the next time at which something happens, and give all that happens then.

        Raises:
            RuntimeError: Nothing is going to happen any more.
        """
        if not self._ahead:
            raise RuntimeError("a defect of the simulation: the run waits, and nothing is going to happen")
        self.now = self._ahead[0][0]
        while self._ahead and self._ahead[0][0] == self.now:
            yield heapq.heappop(self._ahead)[3]
