"""Go on with a final run, from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from postlude.api.driving import driven
from postlude.api.result import Run
from postlude.api.retrial import RetryRequest, carry_out, plan_retry
from postlude.api.stored import stored
from postlude.wiring import Containers, RunOptions, open_engine


def retry(  # noqa: PLR0913 - all but one are keyword-only options
    run_id: str,
    *,
    tasks: str | Sequence[str] = (),
    source: Any = None,
    pipeline: str | None = None,
    workers: int | None = None,
    cpus: float | str = "",
    memory: int | str = "",
    gpus: int | str = "",
    cache: bool = True,
    containers: Containers = "auto",
    offline: bool = False,
    grace_s: float = 10.0,
    timeout_s: float | None = None,
    exit_tasks_on_cancel: bool = True,
    home: str | Path | None = None,
) -> Run:
    """Go on with a run that is final, to its end.

    What failed, was not started or was canceled runs again, what succeeded is kept, and exit tasks hear the new status.
    The options are of this engine: those that the run was begun with are not remembered.

    Args:
        run_id: The run's id or the beginning of one; "" for the newest run.
        tasks: Tasks to run again too, with all that follows them, as `--from`: paths, or their ends where only one task
            has it.
        source: What holds the pipeline to go on with in the place of the run's own, as `--with`: whatever `run` takes.
            Tasks that are new or differ there run too. None for the run's own pipeline.
        pipeline: Which pipeline of a .py file; None where there is one.
        workers: Tasks at a time; None for as many as there are cores.
        cpus: Processors for tasks that ask for some, as for `run`.
        memory: Memory, likewise.
        gpus: Accelerators, likewise.
        cache: Whether outputs of earlier runs may be reused.
        containers: "auto", "docker", "podman" or "host", as for `run`.
        offline: Whether no package may be fetched and no image pulled.
        grace_s: Seconds between SIGTERM and SIGKILL when a task is stopped.
        timeout_s: Seconds that the run may take from now on, exit tasks aside; None for no limit.
        exit_tasks_on_cancel: Whether exit tasks run when the run is canceled.
        home: Where the run is kept; None for POSTLUDE_HOME, else the user's data directory.

    Raises:
        SpecError: The pipeline of `source` is wrong, or the run's parameters do not fit it; nothing was run.
        ConfigError: There is no such run, it is not final, there is nothing to retry, or this machine cannot serve it
            as asked; nothing was run.
        StoreError: Another engine was faster, or the database could not take a step.
        KeyboardInterrupt: As for `run`.
    """
    options = RunOptions(
        home=None if home is None else Path(home),
        workers=workers,
        cpus=cpus,
        memory=memory,
        gpus=gpus,
        cache=cache,
        containers=containers,
        offline=offline,
        grace_s=grace_s,
        timeout_s=timeout_s,
        exit_tasks_on_cancel=exit_tasks_on_cancel,
    )
    chosen = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    request = RetryRequest(run=run_id, tasks=chosen, successor=source, pipeline=pipeline)
    with stored(options.home) as store:
        plan = plan_retry(store, request, home=options.home)
    with open_engine(options) as engine:
        return driven(engine, options.home, lambda engine: carry_out(engine, plan, timeout_s=timeout_s))
