"""The supervisors of an engine: one for each interpreter, kept warm between attempts as long as that is worth it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from postlude.executors.process.environments import Environment
from postlude.executors.process.link import Supervisor
from postlude.executors.process.memory import Memory, read_memory
from postlude.executors.process.retention import KEPT_FOR_MINUTES, Retention, Warm, to_drop
from postlude.executors.process.under_way import EndedEarlyError
from postlude.ports.executor import Ending

_LOOK_S: Final = 5.0
_LOOK_AT_LEAST_S: Final = 0.05


@dataclass(slots=True, kw_only=True)
class Place:
    """A supervisor, and who uses it.

    Attributes:
        stays: Whether it is kept however long nobody uses it.
        users: How many do now.
        used_at: When (monotonic seconds) somebody did last.
    """

    supervisor: Supervisor
    stays: bool
    users: int = 0
    used_at: float = 0.0


class Supervisors:
    """One supervisor for each interpreter that is used. Safe in several threads.

    Args:
        start: Starts the supervisor of an interpreter.
        retention: How long one is kept that nobody uses. That of an interpreter which is no environment stays.
        memory: Says how short of memory the machine is.
    """

    def __init__(
        self,
        start: Callable[[str], Supervisor],
        *,
        retention: Retention = KEPT_FOR_MINUTES,
        memory: Callable[[], Memory] = read_memory,
    ) -> None:
        self._start, self._retention, self._memory = start, retention, memory
        self._places: dict[Environment, Place] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None

    @contextmanager
    def use(self, environment: Environment) -> Iterator[Supervisor]:
        """A supervisor that was alive a moment ago; it is not dropped before the end of the block.

        Raises:
            EndedEarlyError: The executor was closed, or the interpreter cannot be started.
        """
        place = self.take(environment)
        try:
            yield place.supervisor
        finally:
            self.give_back(place)

    def take(self, environment: Environment) -> Place:
        """The same, to be given back.

        Raises:
            EndedEarlyError: The executor was closed, or the interpreter cannot be started.
        """
        with self._lock:
            place = self._place(environment)
            place.users += 1
            return place

    def give_back(self, place: Place) -> None:
        """Use a supervisor no longer."""
        with self._lock:
            place.users -= 1
            place.used_at = time.monotonic()

    def close(self) -> None:
        """Make every supervisor kill what it runs and end; none is started any more."""
        with self._lock:
            self._closing.set()
            supervisors = [place.supervisor for place in self._places.values()]
        for supervisor in supervisors:
            supervisor.close()

    def drop_idle(self) -> None:
        """End the supervisors that are not worth their memory now."""
        for supervisor in self._taken_out():
            supervisor.close()

    def _place(self, environment: Environment) -> Place:
        if self._closing.is_set():
            raise EndedEarlyError(Ending.TERMINATED, "the executor was closed")
        known = self._places.get(environment)
        if known is None or not known.supervisor.alive:
            stays = not environment.build
            known = Place(supervisor=self._start(environment.python), stays=stays)
            self._places[environment] = known
            if not stays:
                self._look_after()
        return known

    def _taken_out(self) -> list[Supervisor]:
        memory, now = self._memory(), time.monotonic()
        with self._lock:
            names = {environment.python + environment.build: environment for environment in self._places}
            warm = [_warm(name, self._places[environment], now) for name, environment in names.items()]
            gone = [self._places.pop(names[name]) for name in to_drop(warm, memory, self._retention)]
        return [place.supervisor for place in gone]

    def _look_after(self) -> None:
        """Begin to look for those that can go, once there are any."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="postlude-keeper", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        wait_s = min(_LOOK_S, max(self._retention.idle_s / 4, _LOOK_AT_LEAST_S))
        while not self._closing.wait(wait_s):
            self.drop_idle()


def _warm(name: str, place: Place, now: float) -> Warm:
    return Warm(name=name, idle_s=None if place.users else now - place.used_at, stays=place.stays)
