"""Finds children that ended, and children that nobody answers for any more."""

import os
import signal
import socket
import sys
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress

from . import proc

_STOPPING_PASSES = 1000
_THREADS = "/proc/{}/task"
_CHILDREN = "/proc/{}/task/{}/children"


def wake_on_exit() -> socket.socket:
    """A socket that becomes readable when a child ends."""
    reading, writing = socket.socketpair()
    for end in (reading, writing):
        end.settimeout(0)
    signal.signal(signal.SIGCHLD, _noticed)
    signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
    return reading


def _noticed(*_: object) -> None:
    """The wake-up descriptor carries the news; a handler must exist for it to be written."""


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
    """Kill every child that is no living leader, with its descendants; returns whether there was one.

    A living leader adopts what its descendants leave behind, so such a child is left over from a leader that is dead,
    even where it moved to a session of its own. All are stopped before the first is killed, however fast they multiply.
    """
    stopped: set[int] = set()
    for _ in range(_STOPPING_PASSES):
        others = [pid for pid in _own_children() if pid not in leaders]
        new = {one for pid in others for one in tree(pid, sys.maxsize - 1)} - stopped
        if not new:
            break
        _signal(new, signal.SIGSTOP)
        stopped |= new
    _signal(stopped, signal.SIGKILL)
    return bool(stopped)


def tree(leader: int, most: int) -> list[int]:
    """A process and its descendants, the nearest first; no further than one more than `most`."""
    found = [leader]
    for pid in found:
        if len(found) > most:
            break
        found += _children(pid)
    return found[: most + 1]


def hold_still(leader: int) -> None:
    """Stop the group of a process, so that it does not multiply faster than it can be counted."""
    _signal_group(leader, signal.SIGSTOP)


def let_go(leader: int) -> None:
    """Have the group of a process go on."""
    _signal_group(leader, signal.SIGCONT)


def threads_of_all() -> int:
    """How many threads the whole system has; 0 where it does not tell."""
    try:
        return int(proc.read("/proc/loadavg").split()[3].partition(b"/")[2])
    except (OSError, ValueError, IndexError):
        return 0


def _signal_group(leader: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _own_children() -> list[int]:
    """The children of this process, which has one thread."""
    pid = os.getpid()
    return _children_of_thread(pid, pid)


def _children(pid: int) -> list[int]:
    """The children of all threads of a process; none where the system does not tell, or the process is gone."""
    try:
        threads = os.listdir(_THREADS.format(pid))
    except OSError:  # no Linux: the process group is all that is reached
        return []
    return [child for thread in threads for child in _children_of_thread(pid, thread)]


def _children_of_thread(pid: int, thread: int | str) -> list[int]:
    try:
        return [int(child) for child in proc.read(_CHILDREN.format(pid, thread)).split()]
    except OSError:
        return []
