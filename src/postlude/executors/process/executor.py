"""Runs attempts as processes on this machine."""

import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path

from postlude.core.task import TaskPath
from postlude.executors.arguments import refusal
from postlude.executors.process import limits, variables
from postlude.executors.process.environments import Environment
from postlude.executors.process.exits import exit_of
from postlude.executors.process.interpreters import Interpreters
from postlude.executors.process.link import Supervisor, SupervisorLostError
from postlude.executors.process.memory import Memory, read_memory
from postlude.executors.process.recognise import PythonComponent, is_containerised, recognise
from postlude.executors.process.retention import KEPT_FOR_MINUTES, Retention
from postlude.executors.process.supervisor.wire import Ended, Inventory, Run
from postlude.executors.process.supervisors import Supervisors
from postlude.executors.process.under_way import EndedEarlyError, UnderWay
from postlude.ports.executor import Attempt, AttemptKey, Ending, Executor, Exit
from postlude.ports.progress import Progress, unheard
from postlude.spec.quantity import QuantityError

SUPERVISOR_LOG = "supervisor.log"
"""The file of the home that supervisors write to, which is nothing unless one is defective."""
TIMEOUT_GRACE_S = 5.0
MOST_PROCESSES = 1024
_STARTS = 3
"""How many supervisors are tried for one attempt before it is given up."""

_NO_PROGRAM = "the task names no command, so its image's own entry point is meant: run it in its container image"
_IN_ITS_IMAGE = (
    "the component's code is in its image '{image}' (target_image), which processes of this machine do not have: "
    "run it with --containers auto, docker or podman"
)
_LOST = "supervisors of {python} die as soon as they start: see {log}"


