"""Sends each attempt to the executor that can run it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from postlude.core.task import TaskPath
from postlude.executors.devices import only_its_own
from postlude.executors.process.recognise import is_containerised, recognise
from postlude.ports.executor import Attempt, AttemptKey, BlockingExecutor, Ending, Executor, Exit

_NO_ENGINE = (
    "the task runs in image '{image}', and no Docker or Podman answers on this machine: start one of them, "
    "or use --containers host to run its command as a local process"
)

_NO_ENGINE_FOR_CODE = (
    "the component's code is in its image '{image}' (target_image), and no Docker or Podman answers on this machine: "
    "start one of them"
)
_STOPPED = Exit(ending=Ending.TERMINATED, message="terminated before it started")


@dataclass(slots=True, kw_only=True)
class RoutingExecutor(BlockingExecutor):
    """Python components go to the process executor, whatever their image; other programs to a container.

    Attributes:
        process: Runs Python components, and every program where `host` is set.
        container: Makes the executor for container components, or gives None where no engine answers; asked once, when
            the first such component runs.
        host: Whether container components run as local processes, their image ignored.
    """

    process: Executor
    container: Callable[[], Executor | None]
    host: bool = False
    _lock: Lock = field(default_factory=Lock)
    _finding: Lock = field(default_factory=Lock)
    _found: list[Executor | None] = field(default_factory=list)
    _routes: dict[AttemptKey, Executor] = field(default_factory=dict)
    _early: set[AttemptKey] = field(default_factory=set)

    def begin(self, attempt: Attempt) -> Future[Exit]:
        """See `Executor.begin`."""
        if not self._is_for_process(attempt):
            return BlockingExecutor.begin(self, attempt)  # an engine is looked for, and that may take seconds
        if self._routed(attempt, self.process):
            self._forget(attempt)
            return _settled(_STOPPED)
        ended = self.process.begin(only_its_own(attempt))
        ended.add_done_callback(partial(self._forget, attempt))
        return ended

    def run(self, attempt: Attempt) -> Exit:
        """See `Executor.run`."""
        if self._is_for_process(attempt):
            return self.begin(attempt).result()
        container = self._container()
        if container is None:
            said = _NO_ENGINE_FOR_CODE if is_containerised(attempt.argv) else _NO_ENGINE
            return Exit(ending=Ending.NOT_STARTED, message=said.format(image=attempt.image))
        try:
            return _STOPPED if self._routed(attempt, container) else container.run(attempt)
        finally:
            self._forget(attempt)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `Executor.terminate`."""
        with self._lock:
            executor = self._routes.get((run_id, path, attempt))
            if executor is None:
                self._early.add((run_id, path, attempt))
                return
        executor.terminate(run_id, path, attempt, grace_s=grace_s)

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """See `Executor.kill`."""
        with self._lock:
            executor = self._routes.get((run_id, path, attempt))
        return executor is not None and executor.kill(run_id, path, attempt)

    def remove_leftovers(self, run_id: str) -> int:
        """See `Executor.remove_leftovers`."""
        containers = None if self.host else self._container()
        return sum(one.remove_leftovers(run_id) for one in (self.process, containers) if one is not None)

    def close(self) -> None:
        """See `Executor.close`."""
        for executor in (self.process, *self._found):
            if executor is not None:
                executor.close()

    def _container(self) -> Executor | None:
        with self._finding:
            if not self._found:
                self._found.append(self.container())
            return self._found[0]

    def _is_for_process(self, attempt: Attempt) -> bool:
        return self.host or recognise(attempt.argv) is not None

    def _routed(self, attempt: Attempt, executor: Executor) -> bool:
        """Remember who runs the attempt; gives whether it was stopped before."""
        key = attempt.key
        with self._lock:
            self._routes[key] = executor
            return key in self._early

    def _forget(self, attempt: Attempt, _ended: Future[Exit] | None = None) -> None:
        key = attempt.key
        with self._lock:
            del self._routes[key]
            self._early.discard(key)


def _settled(ended: Exit) -> Future[Exit]:
    future: Future[Exit] = Future()
    future.set_result(ended)
    return future
