"""Deals out the machine's processors to attempts that may use only some of them."""

import os


class Processors:
    """Which attempt may run where. One with a limit gets the processors that the fewest others were given."""

    def __init__(self) -> None:
        mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
        self._users = dict.fromkeys(sorted(mine), 0)
        self._given: dict[int, list[int]] = {}

    def give(self, attempt: int, most: int | None) -> list[int]:
        """Processors for an attempt; none where it may run on all there are."""
        if most is None or most >= len(self._users):
            return []
        chosen = sorted(self._users, key=lambda one: self._users[one])[:most]
        self._given[attempt] = chosen
        self._count(chosen, 1)
        return chosen

    def take_back(self, attempt: int) -> None:
        """The attempt is over."""
        self._count(self._given.pop(attempt, []), -1)

    def _count(self, chosen: list[int], more: int) -> None:
        for one in chosen:
            self._users[one] += more
