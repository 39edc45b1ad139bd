"""What runs tasks. The process of the SDK starts here, before the engine is imported."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Executor
from postlude.ports.progress import Progress
from postlude.spec.problem import ConfigError
from postlude.stores.home import Home
from postlude.wiring.options import Containers, RunOptions

if TYPE_CHECKING:
    from postlude.executors.container.engine import Choice


def make_executor(home: Home, options: RunOptions, progress: Progress) -> Executor:
    """An executor that already loads the SDK, unless nothing is going to need it.

    Raises:
        ConfigError: The container engine asked for does not answer.
    """
    containers, offline = options.containers, options.offline or _says_offline(os.environ)
    if containers not in ("auto", "host") and (why := _silence(containers)):
        raise ConfigError(
            f"{containers} does not answer on this machine ({why}): start it, get access to it, "
            "or use --containers auto or host"
        )

    def real() -> Executor:
        process = ProcessExecutor(home=home.root, offline=offline, progress=progress)
        process.prepare()
        return _routed(process, containers, partial(_container, home, progress, pull=not offline))

    return _faulty(_replacing(real, options), options)


def _says_offline(environ: Mapping[str, str]) -> bool:
    return environ.get("POSTLUDE_OFFLINE", "").lower() not in ("", "0", "no", "false")


def _silence(choice: Containers) -> str:
    from postlude.executors.container.engine import (  # noqa: PLC0415 - for those who ask for an engine
        Engine,
        find_engine,
        silence,
    )

    return "" if find_engine(choice) else silence(Engine(choice))


def _routed(process: Executor, containers: Containers, make: "Callable[[Choice], Executor | None]") -> Executor:
    from postlude.executors.routing import RoutingExecutor  # noqa: PLC0415 - the SDK is loaded while this is imported

    if containers == "host":
        return RoutingExecutor(process=process, container=lambda: None, host=True)
    return RoutingExecutor(process=process, container=lambda: make(containers))


def _container(home: Home, progress: Progress, choice: "Choice", *, pull: bool) -> Executor | None:
    from postlude.executors.container.engine import find_engine  # noqa: PLC0415 - for pipelines that run containers
    from postlude.executors.container.executor import ContainerExecutor  # noqa: PLC0415 - as above

    engine = find_engine(choice)
    # Not the whole home: an image must not read the database, or other tasks' directories.
    return None if engine is None else ContainerExecutor(engine, roots=[home.artifacts], pull=pull, progress=progress)


def _replacing(make: Callable[[], Executor], options: RunOptions) -> Executor:
    if not options.stand_ins:
        return make()
    from postlude.testing.replacing_executor import ReplacingExecutor  # noqa: PLC0415 - for tests of pipelines

    return ReplacingExecutor(make, options.stand_ins)


def _faulty(executor: Executor, options: RunOptions) -> Executor:
    if not options.faults:
        return executor
    from postlude.testing.faulty_executor import FaultyExecutor  # noqa: PLC0415 - for those who order faults

    return FaultyExecutor(executor, options.faults)
