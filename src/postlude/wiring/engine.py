"""The embedded engine, with everything that it runs pipelines with."""

from collections.abc import Callable
from typing import Final

from postlude.core.exchange import bare_path
from postlude.core.run_state import FailurePolicy, Run, StatusWords
from postlude.core.task import Task
from postlude.engines.local.clock import SystemClock
from postlude.engines.local.engine import LocalEngine
from postlude.engines.local.layout import Layout
from postlude.engines.local.machine import detect
from postlude.engines.local.offering import offer
from postlude.engines.local.office import Office
from postlude.engines.local.policy import Policy
from postlude.ports.artifacts import ArtifactStore
from postlude.ports.executor import Executor
from postlude.runtime.attempt import Bench
from postlude.spec.types import Pipeline
from postlude.stores.artifacts.root import read_root
from postlude.stores.home import Home, artifact_names, safe_name
from postlude.stores.store import Store
from postlude.wiring.options import OF_THE_PIPELINE, RunOptions

_MILLI: Final = 1000


def make_engine(
    home: Home, layout: Layout, store: Store, executor: Executor, artifacts: ArtifactStore, options: RunOptions
) -> LocalEngine:
    """The engine over a home's files, a store of what happens and one of artifacts, and an executor."""
    bench = Bench(
        executor=executor,
        artifacts=artifacts,
        clock=SystemClock(),
        cache=store.cache if options.cache else None,
        uncached=_touched(options),
    )
    return LocalEngine(
        bench=bench,
        journal=store.journal,
        catalog=store.catalog,
        layout=layout,
        policy=_policy(home, options),
        office=Office(store.leases, store.mailbox, bench.clock),
    )


def _policy(home: Home, options: RunOptions) -> Policy:
    machine = detect()
    return Policy(
        workers=options.workers or -(-machine.millicpus // _MILLI),
        offer=offer(machine, cpus=str(options.cpus), memory=str(options.memory), gpus=str(options.gpus)),
        failure_policy=FailurePolicy(options.failure_policy),
        status_words=StatusWords(options.status_words),
        grace_s=options.grace_s,
        timeout_s=options.timeout_s,
        exit_timeout_s=options.exit_timeout_s,
        exit_tasks_on_cancel=options.exit_tasks_on_cancel,
        asks_for_nothing=_replaced(options),
        run_url=options.run_url or f"{home.runs.as_uri()}/{{run_id}}",
    )


def _touched(options: RunOptions) -> Callable[[str], bool]:
    """Whether a task has a fault or a stand-in, by its path."""
    replaced = _replaced(options)
    if not options.faults:
        return replaced
    from postlude.runtime.faults import Faults  # noqa: PLC0415 - for those who order faults

    faults = Faults(options.faults)
    return lambda path: faults.touches(path) or replaced(path)


def _replaced(options: RunOptions) -> Callable[[str], bool]:
    """Whether a function takes the place of a task's component, by the task's path."""
    stand_ins = options.stand_ins
    return lambda path: stand_ins is not None and stand_ins.of(path) is not None


def make_layout(home: Home, asked: str | None) -> Layout:
    """Where an engine's files go, in the home and under the pipeline root that is asked for.

    Raises:
        ConfigError: The pipeline root is none that artifacts can be kept under.
    """
    root = None if asked in (None, OF_THE_PIPELINE) else read_root(asked or "")

    def chosen(pipeline: Pipeline) -> str:
        if asked == OF_THE_PIPELINE and pipeline.pipeline_root:
            return read_root(pipeline.pipeline_root)
        return root or ""

    return Layout(
        directory=home.task_directory,
        artifacts=home.artifact_place,
        workspace=home.workspace,
        root=str(home.artifacts),
        chosen_root=chosen,
        below=_below,
    )


def _below(root: str, run: Run, task: Task) -> str:
    """As KFP lays artifacts out: pipeline, run, task, attempt."""
    names = (safe_name(run.pipeline.name), *artifact_names(run.run_id, task.path, task.attempt))
    return "/".join((bare_path(root), *names))
