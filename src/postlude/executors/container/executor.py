"""Runs attempts as containers of Docker or Podman, through the engine's command-line client."""

import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from postlude.core.task import TaskPath
from postlude.executors.arguments import refusal
from postlude.executors.container.client import Client
from postlude.executors.container.engine import Engine
from postlude.executors.container.environment import EnvironmentVariableError, variables
from postlude.executors.container.images import ImageError, Images
from postlude.executors.container.inspection import inspected
from postlude.executors.container.mounts import mounts
from postlude.executors.container.options import RUN_LABEL, container_name, run_arguments
from postlude.executors.container.output import follow
from postlude.executors.container.running import Running
from postlude.executors.container.traits import Traits, traits_of
from postlude.executors.container.user import user_options
from postlude.executors.container.verdict import Attached, ContainerState, ended_on_request, verdict
from postlude.executors.process.exits import one_line
from postlude.executors.process.supervisor.logfile import LogFile
from postlude.executors.process.uv import note
from postlude.ports.executor import Attempt, BlockingExecutor, Ending, Exit
from postlude.ports.progress import Progress, unheard
from postlude.spec.quantity import QuantityError

_ANSWER_WITHIN_S: Final = 60.0
_OUT_OF_MEMORY: Final = "oom"
"""The file that Podman's monitor leaves where the client runs; some versions of Podman look for it elsewhere."""
_REMOVE: Final = {
    Engine.DOCKER: ("rm", "--force", "--volumes"),
    Engine.PODMAN: ("rm", "--force", "--time=0", "--volumes"),
}


