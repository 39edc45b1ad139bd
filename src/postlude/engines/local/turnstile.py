"""Lets attempts in: each waits until it is due, then for what it asks of the machine, and holds that until it ends.

Not for several threads.
"""

import time
from collections.abc import Iterator, Sequence

from postlude.core.demand import NO_DEMAND, Demand, demand_of
from postlude.core.run_state import Run
from postlude.core.task import Event, Refused, Start, Started, Task, TaskError, TaskPath
from postlude.engines.local.admission import refusal
from postlude.engines.local.holdings import Holdings
from postlude.engines.local.policy import Policy
from postlude.engines.local.schedule import Schedule
from postlude.engines.local.waiting import Waiting


class Turnstile:
    """The way of a run's attempts from being asked for to their beginning, as far as the policy lets them."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._schedule, self._waiting = Schedule(time.monotonic), Waiting()
        self._holdings = Holdings(policy.offer)
        self._let_in: list[Start] = []

    def add(self, start: Start) -> None:
        """Queue an attempt."""
        self._schedule.add(start)

    def drop(self, path: TaskPath, attempt: int) -> None:
        """Forget an attempt, unless it was let in."""
        if not self.is_in(path, attempt) and not self._waiting.drop(path, attempt):
            self._schedule.drop(path, attempt)

    def admit(self, run: Run, at: float) -> Sequence[Event]:
        """Let in the attempts for which there are free workers and resources; they begin once the journal says so."""
        refused = self._queue_up(run, at)
        starts = list(self._admitted())
        self._let_in += starts
        return [*refused, *(Started(path=start.path, attempt=start.attempt, at=at) for start in starts)]

    def let_in(self) -> Sequence[Start]:
        """The attempts that were let in since this was asked last."""
        starts, self._let_in = self._let_in, []
        return starts

    def leave(self, path: TaskPath, attempt: int) -> None:
        """Free what an attempt held."""
        self._holdings.give_back((path, attempt))

    def is_in(self, path: TaskPath, attempt: int) -> bool:
        """Whether an attempt was let in and has not left."""
        return (path, attempt) in self._holdings

    def inside(self) -> Sequence[tuple[TaskPath, int]]:
        """All attempts that were let in and have not left."""
        return self._holdings.holders()

    def devices(self, path: TaskPath, attempt: int) -> tuple[str, ...]:
        """The accelerators that an attempt holds."""
        return self._holdings.devices((path, attempt))

    def wait_s(self) -> float | None:
        """Seconds until the next attempt is due; None where none will be."""
        return self._schedule.wait_s()

    def _queue_up(self, run: Run, at: float) -> list[Refused]:
        """Let the attempts that are due wait for what they ask for; those that would wait for ever are refused."""
        refused = []
        while (start := self._schedule.pop()) is not None:
            demand = self._demand(run, run.tasks[start.path])
            if isinstance(demand, TaskError):
                refused.append(Refused(path=start.path, attempt=start.attempt, at=at, error=demand))
            else:
                self._waiting.add(start, demand)
        return refused

    def _demand(self, run: Run, task: Task) -> Demand | TaskError:
        if self._policy.asks_for_nothing(task.path):
            return NO_DEMAND
        demand = demand_of(run, task)
        return demand if isinstance(demand, TaskError) else refusal(demand, self._policy.offer) or demand

    def _admitted(self) -> Iterator[Start]:
        """The attempts that may begin now; each holds what it asked for from here on."""
        while len(self._holdings) < self._policy.workers and (next_ := self._waiting.pop(self._holdings.free)):
            start, demand = next_
            self._holdings.take((start.path, start.attempt), demand)
            yield start
