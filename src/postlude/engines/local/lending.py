"""Tells each attempt which accelerators are its own."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from postlude.core.task import TaskPath
from postlude.ports.executor import Attempt, Executor, Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Lending(Executor):
    """An executor whose attempts know their accelerators.

    Attributes:
        executor: What runs them.
        devices: The accelerators of an attempt, by path and number.
    """

    executor: Executor
    devices: Callable[[tuple[TaskPath, int]], tuple[str, ...]]

    def run(self, attempt: Attempt) -> Exit:
        """See `Executor.run`."""
        devices = self.devices((attempt.path, attempt.attempt))
        return self.executor.run(replace(attempt, devices=devices) if devices else attempt)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `Executor.terminate`."""
        self.executor.terminate(run_id, path, attempt, grace_s=grace_s)

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """See `Executor.kill`."""
        return self.executor.kill(run_id, path, attempt)

    def remove_leftovers(self, run_id: str) -> int:
        """See `Executor.remove_leftovers`."""
        return self.executor.remove_leftovers(run_id)

    def close(self) -> None:
        """See `Executor.close`."""
        self.executor.close()
