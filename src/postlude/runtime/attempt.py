"""One attempt of one task: look for cached outputs, stage, run, collect.

The shell's side of `core.exchange`. Whatever goes wrong here is a failed attempt, never an exception (R11).
"""

import os
import shutil
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from postlude.core.exchange import Places, Program, is_local, local_path, program
from postlude.core.fingerprint import fingerprint
from postlude.core.instant import rfc3339
from postlude.core.run_state import Run
from postlude.core.task import Code, Event, Failed, Outputs, Succeeded, Task, TaskError
from postlude.ports.artifacts import ArtifactStore, TransferError, UnsupportedUriError
from postlude.ports.clock import Clock
from postlude.ports.executor import Attempt, Ending, Executor, Exit
from postlude.ports.journal import Cache, StoreError
from postlude.runtime.checkpoint import Point, reached
from postlude.runtime.collecting import Desk, collect
from postlude.runtime.importing import import_artifact
from postlude.runtime.staging import stage
from postlude.spec.types import Container, Importer

LOG_NAME: Final = "log.txt"


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt is performed with.

    Attributes:
        cache: None where nothing is to be reused.
        uncached: Whether nothing is to be reused for the task at a path.
    """

    executor: Executor
    artifacts: ArtifactStore
    clock: Clock
    cache: Cache | None = None
    uncached: Callable[[str], bool] = lambda _path: False


def perform_attempt(bench: Bench, run: Run, task: Task, *, directory: Path, artifacts: str) -> Event:
    """Run one attempt of a leaf task to its end.

    Args:
        bench: What to do it with.
        run: The run when the attempt was asked for.
        task: The task, with its inputs resolved.
        directory: The attempt's private directory; made here.
        artifacts: Where its output artifacts go: an absolute path or a URL prefix.

    Returns:
        How it ended, as an event.
    """
    try:
        result = _outcome(bench, run, task, directory, artifacts)
    except Exception as fault:  # noqa: BLE001 - a defect of ours must not skip exit tasks (R11)
        result = defect(fault)
    at = bench.clock.now()
    if isinstance(result, TaskError):
        return Failed(path=task.path, attempt=task.attempt, at=at, error=result)
    outputs, cached = result
    return Succeeded(path=task.path, attempt=task.attempt, at=at, outputs=outputs, cached=cached)


def log_path(directory: Path) -> Path:
    """The log file of the attempt with this directory."""
    return directory / LOG_NAME


def defect(fault: Exception) -> TaskError:
    """The error of an attempt that failed for a fault of ours, or of this machine's."""
    where = traceback.extract_tb(fault.__traceback__)[-1]
    text = f"{type(fault).__name__}: {fault} ({Path(where.filename).name}:{where.lineno})"
    if isinstance(fault, OSError):
        return TaskError(code=Code.UNAVAILABLE, message=f"the attempt's files cannot be used: {text}")
    return TaskError(code=Code.INTERNAL, message=f"a defect of the engine: {text}")


def _outcome(bench: Bench, run: Run, task: Task, directory: Path, artifacts: str) -> tuple[Outputs, bool] | TaskError:
    executor = run.pipeline.executors[task.component.executor]
    if isinstance(executor, Importer):
        return import_artifact(run, task, executor, artifacts=bench.artifacts, cache=bench.cache)
    key = None if bench.cache is None or bench.uncached(task.path) else fingerprint(run, task)
    kept = _cached(bench, key)
    if kept is not None:
        return kept, True
    result = _run(bench, run, task, executor, directory, artifacts)
    if isinstance(result, TaskError):
        return result
    reached(Point.COLLECTED)
    if key is not None and bench.cache is not None:
        stored = msgspec.to_builtins(result)
        with suppress(StoreError):  # the task has succeeded, and next time it runs again
            bench.cache.keep(key, stored, run_id=run.run_id, path=task.path, at=bench.clock.now())
        reached(Point.CACHED)
    return result, False