class ContainerExecutor(BlockingExecutor):
    """An `Executor` that gives each attempt a container of its own, removed when the attempt has ended."""

    def __init__(
        self,
        engine: Engine | str,
        *,
        roots: Sequence[Path] = (),
        grace_s: float = 10.0,
        pull: bool = True,
        pull_grace_s: float = 5.0,
        progress: Progress = unheard,
    ) -> None:
        """Runs on one engine.

        Args:
            engine: Which one; `find_engine` says whether it answers.
            roots: Directories that tasks share, such as the artifacts'; mounted at their own paths, to be read only.
            grace_s: What a program gets between SIGTERM and SIGKILL when its time is up.
            pull: Whether images that are not on this machine may be pulled.
            pull_grace_s: For how long a pull that fails is tried again.
            progress: Hears which image an attempt waits for.
        """
        self._engine = Engine(engine)
        self._client = Client(self._engine)
        self._images = Images(self._client, pull=pull, grace_s=pull_grace_s, progress=progress)
        self._roots = tuple(roots)
        self._grace_s = grace_s
        self._owner = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._early: set[str] = set()
        self._closed = False

    def run(self, attempt: Attempt) -> Exit:
        """Run the attempt to its end; see `Executor.run`."""
        if why_not := refusal(attempt):
            return Exit(ending=Ending.REFUSED, message=why_not)
        running = Running(self._client, self._name(*attempt.key))
        with self._lock:
            if self._closed:
                return Exit(ending=Ending.NOT_STARTED, message="the executor is closed")
            self._running[running.name] = running
            if running.name in self._early:
                running.asked.set_result(Ending.TERMINATED)
        try:
            with self._time_limit(attempt, running):
                return self._run(attempt, running)
        except (ImageError, QuantityError, EnvironmentVariableError, OSError) as error:
            return Exit(ending=Ending.NOT_STARTED, message=one_line(str(error)))
        finally:
            running.over.set()
            running.gone.set()
            with self._lock:
                del self._running[running.name]
                self._early.discard(running.name)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """Ask a running attempt to end; see `Executor.terminate`."""
        with self._lock:
            name = self._name(run_id, path, attempt)
            running = self._running.get(name)
            if running is None:
                self._early.add(name)
                return
        running.stop(Ending.TERMINATED, grace_s)

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """Kill a running attempt's container; see `Executor.kill`."""
        with self._lock:
            running = self._running.get(self._name(run_id, path, attempt))
        return running is not None and self._client.call("kill", "--signal=KILL", running.name).ok

    def close(self) -> None:
        """Kill and remove what still runs. Attempts offered later are NOT_STARTED."""
        with self._lock:
            self._closed = True
            live = tuple(self._running.values())
        for running in live:
            running.stop(Ending.TERMINATED, 0.0)
        for running in live:
            running.gone.wait(_ANSWER_WITHIN_S)
        self._client.close()

    def remove_leftovers(self, run_id: str) -> int:
        """Kill and remove the containers that a crashed process left behind for a run; see `Executor`."""
        found = self._client.call(
            "ps", "--all", "--quiet", f"--filter=label={RUN_LABEL}={run_id}", timeout_s=_ANSWER_WITHIN_S
        ).output.split()
        if found:
            # removing alone may grant a running program the engine's own grace period first
            self._client.call("kill", "--signal=KILL", *found, timeout_s=_ANSWER_WITHIN_S)
            self._remove(*found)
        return len(found)

    def _run(self, attempt: Attempt, running: Running) -> Exit:
        self._images.ensure(attempt, running.asked)
        if running.ending is not None:
            return ended_on_request(attempt, running.ending, while_="its image was pulled")
        attempt.work.mkdir(exist_ok=True)
        if unheeded := self._traits.unheeded(attempt.resources):
            note(attempt.log, unheeded)
        client_env = dict(os.environ)
        with (
            closing(LogFile(str(attempt.log))) as log,
            TemporaryDirectory(prefix="postlude-") as directory,
            variables(attempt.env, attempt.directory, client_env=client_env) as passed,
        ):
            user = user_options(attempt, uid=os.getuid(), gid=os.getgid(), rootless=self._traits.rootless)
            seen = mounts(attempt, self._roots)
            arguments = run_arguments(
                attempt, engine=self._engine, name=running.name, mounts=seen, variables=passed, user=user
            )
            if running.ending is not None:
                return ended_on_request(attempt, running.ending)
            try:
                running.attached = self._client.open(arguments, env=client_env | dict(passed.inherited), cwd=directory)
                attached = self._attend(running, running.attached, log)
                ended = verdict(attempt, self._state(running.name, Path(directory)), attached, running.ending)
                return inspected(attempt, ended, [mount.path for mount in seen])
            finally:
                self._remove(running.name)

    def _name(self, run_id: str, path: TaskPath, attempt: int) -> str:
        return container_name(run_id, path, attempt, owner=self._owner)

    def _attend(self, running: Running, process: Popen[bytes], log: LogFile) -> Attached:
        try:
            return follow(process, log)
        finally:
            running.over.set()
            self._client.forget(process)

    @contextmanager
    def _time_limit(self, attempt: Attempt, running: Running) -> Iterator[None]:
        """End the attempt when its time is up, whether its container runs by then or its image is still pulled."""
        limit = threading.Timer(attempt.timeout_s or 0.0, running.time_out, (self._grace_s,))
        limit.daemon = True
        if attempt.timeout_s is not None:
            limit.start()
        try:
            yield
        finally:
            limit.cancel()

    def _state(self, name: str, directory: Path) -> ContainerState | None:
        """The engine's record, None where there is none; `directory` is where the client ran."""
        answer = self._client.call(
            "container", "inspect", "--format", "{{json .State}}", name, timeout_s=_ANSWER_WITHIN_S
        )
        if not answer.ok:
            return None
        state = msgspec.json.decode(answer.output, type=ContainerState)
        return msgspec.structs.replace(state, oom_killed=state.oom_killed or (directory / _OUT_OF_MEMORY).exists())

    def _remove(self, *names: str) -> None:
        self._client.call(*_REMOVE[self._engine], *names, timeout_s=_ANSWER_WITHIN_S)

    @cached_property
    def _traits(self) -> Traits:
        return traits_of(self._engine, self._client)
