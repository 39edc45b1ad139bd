"""The port through which the shell runs one attempt of one task."""

from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from threading import Thread
from typing import Protocol

import msgspec

from postlude.core.task import TaskPath
from postlude.spec.types import NOTHING, Json, Resources

AttemptKey = tuple[str, TaskPath, int]
"""What names an attempt: the run's id, the task's path, the attempt's number."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an executor needs to run one attempt; nothing is left to resolve.

    Attributes:
        argv: Command and args with every placeholder rendered. Empty means the image's own entry point.
        args_only: Whether argv holds args alone (the author gives no command): they go to the image's own entry point.
        executor_input: KFP's ExecutorInput as plain JSON (also rendered into argv where the author asked for it).
        env: The component's own variables. The parent's environment is not part of it.
        directory: The attempt's private directory, with "outputs" in it. The executor makes `work`, if it needs that.
        log: The file that receives the task's output, see `executors.process.log` for the format.
        timeout_s: None where there is no limit.
        devices: The accelerators that nobody else has meanwhile, as CUDA_VISIBLE_DEVICES names them; none where the
            component asks for none.
    """

    run_id: str
    path: TaskPath
    attempt: int
    image: str
    argv: tuple[str, ...]
    executor_input: Mapping[str, Json]
    directory: Path
    log: Path
    env: Mapping[str, str] = NOTHING
    resources: Resources = Resources()
    platform: Mapping[str, Json] = NOTHING
    timeout_s: float | None = None
    workspace: Path | None = None
    args_only: bool = False
    devices: tuple[str, ...] = ()

    @property
    def key(self) -> AttemptKey:
        """What names it among the attempts of all runs."""
        return self.run_id, self.path, self.attempt

    @property
    def work(self) -> Path:
        """The working directory of the program, which the executor makes where it is missing."""
        return self.directory / "work"

    @property
    def mounts(self) -> Path:
        """The directory below which the program finds artifacts of buckets, as KFP mounts those: "s3/BUCKET/KEY"."""
        return self.directory / "mounts"


class Ending(Enum):
    """How an attempt came to its end."""

    EXITED = "exited"
    """By itself: with an exit code, or killed by a signal that nobody here sent."""
    TIMED_OUT = "timed out"
    TERMINATED = "terminated"
    """Because the shell asked for it."""
    NOT_STARTED = "not started"
    """Never ran: no such program, no container engine, an environment that cannot be built."""
    REFUSED = "refused"
    """What it was given cannot be passed to a program, so that it never ran; or it ended well, but what it left must
    not be read: a link that leads out of its own places."""
    LOST = "lost"
    """Its supervisor died: nobody knows."""


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended.

    Attributes:
        code: Exit code, -n for signal n; None unless it EXITED, TIMED_OUT or was TERMINATED.
        message: One line saying why, "" where it ended well: the exception and its text for a Python component, the
            last line of stderr for another program, what to do for NOT_STARTED.
        oom: Whether the memory limit ended it.
    """

    ending: Ending
    code: int | None = None
    message: str = ""
    oom: bool = False


class Executor(Protocol):
    """Runs attempts. Called from several threads at once.

    Whoever implements it defines `begin`, or inherits from `BlockingExecutor` and defines `run`.
    """

    @abstractmethod
    def begin(self, attempt: Attempt) -> Future[Exit]:
        """Begin to run the attempt, and return at once: what takes time happens elsewhere.

        The future has its result once the attempt has ended; it has no exception for what the task does. By then no
        process of the attempt is left alive and its log is complete. Its callbacks are called on any thread, and must
        not wait for anything.
        """

    def run(self, attempt: Attempt) -> Exit:
        """Run the attempt to its end and say how it ended: `begin`, and wait."""
        return self.begin(attempt).result()

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """Ask an attempt to end: SIGTERM now, SIGKILL after `grace_s` seconds.

        Returns at once; the end is reported as TERMINATED. An attempt that has not begun yet is remembered, and then
        starts nothing. One that has ended stays as it ended.
        """
        ...

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """Kill what runs of an attempt with SIGKILL now, as the kernel does when memory is short.

        The end is reported as EXITED, with code -9. Gives whether there was something to kill; an attempt that has not
        begun yet is not remembered.
        """
        ...

    def remove_leftovers(self, run_id: str) -> int:
        """End whatever a dead engine left running of a run that is driven by nobody; how many attempts there were.

        When it returns, none of them is left alive.
        """
        ...

    def close(self) -> None:
        """Kill whatever still runs and free everything."""
        ...


class BlockingExecutor(Executor, Protocol):
    """An executor that waits for each attempt itself, and so needs a thread for it."""

    def begin(self, attempt: Attempt) -> Future[Exit]:
        """See `Executor.begin`."""
        ended: Future[Exit] = Future()
        name = f"{attempt.path}, attempt {attempt.attempt}"
        Thread(target=self._settle, args=(attempt, ended), name=name, daemon=True).start()
        return ended

    @abstractmethod
    def run(self, attempt: Attempt) -> Exit:
        """Run the attempt to its end and say how it ended. Blocks."""

    def _settle(self, attempt: Attempt, ended: Future[Exit]) -> None:
        try:
            ended.set_result(self.run(attempt))
        except BaseException as defect:  # noqa: BLE001 - it belongs to whoever asks for the result
            ended.set_exception(defect)