def _cached(bench: Bench, key: str | None) -> Outputs | None:
    """The outputs kept under the key, if their artifacts are what they were; what cannot be read was never kept."""
    try:
        stored = None if key is None or bench.cache is None else bench.cache.find(key)
        outputs = None if stored is None else msgspec.convert(stored, Outputs)
    except (StoreError, msgspec.ValidationError):
        return None
    if outputs is None:
        return None
    kept = [artifact for given in outputs.artifacts.values() for artifact in given if artifact.digest]
    try:
        as_they_were = all(bench.artifacts.digest(artifact.uri) == artifact.digest for artifact in kept)
    except (TransferError, UnsupportedUriError):  # the task runs again, and says itself what is wrong
        return None
    return outputs if as_they_were else None


# --- running ----------------------------------------------------------------------------------------------------------


def _run(
    bench: Bench, run: Run, task: Task, container: Container, directory: Path, artifacts: str
) -> Outputs | TaskError:
    places = Places(outputs=f"{directory}/outputs", artifacts=artifacts, mounts=f"{directory}/mounts")
    prepared = program(run, task, container, places)
    _make_room(task, str(directory), places)
    staged = stage(task, bench.artifacts, directory / "mounts")
    if staged.error is not None:
        return staged.error
    _note(directory, staged.notes, bench.clock.now())
    reached(Point.STAGED)
    ended = bench.executor.run(_attempt(run, task, prepared, directory))
    reached(Point.EXITED)
    error = error_of(ended)
    if error is not None:
        return error
    collected = collect(task, prepared, bench.artifacts, Desk(directory=directory, places=places))
    if isinstance(collected, Outputs) and os.path.lexists(places.mounts):
        shutil.rmtree(places.mounts, ignore_errors=True)  # what was staged is kept elsewhere; else it would be for good
    return collected


def _make_room(task: Task, directory: str, places: Places) -> None:
    """Make the directories that the task's outputs need: to make one can cost more than all else an attempt does."""
    _make_empty(directory)
    os.mkdir(places.outputs)  # noqa: PTH102 - of every attempt: a path object costs more than the call
    if task.component.outputs.artifacts or not is_local(places.artifacts):
        _make_empty(local_path(places.artifacts, places.mounts))


def _make_empty(directory: str) -> None:
    """Make a directory; what is there is removed: a power cut may have taken the record of an attempt like this one."""
    try:
        os.mkdir(directory)  # noqa: PTH102 - of every attempt: a path object costs more than the call
    except FileNotFoundError:
        os.makedirs(directory)  # noqa: PTH103 - likewise
    except FileExistsError:
        shutil.rmtree(directory)
        os.mkdir(directory)  # noqa: PTH102 - likewise


def _note(directory: Path, notes: Sequence[str], at: float) -> None:
    """Tell the task's log what its program may miss."""
    if notes:
        with log_path(directory).open("a", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{rfc3339(at)} stderr F postlude: {note}\n" for note in notes)


def _attempt(run: Run, task: Task, prepared: Program, directory: Path) -> Attempt:
    return Attempt(
        run_id=run.run_id,
        path=task.path,
        attempt=task.attempt,
        image=prepared.image,
        argv=prepared.argv,
        args_only=prepared.args_only,
        executor_input=prepared.executor_input,
        directory=directory,
        log=log_path(directory),
        env=prepared.env,
        resources=prepared.resources,
        platform=prepared.platform,
        timeout_s=prepared.timeout_s,
        workspace=Path(run.settings.workspace) if run.settings.workspace else None,
    )


_CODES: Final[Mapping[Ending, Code]] = {
    Ending.EXITED: Code.UNKNOWN,
    Ending.TIMED_OUT: Code.DEADLINE_EXCEEDED,
    Ending.TERMINATED: Code.CANCELLED,
    Ending.NOT_STARTED: Code.UNAVAILABLE,
    Ending.REFUSED: Code.INVALID_ARGUMENT,
    Ending.LOST: Code.UNAVAILABLE,
}


def error_of(ended: Exit) -> TaskError | None:
    """The error of an attempt that ended like this (R4); None where it ended well."""
    if ended.ending is Ending.EXITED and ended.code == 0 and not ended.oom:
        return None
    code = _CODES[ended.ending]
    if ended.oom or (ended.ending is Ending.EXITED and ended.code == -signal.SIGKILL):
        code = Code.RESOURCE_EXHAUSTED
    return TaskError(
        code=code, message=ended.message or f"the attempt ended: {ended.ending.value}", exit_code=ended.code
    )
