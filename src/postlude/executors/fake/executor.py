"""An executor that runs nothing: each attempt does what a script says.

With it a pipeline can be rehearsed: "if `train` fails, what is the exit task told?" It keeps the port's promises as
the real ones do, so that what holds for it holds for them.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from typing import Final

from postlude.core.task import TaskPath
from postlude.executors.fake.writing import write_log, write_outputs
from postlude.ports.behaviour import (
    KILLED,
    Behaviour,
    Hold,
    NotStart,
    Script,
    Succeed,
    TimeOut,
    Vanish,
    by_path,
    exit_of,
)
from postlude.ports.executor import Attempt, AttemptKey, BlockingExecutor, Ending, Exit

_STOPPED: Final = Exit(ending=Ending.TERMINATED, message="terminated before it started")


class FakeExecutor(BlockingExecutor):
    """Runs attempts by script (`ports.executor.Executor`).

    Args:
        script: What each attempt does; None for all to succeed without outputs.
        now: The time for the log, in seconds since the epoch.
    """

    def __init__(self, script: Script | None = None, *, now: Callable[[], float] = time.time) -> None:
        self._script = script or by_path({})
        self._now = now
        self._moved = Condition()
        self._attempts: list[Attempt] = []
        self._running: set[AttemptKey] = set()
        self._terminated: dict[AttemptKey, float] = {}
        self._released: set[str] = set()
        self._killed: set[AttemptKey] = set()
        self._most_at_once = 0
        self._closed = False

    # --- what a test asks and says ---

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every attempt that came to run and was not stopped before, in order of start."""
        with self._moved:
            return tuple(self._attempts)

    @property
    def running(self) -> frozenset[str]:
        """The paths of the attempts that run now."""
        with self._moved:
            return frozenset(path for _, path, _ in self._running)

    @property
    def most_at_once(self) -> int:
        """How many attempts ran at the same time, at most."""
        with self._moved:
            return self._most_at_once

    def wait_for(self, path: str, attempt: int = 1, *, timeout_s: float = 10.0) -> None:
        """Wait until an attempt has come to run.

        Raises:
            TimeoutError: It has not within `timeout_s` seconds.
        """
        with self._moved:
            if not self._moved.wait_for(lambda: self._began(path, attempt), timeout_s):
                begun = ", ".join(f"{each.path} ({each.attempt})" for each in self._attempts) or "none"
                raise TimeoutError(f"attempt {attempt} of '{path}' did not begin in {timeout_s:g} s; begun: {begun}")

    def wait_until_idle(self, *, timeout_s: float = 10.0) -> None:
        """Wait until no attempt runs.

        Raises:
            TimeoutError: One still does after `timeout_s` seconds.
        """
        with self._moved:
            if not self._moved.wait_for(lambda: not self._running, timeout_s):
                left = ", ".join(sorted(path for _, path, _ in self._running))
                raise TimeoutError(f"still running after {timeout_s:g} s: {left}")

    def release(self, *paths: str) -> None:
        """Let the tasks at these paths go on, in the attempt that is held now and in every later one."""
        with self._moved:
            self._released |= set(paths)
            self._moved.notify_all()

    # --- the port ---

    def run(self, attempt: Attempt) -> Exit:
        """See `Executor.run`."""
        with self._entered(attempt) as stopped:
            return _STOPPED if stopped else self._perform(attempt, self._script(attempt))

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `Executor.terminate`."""
        with self._moved:
            self._terminated.setdefault((run_id, path, attempt), grace_s)
            self._moved.notify_all()

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """See `Executor.kill`."""
        key = (run_id, path, attempt)
        with self._moved:
            if key in self._running:
                self._killed.add(key)
                self._moved.notify_all()
            return key in self._running

    def remove_leftovers(self, run_id: str) -> int:  # noqa: ARG002 - the port's signature
        """See `Executor.remove_leftovers`: nothing runs, so nothing is left."""
        return 0

    def close(self) -> None:
        """See `Executor.close`."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    # --- how it is done ---

    def _began(self, path: str, attempt: int) -> bool:
        return any((each.path, each.attempt) == (path, attempt) for each in self._attempts)

    @contextmanager
    def _entered(self, attempt: Attempt) -> Iterator[bool]:
        """Note that an attempt runs; gives whether it was stopped before."""
        key = attempt.key
        with self._moved:
            stopped = self._closed or key in self._terminated
            if not stopped:
                self._attempts.append(attempt)
                self._running.add(key)
                self._most_at_once = max(self._most_at_once, len(self._running))
            self._moved.notify_all()
        try:
            yield stopped
        finally:
            with self._moved:
                self._running.discard(key)
                self._terminated.pop(key, None)
                self._killed.discard(key)
                self._moved.notify_all()

    def _perform(self, attempt: Attempt, behaviour: Behaviour) -> Exit:
        if not isinstance(behaviour, NotStart | Vanish):
            write_log(attempt.log, behaviour.says, self._now)
        if isinstance(behaviour, Hold):
            return self._held(attempt, behaviour) or self._perform(attempt, behaviour.then)
        if isinstance(behaviour, Succeed):
            write_outputs(attempt, behaviour)
        return exit_of(behaviour, attempt.timeout_s)

    def _held(self, attempt: Attempt, hold: Hold) -> Exit | None:
        """How it ended while it was held; None where it was released."""
        key = attempt.key
        with self._moved:
            if not self._moved.wait_for(lambda: self._is_told(key), attempt.timeout_s):
                return exit_of(TimeOut(), attempt.timeout_s)
            if key in self._killed:
                return exit_of(KILLED, attempt.timeout_s)
            if not self._closed and key not in self._terminated:
                return None
            ignored = hold.ignores_sigterm and not self._closed
            if ignored:
                self._moved.wait_for(lambda: self._closed, self._terminated[key])
        write_log(attempt.log, hold.last_words, self._now)
        return Exit(
            ending=Ending.TERMINATED,
            code=-signal.SIGKILL if ignored else -signal.SIGTERM,
            message="terminated on request",
        )

    def _is_told(self, key: AttemptKey) -> bool:
        return self._closed or key in self._terminated or key in self._killed or key[1] in self._released
