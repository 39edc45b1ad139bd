"""Sends each attempt to the executor that can run it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from postlude.core.task import TaskPath
from postlude.executors.process.recognise import recognise
from postlude.ports.executor import Attempt, Ending, Executor, Exit

_NO_ENGINE = (
    "the task runs in image '{image}', and no Docker or Podman answers on this machine: start one of them, "
    "or use --containers host to run its command as a local process"
)


@dataclass(slots=True, kw_only=True)
class RoutingExecutor(Executor):
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
    _found: list[Executor | None] = field(default_factory=list)

    def run(self, attempt: Attempt) -> Exit:
        """See `Executor.run`."""
        if self.host or recognise(attempt.argv) is not None:
            return self.process.run(attempt)
        executor = self._container()
        if executor is None:
            return Exit(ending=Ending.NOT_STARTED, message=_NO_ENGINE.format(image=attempt.image))
        return executor.run(attempt)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `Executor.terminate`: whoever runs the attempt knows it, the others ignore it."""
        for executor in self._known():
            executor.terminate(run_id, path, attempt, grace_s=grace_s)

    def close(self) -> None:
        """See `Executor.close`."""
        for executor in self._known():
            executor.close()

    def _container(self) -> Executor | None:
        if not self._found:
            self._found.append(self.container())
        return self._found[0]

    def _known(self) -> list[Executor]:
        return [self.process, *(found for found in self._found if found is not None)]
