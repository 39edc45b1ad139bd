"""Attempts that could begin if there were room for them, by what they ask for. Not for several threads."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Final

from postlude.core.demand import Demand
from postlude.core.task import Start, TaskPath
from postlude.engines.local.admission import Amounts, choose

_Key = tuple[TaskPath, int]
_Arrived = tuple[int, Start]

_LOOK_AT: Final = 100
"""So many different demands are looked at, the oldest first, when somebody is to overtake the head."""


class Waiting:
    """A queue with a lane for each demand, so that what it costs does not grow with the tasks that wait."""

    def __init__(self) -> None:
        self._lanes: dict[Demand, OrderedDict[_Key, _Arrived]] = {}
        self._lane_of: dict[_Key, Demand] = {}
        self._fronts: list[tuple[int, Demand]] = []
        self._count = 0

    def add(self, start: Start, demand: Demand) -> None:
        """Queue an attempt behind all others."""
        self._count += 1
        lane = self._lanes.setdefault(demand, OrderedDict())
        lane[start.path, start.attempt] = (self._count, start)
        self._lane_of[start.path, start.attempt] = demand
        if len(lane) == 1:
            self._fronts.append((self._count, demand))

    def drop(self, path: TaskPath, attempt: int) -> bool:
        """Forget an attempt; whether it was here."""
        demand = self._lane_of.get((path, attempt))
        if demand is not None:
            self._take((path, attempt), demand)
        return demand is not None

    def pop(self, free: Amounts) -> tuple[Start, Demand] | None:
        """The attempt to begin now, with what it takes (see `admission.choose`); None where there is none."""
        demand = choose(self._oldest_first(), free) if self._fronts else None
        return None if demand is None else (self._take(next(iter(self._lanes[demand])), demand), demand)

    def _oldest_first(self) -> Iterator[Demand]:
        """The demands by the age of the oldest attempt of each."""
        return (demand for _, demand in islice(self._fronts, _LOOK_AT))

    def _take(self, key: _Key, demand: Demand) -> Start:
        lane = self._lanes[demand]
        del self._lane_of[key]
        number, start = lane.pop(key)
        place = bisect_left(self._fronts, (number,))
        if self._fronts[place : place + 1] == [(number, demand)]:
            del self._fronts[place]
            self._renew_front(demand)
        return start

    def _renew_front(self, demand: Demand) -> None:
        """Let the next attempt of a lane stand for it; a lane without any is gone."""
        lane = self._lanes[demand]
        if lane:
            insort(self._fronts, (next(iter(lane.values()))[0], demand))
        else:
            del self._lanes[demand]
