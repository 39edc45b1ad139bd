"""Puts the parts together: the only place that names concrete classes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from postlude.core.run_state import FailurePolicy, StatusWords
from postlude.engines.local.clock import SystemClock
from postlude.engines.local.engine import Layout, LocalEngine, Policy
from postlude.engines.local.office import Office
from postlude.executors.container.engine import Choice, find_engine
from postlude.executors.container.executor import ContainerExecutor
from postlude.executors.process.executor import ProcessExecutor
from postlude.executors.routing import RoutingExecutor
from postlude.ports.executor import Executor
from postlude.ports.journal import Catalog
from postlude.runtime.attempt import Bench
from postlude.runtime.lease import Tenancy
from postlude.spec.problem import ConfigError
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.home import Home, database_url, open_home
from postlude.stores.sql.store import open_store
from postlude.stores.store import Store

Containers = Literal["auto", "docker", "podman", "host"]

_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "failure_policy": [each.value for each in FailurePolicy],
    "status_words": [each.value for each in StatusWords],
    "containers": get_args(Containers),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How pipelines are run on this machine.

    Attributes:
        home: Where runs are kept; None for POSTLUDE_HOME, else the user's data directory.
        workers: Tasks at a time; None for as many as there are cores.
        cache: Whether outputs of earlier runs may be reused.
        failure_policy: "slow": a failure stops what depends on it; "fast": nothing new starts in its group.
        status_words: "kfp": exit tasks read COMPLETE and CANCELED; "sdk": SUCCEEDED and CANCELLED.
        containers: What runs container components; "host" runs their command as a local process.
        grace_s: Seconds between SIGTERM and SIGKILL when a task is stopped.
        timeout_s: Seconds that a run may take, exit tasks aside; None for the pipeline's own limit.
        exit_timeout_s: Seconds that each exit task may take; None for no limit but its own.
        exit_tasks_on_cancel: Whether exit tasks run when the run is canceled.
        run_url: Where people look at a run, with {run_id} for its id; "" for the run's directory.

    Raises:
        ConfigError: A value is none of these.
    """

    home: Path | None = None
    workers: int | None = None
    cache: bool = True
    failure_policy: str = "slow"
    status_words: str = "kfp"
    containers: Containers = "auto"
    grace_s: float = 10.0
    timeout_s: float | None = None
    exit_timeout_s: float | None = None
    exit_tasks_on_cancel: bool = True
    run_url: str = ""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"workers: is {self.workers}. Give 1 or more, or None for as many as there are cores.")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name}: is {getattr(self, name)!r}. Choose one of: {', '.join(choices)}.")


_DEFAULTS: Final = RunOptions()


@contextmanager
def open_engine(options: RunOptions = _DEFAULTS) -> Iterator[LocalEngine]:
    """The embedded engine over the home's database and files; leaving it kills what still runs.

    Raises:
        ConfigError: The home or the database cannot be used, or the container engine asked for does not answer.
    """
    home = open_home(options.home)
    with ExitStack() as stack:
        store = open_store(database_url(home, os.environ))
        stack.callback(store.close)
        yield stack.enter_context(_engine(home, store, options))


def open_stored(home: Path | None = None) -> Store:
    """Everything that is stored in a home, for commands that look into it or clean it up.

    Raises:
        ConfigError: The home or the database cannot be used.
    """
    return open_store(database_url(open_home(home), os.environ))


def tenancy(store: Store) -> Tenancy:
    """Who drives which run, as this process sees it."""
    return Tenancy(store.leases, SystemClock())


def open_catalog(home: Path | None = None) -> Catalog:
    """The runs of a home, to read.

    Raises:
        ConfigError: The home or the database cannot be used.
    """
    return open_stored(home).catalog


def _engine(home: Home, store: Store, options: RunOptions) -> LocalEngine:
    bench = Bench(
        executor=_executor(home, options.containers),
        artifacts=LocalArtifacts(),
        clock=SystemClock(),
        cache=store.cache if options.cache else None,
    )
    policy = Policy(
        workers=options.workers or os.cpu_count() or 1,
        failure_policy=FailurePolicy(options.failure_policy),
        status_words=StatusWords(options.status_words),
        grace_s=options.grace_s,
        timeout_s=options.timeout_s,
        exit_timeout_s=options.exit_timeout_s,
        exit_tasks_on_cancel=options.exit_tasks_on_cancel,
        run_url=options.run_url or f"{home.runs.as_uri()}/{{run_id}}",
    )
    return LocalEngine(
        bench=bench,
        journal=store.journal,
        catalog=store.catalog,
        layout=_layout(home),
        policy=policy,
        office=Office(store.leases, store.mailbox, bench.clock),
    )


def _layout(home: Home) -> Layout:
    return Layout(
        directory=home.task_directory,
        artifacts=lambda run_id, path, attempt: str(home.artifact_directory(run_id, path, attempt)),
        workspace=home.workspace,
        root=str(home.artifacts),
    )


def _executor(home: Home, containers: Containers) -> Executor:
    if containers not in ("auto", "host") and find_engine(containers) is None:
        raise ConfigError(f"{containers} does not answer on this machine: start it, or use --containers auto or host")
    process = ProcessExecutor(home=home.root)
    process.prepare()
    if containers == "host":
        return RoutingExecutor(process=process, container=lambda: None, host=True)
    return RoutingExecutor(process=process, container=lambda: _containers(home, containers))


def _containers(home: Home, choice: Choice) -> Executor | None:
    engine = find_engine(choice)
    # Not the whole home: an image must not write the database, or programs that run outside of it.
    return None if engine is None else ContainerExecutor(engine, roots=[home.artifacts])
