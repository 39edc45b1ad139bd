"""Runs attempts as processes on this machine."""

import os
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from postlude.core.task import TaskPath
from postlude.executors.process import variables
from postlude.executors.process.environments import Environments, GaveUpError
from postlude.executors.process.exits import exit_of
from postlude.executors.process.installer import CannotBuildError, Parent
from postlude.executors.process.link import Supervisor, SupervisorLostError
from postlude.executors.process.pip_install import Install
from postlude.executors.process.recognise import PythonComponent, recognise
from postlude.executors.process.requirements import kfp_serves, satisfied
from postlude.executors.process.supervisor.wire import Ended, Run
from postlude.executors.process.under_way import EndedEarlyError, UnderWay, while_installing
from postlude.ports.executor import Attempt, Ending, Executor, Exit

TIMEOUT_GRACE_S = 5.0
_STARTS = 3
"""How many supervisors are tried for one attempt before it is given up."""

_NO_KFP = (
    "the interpreter {python} has no KFP SDK 2 and the component installs none: "
    "run `pip install kfp` there, or compile with install_kfp_package=True"
)
_NO_PROGRAM = "the task names no command, so its image's own entry point is meant: run it in its container image"
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
    """

    def __init__(self, *, home: Path, python: str = sys.executable, passed_env: Collection[str] = ()) -> None:
        self._home = home.absolute()
        self._python = str(Path(python).absolute())
        self._passed = frozenset(passed_env)
        self._environments = Environments(home=self._home / "environments", variables=os.environ)
        self._supervisors: dict[str, Supervisor] = {}
        self._interpreters: dict[Install, str] = {}
        self._under_way: dict[tuple[str, TaskPath, int], UnderWay] = {}
        self._early: set[tuple[str, TaskPath, int]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def prepare(self) -> None:
        """Start loading the SDK's executor in the background, so that the first component need not wait for it."""
        with suppress(EndedEarlyError):  # the first attempt meets it again, and reports it
            self._supervisor(self._python).preload()

    def run(self, attempt: Attempt) -> Exit:
        """See `ports.executor.Executor.run`."""
        with self._entered(attempt) as under_way:
            component = recognise(attempt.argv)
            try:
                python = self._interpreter(component, attempt, under_way)
                report = self._perform(python, _order(attempt, component, under_way), under_way)
            except EndedEarlyError as early:
                return early.exit
        return exit_of(report, component=component is not None, timeout_s=attempt.timeout_s)

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
            supervisors = list(self._supervisors.values())
        for under_way in list(self._under_way.values()):
            under_way.stopped.set()
        for supervisor in supervisors:
            supervisor.close()

    @contextmanager
    def _entered(self, attempt: Attempt) -> Iterator[UnderWay]:
        limit = float("inf") if attempt.timeout_s is None else attempt.timeout_s
        under_way = UnderWay(deadline=time.monotonic() + limit)
        key = (attempt.run_id, attempt.path, attempt.attempt)
        with self._lock:
            self._under_way[key] = under_way
            if key in self._early:
                under_way.stopped.set()
        try:
            yield under_way
        finally:
            with self._lock:
                del self._under_way[key]
                self._early.discard(key)

    # --- which interpreter ---

    def _interpreter(self, component: PythonComponent | None, attempt: Attempt, under_way: UnderWay) -> str:
        if component is None:
            return self._python
        known = self._interpreters.get(component.install)
        if known is None:
            known = self._find_interpreter(component.install, attempt, under_way)
            self._interpreters[component.install] = known
        return known

    def _find_interpreter(self, install: Install, attempt: Attempt, under_way: UnderWay) -> str:
        try:
            missing, parent = self._missing(install)
            if missing is None:
                return self._python
            return self._environments.python(parent, missing, log=attempt.log, gave_up=under_way.gave_up)
        except CannotBuildError as error:
            raise EndedEarlyError(Ending.NOT_STARTED, str(error)) from error
        except OSError as error:
            raise EndedEarlyError(Ending.NOT_STARTED, f"cannot build an environment: {error}") from error
        except SupervisorLostError as error:
            raise EndedEarlyError(Ending.LOST, f"the supervisor of {self._python} died: {error}") from error
        except GaveUpError:
            raise while_installing(attempt, under_way) from None

    def _missing(self, install: Install) -> tuple[Install | None, Parent]:
        """What an environment for the component must hold, None where the interpreter has it all."""
        supervisor = self._supervisor(self._python)
        here = supervisor.inspect(["kfp"])
        parent = Parent(python=self._python, version=here.python, site=tuple(here.site))
        kfp_here = kfp_serves(here.found)
        if not kfp_here and install.kfp is None:
            raise CannotBuildError(_NO_KFP.format(python=self._python))
        enough = satisfied(_wanted(install), lambda names: supervisor.inspect(names).found, here.python)
        if kfp_here and enough:
            return None, parent
        return (replace(install, kfp=None, kfp_alone=False) if kfp_here else install), parent

    # --- supervisors ---

    def _supervisor(self, python: str) -> Supervisor:
        with self._lock:
            if self._closed:
                raise EndedEarlyError(Ending.TERMINATED, "the executor was closed")
            known = self._supervisors.get(python)
            if known is None or not known.alive:
                known = self._supervisors[python] = self._start_supervisor(python)
            return known

    def _start_supervisor(self, python: str) -> Supervisor:
        env = variables.inherited(os.environ, Path(python), self._passed)
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            return Supervisor(python, env, self._supervisor_log)
        except OSError as error:
            raise EndedEarlyError(Ending.NOT_STARTED, f"cannot start the interpreter {python}: {error}") from error

    @property
    def _supervisor_log(self) -> Path:
        return self._home / "supervisor.log"

    def _perform(self, python: str, order: Run, under_way: UnderWay) -> Ended:
        for _ in range(_STARTS):
            supervisor = self._supervisor(python)
            try:
                with under_way.lock:
                    if under_way.stopped.is_set():
                        raise EndedEarlyError(Ending.TERMINATED, "terminated before it started")
                    reports = supervisor.begin(order)
                    under_way.supervisor = supervisor
            except SupervisorLostError:
                continue
            report = reports.get()
            assert isinstance(report, Ended)  # noqa: S101 - nothing else answers an order to run
            return report
        raise EndedEarlyError(Ending.LOST, _LOST.format(python=python, log=self._supervisor_log))


def _wanted(install: Install) -> list[str]:
    """The requirements to look for; the SDK's own version does not matter, its extras do."""
    kfp = install.kfp or ""
    return [*install.packages, *([kfp] if "[" in kfp else [])]


def _order(attempt: Attempt, component: PythonComponent | None, under_way: UnderWay) -> Run:
    if component is None and (attempt.args_only or not attempt.argv):
        raise EndedEarlyError(Ending.NOT_STARTED, _NO_PROGRAM)
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
    )
