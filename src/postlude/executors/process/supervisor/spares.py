"""Children that are forked before there is anything to run, so that no attempt waits for a fork and its page faults."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

from . import proc
from .child import Birth, Leader
from .wire import Run, encode

_IDLE_FEWEST, _IDLE_MOST = 2, 4
"""How many are kept where attempts leave a processor to us: the next one finds one that is ready."""
_BUSY_FEWEST, _BUSY_MOST = 1, 8
"""Otherwise. After a fork, whatever the supervisor writes to is copied: making several at once costs that once."""
_MEMORY_KEPT_BYTES = 256 * 1024 * 1024
"""Below so much free memory no spare is made; one holds some 5 MB of its own."""
_PROCESSORS = os.cpu_count() or 1
_DEATHS_IN_A_ROW = 3
"""After so many spares died before they were of use, no more are made."""


class Spares:
    """Forked processes that are ready to lead an attempt of a component. Each leads one, and knows of no other."""

    def __init__(self, birth: Birth) -> None:
        self._birth = birth
        self._waiting: dict[int, tuple[Leader, int]] = {}
        self._wanted = False
        self._deaths = 0

    def __contains__(self, pid: object) -> bool:
        """Whether it is a spare that waits."""
        return pid in self._waiting

    def __iter__(self) -> Iterator[int]:
        """The pids of those that wait."""
        return iter(self._waiting)

    def keep(self) -> None:
        """Have some from now on."""
        self._wanted = True

    def refill(self, under_way: int) -> None:
        """Replace those that were taken or died, where there is memory.

        Args:
            under_way: How many attempts are running. Where these leave a processor to us, spares are got ready, too.
        """
        idle = under_way < _PROCESSORS
        fewest, most = (_IDLE_FEWEST, _IDLE_MOST) if idle else (_BUSY_FEWEST, _BUSY_MOST)
        if self._wanted and len(self._waiting) < fewest:
            self._fill(most, ready=idle)

    def _fill(self, most: int, *, ready: bool) -> None:
        while len(self._waiting) < most and _free_bytes() > _MEMORY_KEPT_BYTES:
            try:
                leader, orders = self._birth.start_spare(ready=ready)
            except OSError:
                return  # whatever is short now, attempts need it more
            self._waiting[leader.pid] = leader, orders

    def take(self, order: Run) -> Leader | None:
        """Hand the order to the oldest spare; None where no spare takes it."""
        frame = encode(order)
        while self._waiting:
            leader, orders = self._waiting.pop(next(iter(self._waiting)))
            try:
                written = os.write(orders, frame)
            except OSError:
                written = -1
            os.close(orders)
            if written == len(frame):
                self._deaths = 0
                return leader
            _dismiss(leader)
            if written >= 0:
                return None  # too long an order for the pipe
        return None

    def died(self, pid: int) -> None:
        """A spare was reaped."""
        leader, orders = self._waiting.pop(pid)
        os.close(orders)
        _dismiss(leader, alive=False)
        self._deaths += 1
        if self._deaths >= _DEATHS_IN_A_ROW:
            self._wanted = False

    def close(self) -> None:
        """End them all."""
        self._wanted = False
        for leader, orders in self._waiting.values():
            os.close(orders)
            _dismiss(leader)
        self._waiting.clear()


def _dismiss(leader: Leader, *, alive: bool = True) -> None:
    os.close(leader.stdout)
    os.close(leader.stderr)
    if alive:
        with suppress(ProcessLookupError):
            os.kill(leader.pid, signal.SIGKILL)


def _free_bytes() -> float:
    """Memory that can be had without swapping; without limit where the system does not say."""
    try:
        free = proc.read("/proc/meminfo").partition(b"MemAvailable:")[2].split(maxsplit=1)
    except OSError:
        free = []
    return int(free[0]) * 1024 if free else float("inf")
