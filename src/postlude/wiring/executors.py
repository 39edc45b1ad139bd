"""What runs tasks. The process of the SDK starts here, before the engine is imported."""

import os
from collections.abc import Callable, Mapping
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
    if containers not in ("auto", "host") and not _answers(containers):
        raise ConfigError(f"{containers} does not answer on this machine: start it, or use --containers auto or host")

    def real() -> Executor:
        process = ProcessExecutor(home=home.root, offline=offline, progress=progress)
        process.prepare()
        return _routed(home, process, containers, pull=not offline)

    return _faulty(_replacing(real, options), options)


def _says_offline(environ: Mapping[str, str]) -> bool:
    return environ.get("POSTLUDE_OFFLINE", "").lower() not in ("", "0", "no", "false")


def _answers(choice: Containers) -> bool:
    from postlude.executors.container.engine import find_engine  # noqa: PLC0415 - for those who ask for an engine

    return find_engine(choice) is not None


def _routed(home: Home, process: Executor, containers: Containers, *, pull: bool) -> Executor:
    from postlude.executors.routing import RoutingExecutor  # noqa: PLC0415 - the SDK is loaded while this is imported

    if containers == "host":
        return RoutingExecutor(process=process, container=lambda: None, host=True)
    return RoutingExecutor(process=process, container=lambda: _container(home, containers, pull=pull))


def _container(home: Home, choice: "Choice", *, pull: bool) -> Executor | None:
    from postlude.executors.container.engine import find_engine  # noqa: PLC0415 - for pipelines that run containers
    from postlude.executors.container.executor import ContainerExecutor  # noqa: PLC0415 - as above

    engine = find_engine(choice)
    # Not the whole home: an image must not read the database, or other tasks' directories.
    return None if engine is None else ContainerExecutor(engine, roots=[home.artifacts], pull=pull)


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
