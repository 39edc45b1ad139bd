"""Finds children that ended, and children that nobody answers for any more."""

import os
import signal
from collections.abc import Container, Iterator
from contextlib import suppress

_CHILDREN = "/proc/self/task/{}/children"


def exited() -> Iterator[int]:
    """Children that ended and wait to be reaped; reap each before asking for the next."""
    while True:
        try:
            news = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if news is None:
            return
        yield news.si_pid


def kill_others(leaders: Container[int]) -> bool:
    """Kill every child that is no living leader, with its group; returns whether there was one.

    A living leader adopts what its descendants leave behind, so such a child is left over from a leader that is dead,
    even where it moved to a session of its own.
    """
    others = [pid for pid in _children() if pid not in leaders]
    for pid in others:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return bool(others)


def _children() -> list[int]:
    try:
        with open(_CHILDREN.format(os.getpid()), encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []  # no Linux: the process group is all that is reached
