"""Which interpreter runs an attempt."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from postlude.executors.process.environments import Environment, Environments, Patience
from postlude.executors.process.installer import CannotBuildError, Parent
from postlude.executors.process.link import SupervisorLostError
from postlude.executors.process.locks import GaveUpError
from postlude.executors.process.pip_install import Install
from postlude.executors.process.recognise import PythonComponent
from postlude.executors.process.requirements import is_named, kfp_serves, satisfied
from postlude.executors.process.supervisors import Supervisors
from postlude.executors.process.under_way import EndedEarlyError, UnderWay, while_installing
from postlude.ports.executor import Attempt, Ending
from postlude.ports.progress import Progress

_NO_KFP: Final = (
    "the interpreter {python} has no KFP SDK 2 and the component installs none: "
    "run `pip install kfp` there, or compile with install_kfp_package=True"
)


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment must hold, None where the interpreter itself has it all."""

    parent: Parent
    missing: Install | None


class Interpreters:
    """The engine's own interpreter, and the environments that stand on it.

    Args:
        python: The interpreter.
        home: Where the environments are.
        supervisors: Who can be asked what an interpreter has.
        progress: Hears what is installed.
        offline: Whether nothing may be fetched.
    """

    def __init__(
        self, python: str, *, home: Path, supervisors: Supervisors, progress: Progress, offline: bool = False
    ) -> None:
        self._own = Environment(python=python)
        self._environments = Environments(home=home, variables=os.environ, offline=offline)
        self._supervisors, self._progress = supervisors, progress
        self._plans: dict[Install, _Plan] = {}

    def ready(self, component: PythonComponent | None) -> Environment | None:
        """The interpreter for a component that is known to need no other than our own; None where `of` has to look."""
        plan = None if component is None else self._plans.get(component.install)
        return self._own if component is None or (plan is not None and plan.missing is None) else None

    @contextmanager
    def of(self, component: PythonComponent | None, attempt: Attempt, under_way: UnderWay) -> Iterator[Environment]:
        """The interpreter for an attempt, with all its component asks for; it is there until the end of the block.

        Raises:
            EndedEarlyError: There is none, or the attempt ended before.
        """
        with ExitStack() as stack:
            yield self._own if component is None else self._entered(stack, component.install, attempt, under_way)

    def _entered(self, stack: ExitStack, install: Install, attempt: Attempt, under_way: UnderWay) -> Environment:
        tell = partial(self._progress, attempt)
        try:
            plan = self._plan(install)
            if plan.missing is None:
                return self._own
            waiting = Patience(log=attempt.log, gave_up=under_way.gave_up, tell=tell)
            return stack.enter_context(self._environments.used(plan.parent, plan.missing, waiting))
        except CannotBuildError as error:
            raise EndedEarlyError(Ending.NOT_STARTED, str(error)) from error
        except OSError as error:
            raise EndedEarlyError(Ending.NOT_STARTED, f"cannot build an environment: {error}") from error
        except SupervisorLostError as error:
            raise EndedEarlyError(Ending.LOST, f"the supervisor of {self._own.python} died: {error}") from error
        except GaveUpError:
            raise while_installing(attempt, under_way) from None

    def _plan(self, install: Install) -> _Plan:
        known = self._plans.get(install)
        if known is None:
            known = self._plans[install] = self._made(install)
        return known

    def _made(self, install: Install) -> _Plan:
        with self._supervisors.use(self._own) as supervisor:
            here = supervisor.inspect(["kfp"])
            parent = Parent(python=self._own.python, version=here.python, site=tuple(here.site))
            kfp_here = kfp_serves(here.found) and is_named(install.kfp)
            if not kfp_here and install.kfp is None and all(map(is_named, install.packages)):
                raise CannotBuildError(_NO_KFP.format(python=self._own.python))
            enough = satisfied(_looked_for(install), lambda names: supervisor.inspect(names).found, here.python)
        if kfp_here and enough:
            return _Plan(parent=parent, missing=None)
        return _Plan(parent=parent, missing=replace(install, kfp=None, kfp_alone=False) if kfp_here else install)


def _looked_for(install: Install) -> list[str]:
    """The requirements to look for; the SDK's own version does not matter, its extras do."""
    kfp = install.kfp or ""
    return [*install.packages, *([kfp] if "[" in kfp else [])]
