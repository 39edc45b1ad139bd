"""Keeps an eye on an attempt: how much memory its processes hold, and how many they are.

It looks from outside, a few times a second, and more often the nearer memory is to the limit. That needs no rights, and
counts what is held, where a resource limit of the system counts what is reserved, process by process.
"""

import time

from . import proc
from .children import hold_still, let_go, threads_of_all, tree

_SURGE = 200
"""So many new threads between two looks may be a program that multiplies: it is held still while it is counted."""

_LOOK_EVERY_S = 0.1
_SOONEST_S = 0.005
_FILLS_BYTES_PER_S = 4 * 1024**3
"""How fast a program is taken to fill memory: it is looked at again before it could have passed its limit by far."""
_REST_PER_LOOK = 20
"""Looks take a small part of a processor's time, however many processes there are to look at."""
_LONGEST_REST_S = 1.0

_ROUGHLY = ("status", (b"RssAnon:", b"RssShmem:", b"VmSwap:"))
_EXACTLY = ("smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:"))


class Watch:
    """Looks at the processes of one attempt.

    Attributes:
        due: When to look again, in monotonic seconds.
        exceeded: Which limit was exceeded, "memory" or "processes"; "" while none was.
        held_bytes: What was held at the last look, 0 where memory has no limit.
    """

    def __init__(self, leader: int, memory_bytes: int | None, most_processes: int, now: float) -> None:
        self._leader = leader
        self._memory_bytes = memory_bytes
        self._most_processes = most_processes
        self.exceeded = ""
        self.held_bytes = 0
        self.due = now + self._wait_s()
        self._threads = threads_of_all()

    def look(self, now: float) -> None:
        """Compare with the limits, where it is time to."""
        if now < self.due or self.exceeded:
            return
        before = time.thread_time()
        pids = self._count()
        if self._memory_bytes is not None and not self.exceeded:
            self.held_bytes = _held_bytes(pids, self._memory_bytes)
            if self.held_bytes > self._memory_bytes:
                self.exceeded = "memory"
        rest_s = min(_LONGEST_REST_S, (time.thread_time() - before) * _REST_PER_LOOK)
        self.due = time.monotonic() + max(self._wait_s(), rest_s)

    def _count(self) -> list[int]:
        before, self._threads = self._threads, threads_of_all()
        surge = self._threads - before > _SURGE
        if surge:
            hold_still(self._leader)
        pids = tree(self._leader, self._most_processes)
        if len(pids) > self._most_processes:
            self.exceeded = "processes"
        elif surge:
            let_go(self._leader)
        return pids

    def _wait_s(self) -> float:
        if self._memory_bytes is None:
            return _LOOK_EVERY_S
        headroom = self._memory_bytes - self.held_bytes
        return min(_LOOK_EVERY_S, max(_SOONEST_S, headroom / _FILLS_BYTES_PER_S))


def _held_bytes(pids: list[int], limit_bytes: int) -> int:
    """What processes hold in memory and swap, shared memory in parts. What can be read again from files is not held."""
    rough = sum(_sum(pid, *_ROUGHLY) for pid in pids)  # counts what is shared several times, but costs little
    return rough if rough <= limit_bytes else sum(_sum(pid, *_EXACTLY) or _sum(pid, *_ROUGHLY) for pid in pids)


def _sum(pid: int, file: str, names: tuple[bytes, ...]) -> int:
    """The bytes that lines of a file about a process add up to, 0 where the process is gone."""
    try:
        lines = proc.read(f"/proc/{pid}/{file}").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(names)) * 1024
