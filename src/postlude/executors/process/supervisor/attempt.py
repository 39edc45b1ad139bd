"""One attempt under way, as its supervisor sees it."""

import math
import os
import signal
from contextlib import suppress

from .child import Leader
from .logfile import LogFile
from .note import Note, take_note
from .watch import Watch
from .wire import Ended, Run

_CHUNK_BYTES = 1 << 16
"""What a pipe holds. A larger buffer would be mapped anew for every read."""
_DRAIN_S = 5.0
"""How long the pipes of a dead program are waited for; only a process out of our reach can hold them open."""


class Attempt:
    """A leader process, its two pipes, its log, and the times at which something is due.

    Attributes:
        pid: The leader, and its process group.
        streams: The pipes that are still open, by name.
        ending: How it will have ended once it is over: a value of `ports.executor.Ending`.
        code: The leader's exit code, None while it lives.
        due: When (monotonic seconds) the next step is taken for it, None for never; its limits aside.
    """

    def __init__(self, order: Run, leader: Leader, log: LogFile, now: float) -> None:
        self.id = order.id
        self.pid = leader.pid
        self.streams = {"stdout": leader.stdout, "stderr": leader.stderr}
        self.ending = "exited"
        self.code: int | None = None
        self.due = None if order.timeout_s is None else now + order.timeout_s
        self._grace_s = order.grace_s
        self._directory = order.directory
        self._log = log
        self._watch = Watch(leader.pid, order.memory_bytes, order.most_processes, now)

    @property
    def wakes_at(self) -> float:
        """When (monotonic seconds) it must be looked after next."""
        times = ([] if self.due is None else [self.due]) + ([self._watch.due] if self.code is None else [])
        return min(times, default=math.inf)

    def keep_limits(self, now: float) -> None:
        """Kill all of it where it holds too much memory or multiplies too much."""
        if self.code is None and not self._watch.exceeded:
            self._watch.look(now)
            if self._watch.exceeded:
                self.kill()  # what left the group is killed as soon as nobody leads it

    def read(self, stream: str) -> bool:
        """Move what a pipe holds into the log; returns whether the pipe is still open."""
        data = os.read(self.streams[stream], _CHUNK_BYTES)
        if data:
            self._log.write(stream, data)
        return bool(data)

    def close(self, stream: str) -> None:
        """Read no more from a pipe."""
        os.close(self.streams.pop(stream))

    def stop(self, ending: str, grace_s: float, now: float) -> None:
        """SIGTERM to the whole group now, SIGKILL after the grace period. A stop under way is only ever hastened."""
        if self.code is not None:
            return
        if self.ending == "exited":
            self.ending = ending
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)  # a stopped process takes no SIGTERM
            self.due = now + grace_s
        elif self.due is not None:
            self.due = min(self.due, now + grace_s)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        self._signal(signal.SIGKILL)

    def pass_due(self, now: float) -> None:
        """Take the step that is due: the time is up, the grace period is over, or there was time enough to read."""
        if self.code is not None:
            self.due = None
        elif self.ending == "exited":
            self.stop("timed out", self._grace_s, now)
        else:
            self.kill()
            self.due = None

    def leader_ended(self, status: int, now: float) -> None:
        """The leader was reaped with this wait status."""
        self.code = os.waitstatus_to_exitcode(status)
        self.due = now + _DRAIN_S

    def finish(self) -> Ended:
        """Close the log and say how it ended."""
        self._log.close()
        note = take_note(self._directory) if self.code else Note()
        killed = self.code == -signal.SIGKILL and self.ending == "exited"
        return Ended(
            id=self.id,
            ending=self.ending if note.started else "not started",
            code=self.code if note.started else None,
            note=note.text,
            stderr=self._log.last_stderr,
            log_error=self._log.error,
            exceeded=self._watch.exceeded if killed else "",
            held_bytes=self._watch.held_bytes,
            out_of_memory=note.out_of_memory and self.ending == "exited",
        )

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # forked a moment ago: it does not lead its group yet
                os.kill(self.pid, number)
