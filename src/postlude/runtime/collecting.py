"""Collect what an attempt produced: its report, its output files, its artifacts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import msgspec

from postlude.core.exchange import Program, bare_path, outputs_of
from postlude.core.task import Artifact, Code, Outputs, Task, TaskError
from postlude.ports.artifacts import ArtifactStore
from postlude.spec.types import Json


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
    found = outputs_of(task, prepared.executor_input, written, _texts(task, prepared))
    if isinstance(found, TaskError):
        return found
    work = Path(prepared.executor_input["outputs"]["outputFile"]).parent.parent / "work"
    kept = {name: tuple(_kept(store, one, work) for one in given) for name, given in found.artifacts.items()}
    return replace(found, artifacts=kept)


def _report(path: Path) -> Mapping[str, Json] | TaskError:
    """The ExecutorOutput, empty where the program wrote none. Python's JSON, since metrics may be NaN."""
    if not path.is_file():
        return {}
    try:
        report: Mapping[str, Json] = msgspec.convert(json.loads(path.read_bytes()), _ExecutorOutput)
    except ValueError as fault:
        return TaskError(code=Code.INVALID_ARGUMENT, message=f"its executor output cannot be read: {fault}")
    return report


def _texts(task: Task, prepared: Program) -> Mapping[str, str]:
    """The texts of output parameter files that exist."""
    told = prepared.executor_input["outputs"]["parameters"]
    files = {name: Path(told[name]["outputFile"]) for name in task.component.outputs.parameters}
    return {name: path.read_text(errors="replace") for name, path in files.items() if path.is_file()}


def _kept(store: ArtifactStore, artifact: Artifact, work: Path) -> Artifact:
    """The artifact with its digest, its bytes where its URI says, even if the program chose another place for them."""
    target = bare_path(artifact.uri)
    if not target.startswith("/"):
        return artifact
    chosen = str(work / artifact.custom_path) if artifact.custom_path else ""
    if chosen and store.exists(chosen):
        store.place(chosen, Path(target))
        artifact = replace(artifact, custom_path="")
    return replace(artifact, digest=store.digest(artifact.uri))