class ProcessExecutor(Executor):
    """Runs each attempt as a process of this machine, in a session, a directory and an environment of its own.

    Python components are forked from a supervisor that has the SDK's executor loaded; those whose packages are not
    installed get an environment, and a supervisor, of their own. Anything else runs as the command that it is.

    Args:
        home: Where environments and supervisors' logs are kept; made if need be.
        python: The interpreter for components, and what `python3` means to other programs.
        passed_env: Names of variables of this process's environment that programs see besides the usual ones, see
            `executors.process.variables`.
        most_processes: How many processes an attempt may have at a time; one that multiplies further is killed.
        offline: Whether no package may be fetched.
        progress: Hears what is installed.
        retention: How long the interpreter of an environment is kept warm.
        memory: Says how short of memory the machine is.
    """

    def __init__(
        self,
        *,
        home: Path,
        python: str = sys.executable,
        passed_env: Collection[str] = (),
        most_processes: int = MOST_PROCESSES,
        offline: bool = False,
        progress: Progress = unheard,
        retention: Retention = KEPT_FOR_MINUTES,
        memory: Callable[[], Memory] = read_memory,
    ) -> None:
        self._home = home.absolute()
        self._python = str(Path(python).absolute())
        self._passed = frozenset(passed_env)
        self._most_processes = most_processes
        self._own = Environment(python=self._python)
        self._supervisors = Supervisors(self._start_supervisor, retention=retention, memory=memory)
        self._interpreters = Interpreters(
            self._python,
            home=self._home / "environments",
            supervisors=self._supervisors,
            progress=progress,
            offline=offline,
        )
        self._under_way: dict[AttemptKey, UnderWay] = {}
        self._early: set[AttemptKey] = set()
        self._lock = threading.Lock()
        self._closed = False

    def prepare(self) -> None:
        """Start loading the SDK's executor in the background, so that the first component need not wait for it."""
        # An interpreter that cannot be started is met again by the first attempt, which reports it.
        with suppress(EndedEarlyError), self._supervisors.use(self._own) as supervisor:
            supervisor.preload()

    def begin(self, attempt: Attempt) -> Future[Exit]:
        """See `ports.executor.Executor.begin`."""
        under_way, component = self._entered(attempt), recognise(attempt.argv)
        ready = self._interpreters.ready(component)
        if ready is None:
            name, given = f"environment of {attempt.path}", (attempt, component, under_way)
            threading.Thread(target=self._start, args=given, name=name, daemon=True).start()
        else:
            self._start(attempt, component, under_way, ready)
        return under_way.ended

    def terminate(self, run_id: str, path: TaskPath, attempt: int, *, grace_s: float) -> None:
        """See `ports.executor.Executor.terminate`."""
        with self._lock:
            under_way = self._under_way.get((run_id, path, attempt))
            if under_way is None:
                self._early.add((run_id, path, attempt))
                return
        with under_way.lock:
            under_way.stopped.set()
            if under_way.supervisor is not None:
                under_way.supervisor.stop(under_way.id, grace_s)

    def kill(self, run_id: str, path: TaskPath, attempt: int) -> bool:
        """See `ports.executor.Executor.kill`."""
        with self._lock:
            under_way = self._under_way.get((run_id, path, attempt))
        if under_way is None or under_way.supervisor is None:
            return False
        under_way.supervisor.kill(under_way.id)
        return True

    def remove_leftovers(self, run_id: str) -> int:  # noqa: ARG002 - the port's signature
        """See `ports.executor.Executor.remove_leftovers`: processes die with the engine that started them."""
        return 0

    def close(self) -> None:
        """See `ports.executor.Executor.close`."""
        with self._lock:
            self._closed = True
            waiting = list(self._under_way.values())
        for under_way in waiting:
            under_way.stopped.set()
        self._supervisors.close()

    # --- an attempt's way ---

    def _entered(self, attempt: Attempt) -> UnderWay:
        limit = float("inf") if attempt.timeout_s is None else attempt.timeout_s
        under_way, key = UnderWay(deadline=time.monotonic() + limit), attempt.key
        with self._lock:
            self._under_way[key] = under_way
            if self._closed or key in self._early:
                under_way.stopped.set()
        return under_way

    def _start(
        self,
        attempt: Attempt,
        component: PythonComponent | None,
        under_way: UnderWay,
        environment: Environment | None = None,
    ) -> None:
        """Have a supervisor run the attempt, once its interpreter is there."""
        try:
            if environment is None:
                environment = under_way.held.enter_context(self._interpreters.of(component, attempt, under_way))
            self._hand_over(attempt, component, under_way, environment)
        except EndedEarlyError as early:
            self._over(attempt, under_way, early.exit)
        except QuantityError as error:
            self._over(attempt, under_way, Exit(ending=Ending.NOT_STARTED, message=str(error)))
        except BaseException as defect:  # noqa: BLE001 - it belongs to whoever asks for the result
            self._over(attempt, under_way, defect)

    def _hand_over(
        self, attempt: Attempt, component: PythonComponent | None, under_way: UnderWay, environment: Environment
    ) -> None:
        order = self._order(attempt, component, under_way)
        told = partial(self._told, attempt, component is not None, under_way)
        for _ in range(_STARTS):
            place = self._supervisors.take(environment)
            under_way.held.callback(self._supervisors.give_back, place)
            with suppress(SupervisorLostError):
                return under_way.begin(place.supervisor, order, told)
        raise EndedEarlyError(Ending.LOST, _LOST.format(python=environment.python, log=self._supervisor_log))

    def _told(self, attempt: Attempt, is_component: bool, under_way: UnderWay, report: Ended | Inventory) -> None:  # noqa: FBT001 - bound beforehand
        """On the thread that hears a supervisor: the attempt is over."""
        try:
            assert isinstance(report, Ended)  # noqa: S101 - nothing else answers an order to run
            ended: Exit | BaseException = exit_of(
                report, component=is_component, timeout_s=attempt.timeout_s,
                memory_limit=attempt.resources.memory_limit, most_processes=self._most_processes,
            )  # fmt: skip
        except Exception as defect:  # noqa: BLE001 - this thread hears of other attempts, too
            ended = defect
        self._over(attempt, under_way, ended)

    def _over(self, attempt: Attempt, under_way: UnderWay, ended: Exit | BaseException) -> None:
        self._left(attempt, under_way)
        if isinstance(ended, Exit):
            under_way.ended.set_result(ended)
        else:
            under_way.ended.set_exception(ended)

    def _left(self, attempt: Attempt, under_way: UnderWay) -> None:
        with suppress(OSError):  # when an environment was used last is for those who clear up
            under_way.held.close()
        with self._lock:
            del self._under_way[attempt.key]
            self._early.discard(attempt.key)

    def _order(self, attempt: Attempt, component: PythonComponent | None, under_way: UnderWay) -> Run:
        if component is None and (attempt.args_only or not attempt.argv):
            raise EndedEarlyError(Ending.NOT_STARTED, _NO_PROGRAM)
        if component is None and is_containerised(attempt.argv):
            raise EndedEarlyError(Ending.NOT_STARTED, _IN_ITS_IMAGE.format(image=attempt.image))
        if component is None and (why_not := refusal(attempt)):
            raise EndedEarlyError(Ending.REFUSED, why_not)
        remaining = None if attempt.timeout_s is None else max(0.0, under_way.deadline - time.monotonic())
        return Run(
            id=under_way.id,
            argv=list(component.arguments if component else attempt.argv),
            source=component.source if component else None,
            fresh=component is not None and variables.needs_fresh_interpreter(attempt.env),
            env=dict(attempt.env),
            directory=str(attempt.directory.absolute()),
            log=str(attempt.log.absolute()),
            timeout_s=remaining,
            grace_s=TIMEOUT_GRACE_S,
            most_processes=self._most_processes,
            memory_bytes=limits.memory_bytes(attempt.resources),
            processors=limits.processors(attempt.resources),
        )

    # --- supervisors ---

    def _start_supervisor(self, python: str) -> Supervisor:
        env = variables.inherited(os.environ, Path(python), self._passed)
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            return Supervisor(python, env, self._supervisor_log)
        except OSError as error:
            raise EndedEarlyError(Ending.NOT_STARTED, f"cannot start the interpreter {python}: {error}") from error

    @property
    def _supervisor_log(self) -> Path:
        return self._home / SUPERVISOR_LOG
