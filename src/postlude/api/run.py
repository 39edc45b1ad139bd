"""Run a pipeline from Python: in scripts, notebooks and tests."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from postlude.api.driving import driven
from postlude.api.result import Run
from postlude.api.source import load_source
from postlude.runtime.faults import INJECTED, Fault, check_faults, fates_of, without_effect
from postlude.spec.arguments import check_arguments
from postlude.spec.types import Json, Pipeline
from postlude.wiring import Containers, RunOptions, starting_engine


def run(  # noqa: PLR0913 - all but two are keyword-only options
    source: Any,
    arguments: Mapping[str, Json] | None = None,
    *,
    pipeline: str | None = None,
    name: str = "",
    workers: int | None = None,
    cpus: float | str = "",
    memory: int | str = "",
    gpus: int | str = "",
    cache: bool = True,
    failure_policy: str = "slow",
    status_words: str = "kfp",
    containers: Containers = "auto",
    offline: bool = False,
    home: str | Path | None = None,
    pipeline_root: str | None = None,
    faults: Sequence[Fault] = (),
    run_url: str = "",
    grace_s: float = 10.0,
    timeout_s: float | None = None,
    exit_timeout_s: float | None = None,
    exit_tasks_on_cancel: bool = True,
) -> Run:
    """Run a pipeline on this machine, to its end.

    Args:
        source: A pipeline function, a path (.py, .yaml, .json, .zip, .tar.gz), or the IR as a dict.
        arguments: The pipeline's input parameters.
        pipeline: Which pipeline of a .py file; None where there is one.
        name: What to call the run.
        workers: Tasks at a time; None for as many as there are cores.
        cpus: Processors for tasks that ask for some, see `RunOptions`; "" for what this machine has.
        memory: Memory, likewise.
        gpus: Accelerators, likewise.
        cache: Whether outputs of earlier runs may be reused.
        failure_policy: "slow" or "fast", see `RunOptions`.
        status_words: "kfp" or "sdk", see `RunOptions`.
        containers: "auto", "docker", "podman" or "host", see `RunOptions`.
        offline: Whether no package may be fetched and no image pulled.
        home: Where runs are kept; None for POSTLUDE_HOME, else the user's data directory.
        pipeline_root: Where artifacts go, see `RunOptions`; None for the home.
        faults: What goes wrong on purpose: `postlude.Fault.fail`, `.kill` and `.delay`. One that never happened gives a
            warning.
        run_url: Where people look at the run, with {run_id} for its id; "" for the run's directory.
        grace_s: Seconds between SIGTERM and SIGKILL when a task is stopped.
        timeout_s: Seconds that the run may take, exit tasks aside; None for the pipeline's own limit.
        exit_timeout_s: Seconds that each exit task may take; None for no limit but its own.
        exit_tasks_on_cancel: Whether exit tasks run when the run is canceled.

    Returns:
        The finished run. A failed run is a value too: see `Run.raise_for_state`.

    Raises:
        SpecError: The pipeline or its arguments are wrong; nothing was run.
        ConfigError: This machine cannot serve the run as asked.
        StoreError: The database could not take a step; what was stored can be gone on with, see `resume`.
        KeyboardInterrupt: Ctrl-C was pressed, or the notebook interrupted. The run was canceled, and its exit tasks ran
            unless it was pressed again.
    """
    options = RunOptions(
        home=None if home is None else Path(home),
        workers=workers,
        cpus=cpus,
        memory=memory,
        gpus=gpus,
        cache=cache,
        failure_policy=failure_policy,
        status_words=status_words,
        containers=containers,
        pipeline_root=pipeline_root,
        offline=offline,
        faults=tuple(faults),
        run_url=run_url,
        grace_s=grace_s,
        timeout_s=timeout_s,
        exit_timeout_s=exit_timeout_s,
        exit_tasks_on_cancel=exit_tasks_on_cancel,
    )
    finished = drive(lambda: load_source(source, pipeline=pipeline, home=options.home), arguments or {}, options, name)
    for sentence in without_effect(faults, fates_of(finished.document)):
        warnings.warn(sentence, stacklevel=2)
    return finished


def drive(load: Callable[[], Pipeline], arguments: Mapping[str, Json], options: RunOptions, name: str) -> Run:
    """Run a pipeline to its end; it is loaded while the engine's executor loads the SDK.

    Raises:
        SpecError, ConfigError, StoreError, KeyboardInterrupt: As for `run`.
    """
    with starting_engine(options) as start:
        pipeline = load()
        given = check_arguments(pipeline, arguments)
        check_faults(pipeline, options.faults, allowed=INJECTED)
        return driven(start(), options.home, lambda engine: engine.run(pipeline, given, name=name))
