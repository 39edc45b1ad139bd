"""Attempts that could begin if there were room for them, by what they ask for. Not for several threads."""

import heapq
from collections import OrderedDict
from collections.abc import Iterator

from postlude.core.demand import Demand
from postlude.core.task import Start, TaskPath
from postlude.engines.local.admission import Amounts, choose

_Key = tuple[TaskPath, int]
_Arrived = tuple[int, Start]


class Waiting:
    """A queue with a lane for each demand, so that its cost grows with the different demands and not with the tasks."""

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
            heapq.heappush(self._fronts, (self._count, demand))

    def drop(self, path: TaskPath, attempt: int) -> bool:
        """Forget an attempt; whether it was here."""
        demand = self._lane_of.get((path, attempt))
        if demand is not None:
            self._take((path, attempt), demand)
        return demand is not None

    def pop(self, free: Amounts) -> tuple[Start, Demand] | None:
        """The attempt to begin now, with what it takes (see `admission.choose`); None where there is none."""
        demand = choose(self._oldest_first(), free)
        return None if demand is None else (self._take(next(iter(self._lanes[demand])), demand), demand)

    def _oldest_first(self) -> Iterator[Demand]:
        """The demands by the age of the oldest attempt of each; they are sorted only if the first does not do."""
        if not self._lanes:
            return
        while not self._is_front(*self._fronts[0]):
            heapq.heappop(self._fronts)
        head = self._fronts[0][1]
        yield head
        yield from sorted(self._lanes.keys() - {head}, key=self._front)

    def _front(self, demand: Demand) -> int:
        return next(iter(self._lanes[demand].values()))[0]

    def _is_front(self, number: int, demand: Demand) -> bool:
        return demand in self._lanes and self._front(demand) == number

    def _take(self, key: _Key, demand: Demand) -> Start:
        lane = self._lanes[demand]
        front = self._front(demand)
        del self._lane_of[key]
        number, start = lane.pop(key)
        if not lane:
            del self._lanes[demand]
        elif number == front:
            heapq.heappush(self._fronts, (self._front(demand), demand))
        return start
