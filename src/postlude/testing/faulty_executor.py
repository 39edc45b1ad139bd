"""An executor that lets chosen attempts go wrong, around one that does what it should."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Final

from postlude.core.task import TaskPath
from postlude.ports.behaviour import KILLED, exit_of
from postlude.ports.executor import Attempt, AttemptKey, BlockingExecutor, Ending, Executor, Exit
from postlude.runtime.faults import FAILURE, Fault, FaultKind, Faults
from postlude.testing.attempt_log import say

_LOOK_EVERY_S: Final = 0.002
"""How soon after its start an attempt is killed, about."""


class FaultyExecutor(BlockingExecutor):
    """Injects faults into the attempts of another executor (`ports.executor.Executor`); the others are none of its.

    A failure is reported without running anything. A delay comes before the start, and counts towards no time limit. A
    kill is a SIGKILL as soon as there is a process; a program that had ended before it came counts as killed all the
    same. What was injected stands in the attempt's log.

    Args:
        executor: What runs the attempts; it is closed with this one.
        faults: What goes wrong.
        now: The time for the log, in seconds since the epoch.
    """

    def __init__(self, executor: Executor, faults: Sequence[Fault], *, now: Callable[[], float] = time.time) -> None:
        self._executor = executor
        self._faults = Faults(faults)
        self._now = now
        self._lock = Lock()
        self._stopped: dict[AttemptKey, Event] = {}

    def begin(self, attempt: Attempt) -> Future[Exit]:
        """See `Executor.begin`."""
        faults = self._faults.of(attempt.path, attempt.attempt)
        return super().begin(attempt) if faults else self._executor.begin(attempt)

    def run(self, attempt: Attempt) -> Exit:
        """See `Executor.run`."""
        faults = self._faults.of(attempt.path, attempt.attempt)
        if not faults:
            return self._executor.run(attempt)
        with self._entered(attempt) as stopped:
            return self._afflicted(attempt, faults, stopped)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `Executor.terminate`."""
        if self._faults.of(path, attempt):
            self._event((run_id, path, attempt)).set()
        self._executor.terminate(run_id, path, attempt, grace_s=grace_s)

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """See `Executor.kill`."""
        return self._executor.kill(run_id, path, attempt)

    def remove_leftovers(self, run_id: str) -> int:
        """See `Executor.remove_leftovers`."""
        return self._executor.remove_leftovers(run_id)

    def close(self) -> None:
        """See `Executor.close`."""
        with self._lock:
            stopped = list(self._stopped.values())
        for event in stopped:
            event.set()
        self._executor.close()

    @contextmanager
    def _entered(self, attempt: Attempt) -> Iterator[Event]:
        """What tells that the attempt was stopped; it may have been before it came to run."""
        key = attempt.key
        try:
            yield self._event(key)
        finally:
            with self._lock:
                del self._stopped[key]

    def _event(self, key: AttemptKey) -> Event:
        with self._lock:
            return self._stopped.setdefault(key, Event())

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def _afflicted(self, attempt: Attempt, faults: Sequence[Fault], stopped: Event) -> Exit:
        late_by_s = sum(fault.wait_s for fault in faults)
        if late_by_s:
            self._log(attempt, f"it starts {late_by_s:g} s later")
            stopped.wait(late_by_s)
        end = next((fault for fault in faults if fault.kind is not FaultKind.DELAY), None)
        if stopped.is_set() or end is None:
            return self._executor.run(attempt)  # where it was stopped, it was told, too, and starts nothing
        return self._killed(attempt) if end.kind is FaultKind.KILL else self._failed(attempt, end.message or FAILURE)

    def _failed(self, attempt: Attempt, message: str) -> Exit:
        self._log(attempt, f"it is not run, and fails: {message}")
        return Exit(ending=Ending.EXITED, code=1, message=message)

    def _killed(self, attempt: Attempt) -> Exit:
        self._log(attempt, "it is killed as soon as it runs")
        over = Event()
        killer = Thread(target=self._kill, args=(attempt, over), name=f"kill {attempt.path}", daemon=True)
        killer.start()
        try:
            ended = self._executor.run(attempt)
        finally:
            over.set()
            killer.join()
        exited = ended.ending is Ending.EXITED and ended.code != -signal.SIGKILL
        return exit_of(KILLED, attempt.timeout_s) if exited else ended

    def _kill(self, attempt: Attempt, over: Event) -> None:
        while not self._executor.kill(*attempt.key):
            if over.wait(_LOOK_EVERY_S):
                return

    def _log(self, attempt: Attempt, what: str) -> None:
        say(attempt.log, [f"postlude: injected fault: {what}"], self._now())
