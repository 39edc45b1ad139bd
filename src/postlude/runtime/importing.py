"""Perform an importer: find the artifact it names, and register it."""

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from postlude.core.exchange import imported, local_path
from postlude.core.run_state import Run
from postlude.core.task import Artifact, Code, Outputs, Task, TaskError
from postlude.ports.artifacts import ArtifactStore, TransferError, UnsupportedUriError
from postlude.ports.journal import Cache
from postlude.ports.stop import NEVER, Stop
from postlude.spec.types import Importer

_NO_WORKSPACE: Final = (
    "nothing to import into: the pipeline has no workspace. Give it one with dsl.PipelineConfig(workspace=...)"
)


def import_artifact(
    run: Run, task: Task, importer: Importer, *, artifacts: ArtifactStore, cache: Cache | None, stop: Stop = NEVER
) -> tuple[Outputs, bool] | TaskError:
    """The importer's output, and whether the same artifact was known already.

    A missing artifact is NOT_FOUND (F11); an empty URI, or one that this machine cannot read, INVALID_ARGUMENT (F12);
    a bucket or server that does not answer UNAVAILABLE.

    Raises:
        StoppedError: Nobody wants it any more.
    """
    named = imported(run, task, importer)
    if isinstance(named, TaskError):
        return named
    if importer.to_workspace and not run.settings.workspace:
        return TaskError(code=Code.INVALID_ARGUMENT, message=_NO_WORKSPACE)
    try:
        artifact = _found(replace(named, uri=_absolute(named.uri)), artifacts, stop)
        if artifact is not None and importer.to_workspace:
            artifact = _in_workspace(run, artifact, artifacts, stop)
    except UnsupportedUriError as fault:
        return TaskError(code=Code.INVALID_ARGUMENT, message=str(fault))
    except TransferError as fault:
        return TaskError(code=Code.UNAVAILABLE, message=f"nothing was imported: {fault}")
    if artifact is None:
        return TaskError(code=Code.NOT_FOUND, message=f"nothing to import: '{named.uri}' does not exist")
    outputs = Outputs(artifacts={name: (replace(artifact, name=name),) for name in task.component.outputs.artifacts})
    return outputs, _is_known(run, task, artifact, None if importer.reimport else cache)


def _found(artifact: Artifact, artifacts: ArtifactStore, stop: Stop) -> Artifact | None:
    """The artifact with its digest; None where nothing is there."""
    if not artifacts.exists(artifact.uri, stop=stop):
        return None
    return replace(artifact, digest=artifacts.digest(artifact.uri, stop=stop))


def _absolute(uri: str) -> str:
    """A relative path is relative to where the engine was started."""
    return uri if "://" in uri or uri.startswith("/") else str(Path(uri).absolute())


def _in_workspace(run: Run, artifact: Artifact, artifacts: ArtifactStore, stop: Stop) -> Artifact:
    inside = os.path.normpath(local_path(artifact.uri, "/")).lstrip("/")
    target = Path(run.settings.workspace, ".artifacts", inside)
    return replace(artifact, uri=str(artifacts.place(artifact.uri, target, stop=stop)))


def _is_known(run: Run, task: Task, artifact: Artifact, cache: Cache | None) -> bool:
    """Whether an artifact with this URI, content, type and metadata was imported before; it is known from now on."""
    if cache is None:
        return False
    facts = (artifact.uri, artifact.digest, artifact.schema_title, artifact.metadata)
    key = "import-" + hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()
    known = cache.find(key) is not None
    if not known:
        cache.keep(key, msgspec.to_builtins(artifact), run_id=run.run_id, path=task.path, at=run.settings.created_at)
    return known
