"""Collect what an attempt produced: its report, its output files, its artifacts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, TypedDict

import msgspec

from postlude.core.exchange import Program, bare_path, outputs_of
from postlude.core.task import Artifact, Code, Outputs, Task, TaskError
from postlude.ports.artifacts import ArtifactStore, UnsupportedUriError
from postlude.spec.types import Json

PARAMETER_MAX_BYTES: Final = 256 * 1024 * 1024


class _ArtifactList(TypedDict, total=False):
    artifacts: list[dict[str, Json]]


class _ExecutorOutput(TypedDict, total=False):
    """What is read of KFP's ExecutorOutput."""

    parameterValues: dict[str, Json]
    artifacts: dict[str, _ArtifactList]


def collect(task: Task, prepared: Program, store: ArtifactStore) -> Outputs | TaskError:
    """The outputs of an attempt that ended well, typed as declared, or what is wrong with them."""
    written = _report(Path(prepared.executor_input["outputs"]["outputFile"]))
    if isinstance(written, TaskError):
        return written
    try:
        found = outputs_of(task, prepared.executor_input, written, _texts(task, prepared))
        return found if isinstance(found, TaskError) else _with_bytes(found, prepared, store)
    except (_UnreadableError, UnsupportedUriError) as fault:
        return TaskError(code=Code.INVALID_ARGUMENT, message=f"its outputs cannot be used: {fault}")


class _UnreadableError(Exception):
    """An output file is not one that a task may leave."""


def _with_bytes(found: Outputs, prepared: Program, store: ArtifactStore) -> Outputs:
    work = Path(prepared.executor_input["outputs"]["outputFile"]).parent.parent / "work"
    own = _own_places(prepared)
    kept = {name: tuple(_kept(store, one, work, own) for one in given) for name, given in found.artifacts.items()}
    return replace(found, artifacts=kept)


def _own_places(prepared: Program) -> frozenset[Path]:
    """The directories that the engine gave the attempt for its artifacts."""
    told = prepared.executor_input["outputs"]["artifacts"].values()
    return frozenset(Path(one["uri"]).parent for given in told for one in given["artifacts"])


def _report(path: Path) -> Mapping[str, Json] | TaskError:
    """The ExecutorOutput, empty where the program wrote none. Python's JSON, since metrics may be NaN."""
    if not path.is_file():
        return {}
    try:
        report: Mapping[str, Json] = msgspec.convert(_json(path.read_bytes()), _ExecutorOutput)
    except ValueError as fault:
        return TaskError(code=Code.INVALID_ARGUMENT, message=f"its executor output cannot be read: {fault}")
    return report


def _json(text: bytes) -> Json:
    """The value, all of whose texts can be passed on: JSON can escape half a character, which nothing can write."""
    value = json.loads(text)
    if b"\\ud" in text or b"\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _texts(task: Task, prepared: Program) -> Mapping[str, str]:
    """The texts of output parameter files that exist."""
    told = prepared.executor_input["outputs"]["parameters"]
    files = {name: Path(told[name]["outputFile"]) for name in task.component.outputs.parameters}
    return {name: _text(name, path) for name, path in files.items() if path.is_file()}


def _text(name: str, path: Path) -> str:
    """The text in a file that the program wrote itself: a link would have the engine read for it what it may not."""
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.parent.resolve()):
        raise _UnreadableError(f"output '{name}' is a link to {path.resolve()}: write the value itself")
    size = path.stat().st_size
    if size > PARAMETER_MAX_BYTES:
        raise _UnreadableError(f"output '{name}' has {size} bytes, more than a parameter may have: use an artifact")
    return path.read_text(errors="replace")


def _kept(store: ArtifactStore, artifact: Artifact, work: Path, own: frozenset[Path]) -> Artifact:
    """The artifact with its digest, its bytes where its URI says, even if the program chose another place for them.

    Only the attempt's own places are written: a URI that the program made up would have the engine overwrite any file.
    """
    target = bare_path(artifact.uri)
    if not target.startswith("/"):
        return artifact
    chosen = str(work / artifact.custom_path) if artifact.custom_path else ""
    if chosen and Path(target).parent in own and store.exists(chosen):
        store.place(chosen, Path(target))
        artifact = replace(artifact, custom_path="")
    return replace(artifact, digest=store.digest(artifact.uri))
