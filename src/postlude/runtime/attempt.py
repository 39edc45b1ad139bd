"""One attempt of one task: look for cached outputs, stage, run, collect.

The shell's side of `core.exchange`. Whatever goes wrong here is a failed attempt, never an exception (R11).

An attempt has two halves, before and after its program, so that nobody has to wait while that runs. Most halves are
done in a fraction of a millisecond; those that move bytes, which `moves_bytes` tells apart, may take hours.
"""

import os
import shutil
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
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
from postlude.ports.stop import NEVER, Stop, StoppedError
from postlude.runtime.checkpoint import Point, reached
from postlude.runtime.collecting import Desk, collect
from postlude.runtime.importing import import_artifact
from postlude.runtime.staging import has_remote_inputs, stage
from postlude.spec.types import Importer

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


class Berth(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt has of this machine.

    Attributes:
        directory: Its private directory, which `prepare` makes.
        artifacts: Where its output artifacts go: an absolute path or a URL prefix.
        devices: The accelerators that nobody else has meanwhile.
        stop: Asked when the attempt is to end: no more bytes are moved then, and it ends as one that was terminated.
            One whose outputs are all kept by then has succeeded.
    """

    directory: Path
    artifacts: str
    devices: tuple[str, ...] = ()
    stop: Stop = NEVER


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt whose program can be run.

    Attributes:
        attempt: What the executor needs.
        program: The program, with nothing left to resolve.
        places: Where it reads and writes.
        key: Under which its outputs are cached; None where they are not.
        stop: As in its `Berth`.
    """

    attempt: Attempt
    program: Program
    places: Places
    key: str | None
    stop: Stop


def moves_bytes(run: Run, task: Task) -> bool:
    """Whether an attempt of a leaf task has artifacts to look for, fetch, hash or send."""
    executor = run.pipeline.executors.get(task.component.executor)
    return isinstance(executor, Importer) or bool(task.component.outputs.artifacts) or has_remote_inputs(task)


def perform_attempt(bench: Bench, run: Run, task: Task, berth: Berth) -> Event:
    """Run one attempt of a leaf task to its end, and wait for that. The arguments are those of `prepare`.

    Returns:
        How it ended, as an event.
    """
    prepared = prepare(bench, run, task, berth)
    if not isinstance(prepared, Prepared):
        return prepared
    return conclude(bench, run, task, prepared, began(bench, prepared))


def prepare(bench: Bench, run: Run, task: Task, berth: Berth) -> Prepared | Event:
    """Get an attempt of a leaf task ready.

    Args:
        bench: What to do it with.
        run: The run when the attempt was asked for.
        task: The task, with its inputs resolved.
        berth: What the attempt has of this machine.

    Returns:
        What to run, or how the attempt has ended already: it was cached, it imports something, it cannot run.
    """
    try:
        prepared = _prepared(bench, run, task, berth)
    except StoppedError:
        prepared = _STOPPED
    except Exception as fault:  # noqa: BLE001 - a defect of ours must not skip exit tasks (R11)
        prepared = defect(fault)
    return prepared if isinstance(prepared, Prepared) else _end(bench, task, prepared)


def began(bench: Bench, prepared: Prepared) -> Future[Exit]:
    """Have the executor begin what was prepared; a defect of its is in the future, too."""
    try:
        return bench.executor.begin(prepared.attempt)
    except Exception as fault:  # noqa: BLE001 - as above
        ended: Future[Exit] = Future()
        ended.set_exception(fault)
        return ended


def conclude(bench: Bench, run: Run, task: Task, prepared: Prepared, ended: Future[Exit]) -> Event:
    """Collect what an attempt left, once its program has ended.

    Args:
        bench: What to do it with.
        run: As it was given to `prepare`.
        task: Likewise.
        prepared: What that gave.
        ended: How the program ended; waited for here if it has not.

    Returns:
        How the attempt ended, as an event.
    """
    try:
        result = _concluded(bench, run, task, prepared, ended.result())
    except StoppedError:
        result = _STOPPED
    except Exception as fault:  # noqa: BLE001 - as above
        result = defect(fault)
    return _end(bench, task, result)


_Result = tuple[Outputs, bool] | TaskError
"""The outputs and whether they were cached, or what went wrong."""

_STOPPED: Final = TaskError(code=Code.CANCELLED, message="terminated while its artifacts were moved or hashed")


def _end(bench: Bench, task: Task, result: _Result) -> Event:
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


def _prepared(bench: Bench, run: Run, task: Task, berth: Berth) -> Prepared | _Result:
    executor = run.pipeline.executors[task.component.executor]
    if isinstance(executor, Importer):
        return import_artifact(run, task, executor, artifacts=bench.artifacts, cache=bench.cache, stop=berth.stop)
    key = None if bench.cache is None or bench.uncached(task.path) else fingerprint(run, task)
    kept = _cached(bench, key, berth.stop)
    if kept is not None:
        return kept, True
    directory = str(berth.directory)
    places = Places(outputs=f"{directory}/outputs", artifacts=berth.artifacts, mounts=f"{directory}/mounts")
    prepared = program(run, task, executor, places)
    _make_room(task, directory, places)
    staged = stage(task, bench.artifacts, places.mounts, berth.stop)
    if staged.error is not None:
        return staged.error
    if staged.notes:
        _note(berth.directory, staged.notes, bench.clock.now())
    reached(Point.STAGED)
    attempt = _attempt(run, task, prepared, berth)
    return Prepared(attempt=attempt, program=prepared, places=places, key=key, stop=berth.stop)


def _concluded(bench: Bench, run: Run, task: Task, prepared: Prepared, ended: Exit) -> _Result:
    reached(Point.EXITED)
    error = error_of(ended)
    if error is not None:
        return error
    desk = Desk(directory=prepared.attempt.directory, places=prepared.places, stop=prepared.stop)
    collected = collect(task, prepared.program, bench.artifacts, desk)
    if isinstance(collected, TaskError):
        return collected
    if os.path.lexists(prepared.places.mounts):
        shutil.rmtree(prepared.places.mounts, ignore_errors=True)  # what was staged is kept elsewhere
    reached(Point.COLLECTED)
    if prepared.key is not None and bench.cache is not None:
        stored = msgspec.to_builtins(collected)
        with suppress(StoreError):  # the task has succeeded, and next time it runs again
            bench.cache.keep(prepared.key, stored, run_id=run.run_id, path=task.path, at=bench.clock.now())
        reached(Point.CACHED)
    return collected, False


def _cached(bench: Bench, key: str | None, stop: Stop) -> Outputs | None:
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
        as_they_were = all(bench.artifacts.digest(one.uri, stop=stop) == one.digest for one in kept)
    except (TransferError, UnsupportedUriError):  # the task runs again, and says itself what is wrong
        return None
    return outputs if as_they_were else None


# --- running ----------------------------------------------------------------------------------------------------------


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
    with log_path(directory).open("a", encoding="utf-8", errors="replace") as file:
        file.writelines(f"{rfc3339(at)} stderr F postlude: {note}\n" for note in notes)


def _attempt(run: Run, task: Task, prepared: Program, berth: Berth) -> Attempt:
    return Attempt(
        run_id=run.run_id,
        path=task.path,
        attempt=task.attempt,
        image=prepared.image,
        argv=prepared.argv,
        args_only=prepared.args_only,
        executor_input=prepared.executor_input,
        directory=berth.directory,
        log=log_path(berth.directory),
        env=prepared.env,
        resources=prepared.resources,
        platform=prepared.platform,
        timeout_s=prepared.timeout_s,
        workspace=Path(run.settings.workspace) if run.settings.workspace else None,
        devices=berth.devices,
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
