"""Brings a task's input artifacts to this machine before it starts."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from postlude.core.exchange import is_local, local_path
from postlude.core.task import Artifact, Code, Task, TaskError
from postlude.ports.artifacts import ArtifactStore, TransferError, UnsupportedUriError
from postlude.ports.stop import NEVER, Stop

INPUTS_AT_ONCE: Final = 8
_FAULTS: Final[Mapping[type[Exception], Code]] = {
    FileNotFoundError: Code.NOT_FOUND,
    UnsupportedUriError: Code.INVALID_ARGUMENT,
    TransferError: Code.UNAVAILABLE,
}


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a task's inputs.

    Attributes:
        error: Why the task cannot start; None where it can.
        notes: What is not there that need not be, a line each.
    """

    error: TaskError | None = None
    notes: tuple[str, ...] = ()


def has_remote_inputs(task: Task) -> bool:
    """Whether an input artifact of the task is not on this machine."""
    return bool(_remote_inputs(task))


def stage(task: Task, store: ArtifactStore, mounts: str, stop: Stop = NEVER) -> Staged:
    """Put the input artifacts that are not on this machine where the program will look for them, all at once.

    An artifact that is known to have bytes must come. Others, such as one that only carries metadata or names a place
    that a component chose, come if they can.

    Raises:
        StoppedError: Nobody wants them any more.
    """
    wanted = _remote_inputs(task)
    if not wanted:
        return Staged()
    failed: list[tuple[str, Artifact, Exception]] = []
    for part in _apart(wanted):
        with ThreadPoolExecutor(min(INPUTS_AT_ONCE, len(part)), thread_name_prefix="input") as pool:
            faults = pool.map(lambda one: _fetched(one[1], store, Path(mounts), stop), part)
            failed += [(*one, fault) for one, fault in zip(part, faults, strict=True) if fault is not None]
    for name, artifact, fault in failed:
        if artifact.digest:
            message = f"input '{name}' cannot be had: {fault}"
            return Staged(error=TaskError(code=_FAULTS[type(fault)], message=message))
    return Staged(notes=tuple(f"input '{name}' is not on this machine: {fault}" for name, _, fault in failed))


def _remote_inputs(task: Task) -> list[tuple[str, Artifact]]:
    """Each artifact once, with the name of the input that it was given to, those with known bytes first."""
    found: dict[str, tuple[str, Artifact]] = {}
    for name, given in task.inputs.artifacts.items():
        for one in given:
            known = found.get(one.uri)
            if not is_local(one.uri) and (known is None or not known[1].digest):
                found[one.uri] = (name, one)
    return list(found.values())


def _apart(wanted: list[tuple[str, Artifact]]) -> list[list[tuple[str, Artifact]]]:
    """The artifacts in turns, so that none comes into the place of one that it is a part of at the same time."""
    turns: dict[int, list[tuple[str, Artifact]]] = {}
    uris = {one.uri for _, one in wanted}
    for name, one in wanted:
        parts = one.uri.split("/")
        depth = sum("/".join(parts[:length]) in uris for length in range(3, len(parts)))
        turns.setdefault(depth, []).append((name, one))
    return [turns[depth] for depth in sorted(turns)]


def _fetched(artifact: Artifact, store: ArtifactStore, mounts: Path, stop: Stop) -> Exception | None:
    """Why the artifact is not where the program will look for it; None where it is."""
    target = Path(local_path(artifact.uri, str(mounts)))
    if not target.is_relative_to(mounts) or ".." in target.parts:
        return UnsupportedUriError(f"{artifact.uri}: is no address that can be read on this machine")
    try:
        store.fetch(artifact.uri, target, digest=artifact.digest, stop=stop)
    except tuple(_FAULTS) as fault:
        return fault
    return None
