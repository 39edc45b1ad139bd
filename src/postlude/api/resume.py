"""Go on with a run whose engine is gone, from Python."""

from pathlib import Path

from postlude.api.driving import driven
from postlude.api.result import Run
from postlude.api.stored import id_of, stored
from postlude.wiring import Containers, RunOptions, open_engine


def resume(  # noqa: PLR0913 - all but one are keyword-only options
    run_id: str,
    *,
    workers: int | None = None,
    cpus: float | str = "",
    memory: int | str = "",
    gpus: int | str = "",
    cache: bool = True,
    containers: Containers = "auto",
    offline: bool = False,
    grace_s: float = 10.0,
    exit_tasks_on_cancel: bool = True,
    home: str | Path | None = None,
) -> Run:
    """Go on with a run whose engine is gone, to its end.

    Tasks that ended stay as they are, attempts that were under way are lost and made again. A final run is given as it
    is. The options are of this engine: those that the run was begun with are not remembered.

    Args:
        run_id: The run's id or the beginning of one; "" for the newest run.
        workers: Tasks at a time; None for as many as there are cores.
        cpus: Processors for tasks that ask for some, as for `run`.
        memory: Memory, likewise.
        gpus: Accelerators, likewise.
        cache: Whether outputs of earlier runs may be reused.
        containers: "auto", "docker", "podman" or "host", as for `run`.
        offline: Whether no package may be fetched and no image pulled.
        grace_s: Seconds between SIGTERM and SIGKILL when a task is stopped.
        exit_tasks_on_cancel: Whether exit tasks run when the run is canceled.
        home: Where the run is kept; None for POSTLUDE_HOME, else the user's data directory.

    Raises:
        ConfigError: There is no such run, or this machine cannot serve it as asked.
        StoreError: The engine of the run lives, or the database could not take a step.
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
        exit_tasks_on_cancel=exit_tasks_on_cancel,
    )
    with stored(options.home) as store:
        found = id_of(store, run_id)
    with open_engine(options) as engine:
        return driven(engine, options.home, lambda engine: engine.resume(found))
