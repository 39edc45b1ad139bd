"""An executor that calls Python functions of this process in place of chosen components."""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any, Final

from postlude.core.task import TaskPath
from postlude.ports.behaviour import KILLED, TimeOut, exit_of
from postlude.ports.executor import Attempt, AttemptKey, BlockingExecutor, Ending, Executor, Exit
from postlude.spec.types import Json
from postlude.testing.artifact import Artifact
from postlude.testing.attempt_log import say
from postlude.testing.given import given_to, keywords
from postlude.testing.one_call import Returned, call, exit_after, is_for_the_test
from postlude.testing.produced import UnfitResultError, report, write_report
from postlude.testing.stand_ins import Call, StandIn, StandIns

_WELL: Final = Exit(ending=Ending.EXITED, code=0)
_STOPPED: Final = Exit(ending=Ending.TERMINATED, code=-15, message="terminated on request")
_NOT_BEGUN: Final = Exit(ending=Ending.TERMINATED, message="terminated before it started")


class ReplacingExecutor(BlockingExecutor):
    """Calls functions in place of components (`ports.executor.Executor`); every other attempt is none of its.

    A function gets the task's inputs by name and returns its outputs, as a component does. What it raises is the
    attempt's failure. It runs on a thread of its own, since a thread cannot be stopped: where the attempt is
    terminated, killed or times out, it is over at once, the function goes on, and what it returns is dropped. It sees
    the context variables of whoever made this executor.

    Args:
        make: Makes the executor of every other attempt; called when it is needed first, or at once.
        stand_ins: Who takes the place of which task.
        now: The time for the log, in seconds since the epoch.
    """

    def __init__(
        self, make: Callable[[], Executor], stand_ins: StandIns, *, now: Callable[[], float] = time.time
    ) -> None:
        self._make = make
        self._stand_ins = stand_ins
        self._now = now
        self._context = copy_context()
        self._moved = Condition()
        self._stopped: dict[AttemptKey, Exit] = {}
        self._running: set[AttemptKey] = set()
        self._closed = False
        self._making = Lock()
        self._made: list[Executor] = [] if stand_ins.everywhere else [make()]

    # --- the port ---

    def begin(self, attempt: Attempt) -> Future[Exit]:
        """See `Executor.begin`."""
        replaced = self._stand_ins.of(attempt.path) is not None
        return super().begin(attempt) if replaced else self._others().begin(attempt)

    def run(self, attempt: Attempt) -> Exit:
        """See `Executor.run`."""
        stand_in = self._stand_ins.of(attempt.path)
        if stand_in is None:
            return self._others().run(attempt)
        key = attempt.key
        with self._entered(key) as stopped:
            return _NOT_BEGUN if stopped else self._replaced(key, attempt, stand_in)

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `Executor.terminate`."""
        if self._stand_ins.of(path) is None:
            self._others().terminate(run_id, path, attempt, grace_s=grace_s)
            return
        with self._moved:
            self._stopped.setdefault((run_id, path, attempt), _STOPPED)
            self._moved.notify_all()

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """See `Executor.kill`."""
        if self._stand_ins.of(path) is None:
            return self._others().kill(run_id, path, attempt)
        key = (run_id, path, attempt)
        with self._moved:
            runs = key in self._running
            if runs:
                self._stopped.setdefault(key, exit_of(KILLED, None))
                self._moved.notify_all()
            return runs

    def remove_leftovers(self, run_id: str) -> int:
        """See `Executor.remove_leftovers`."""
        return sum(each.remove_leftovers(run_id) for each in self._made)

    def close(self) -> None:
        """See `Executor.close`."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
        with self._making:
            for each in self._made:
                each.close()

    def _others(self) -> Executor:
        with self._making:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    @contextmanager
    def _entered(self, key: AttemptKey) -> Iterator[bool]:
        """Note that an attempt runs; gives whether it was stopped before."""
        with self._moved:
            self._running.add(key)
            stopped = self._closed or key in self._stopped
        try:
            yield stopped
        finally:
            with self._moved:
                self._running.discard(key)
                self._stopped.pop(key, None)

    # --- one call -----------------------------------------------------------------------------------------------------

    def _replaced(self, key: AttemptKey, attempt: Attempt, stand_in: StandIn) -> Exit:
        self._say(attempt, f"{stand_in.name} stands in for the component, in the test's own process")
        mounts = str(attempt.mounts)
        given = given_to(attempt.executor_input, stand_in.component, mounts)
        if stand_in.function is None:
            return _reported(attempt, _given_report(stand_in))
        seen = given_to(attempt.executor_input, stand_in.component, mounts)
        self._stand_ins.note(Call(path=str(attempt.path), attempt=attempt.attempt, inputs=seen.inputs))
        arguments = keywords(stand_in.function, given)
        ended = self._called(key, attempt, partial(call, stand_in.function, arguments))
        if isinstance(ended, Exit):
            return ended
        if ended.error is not None:
            return self._raised(attempt, ended.error)
        return self._returned(attempt, stand_in, given.outputs, arguments, ended.value)

    def _called(self, key: AttemptKey, attempt: Attempt, work: Callable[[], Returned]) -> Returned | Exit:
        """How the call ended; or how the attempt did, if that came first."""
        ended: list[Returned] = []

        def working() -> None:
            end = self._context.copy().run(work)
            with self._moved:
                ended.append(end)
                self._moved.notify_all()

        thread = Thread(target=working, name=f"{attempt.path}, attempt {attempt.attempt}", daemon=True)
        thread.start()
        with self._moved:
            in_time = self._moved.wait_for(lambda: ended or key in self._stopped or self._closed, attempt.timeout_s)
            if ended:
                return ended[0]
            self._stand_ins.leave(thread)
            return self._stopped.get(key, _STOPPED) if in_time else exit_of(TimeOut(), attempt.timeout_s)

    def _raised(self, attempt: Attempt, error: BaseException) -> Exit:
        if is_for_the_test(error):
            self._stand_ins.object(error)
        for lines in traceback.format_exception(error):
            self._say(attempt, *lines.rstrip().splitlines())
        return exit_after(error)

    def _returned(
        self,
        attempt: Attempt,
        stand_in: StandIn,
        artifacts: Mapping[str, Artifact],
        arguments: dict[str, Any],
        value: Any,
    ) -> Exit:
        changed = {name: _changed(artifact, arguments.get(name)) for name, artifact in artifacts.items()}
        try:
            found = report(value, attempt.executor_input["outputs"], changed, str(attempt.mounts))
        except UnfitResultError as error:
            message = f"{stand_in.name} {error}"
            self._say(attempt, message)
            return Exit(ending=Ending.EXITED, code=1, message=message)
        return _reported(attempt, found)

    def _say(self, attempt: Attempt, *lines: str) -> None:
        say(attempt.log, lines, self._now())


def _changed(artifact: Artifact, taken: Any) -> Any:
    """An output artifact as the function left it: the object that it took in the form it wanted, if it took any."""
    return taken if hasattr(taken, "uri") else artifact


def _given_report(stand_in: StandIn) -> Json:
    artifacts = stand_in.component.outputs.artifacts
    return {
        "parameterValues": {name: value for name, value in stand_in.outputs.items() if name not in artifacts},
        "artifacts": {n: {"artifacts": [{"uri": uri}]} for n, uri in stand_in.outputs.items() if n in artifacts},
    }


def _reported(attempt: Attempt, found: Json) -> Exit:
    write_report(found, Path(attempt.executor_input["outputs"]["outputFile"]))
    return _WELL
