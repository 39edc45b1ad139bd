"""Collect what an attempt produced: its report, its output files, its artifacts."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, TypedDict

import msgspec
from msgspec.structs import replace

from postlude.core.exchange import Places, Program, bare_path, is_local, local_path, outputs_of, remote_uri
from postlude.core.task import Artifact, Code, Outputs, Task, TaskError
from postlude.ports.artifacts import ArtifactStore, TransferError, UnsupportedUriError
from postlude.ports.stop import NEVER, Stop
from postlude.spec.types import Json

PARAMETER_MAX_BYTES: Final = 256 * 1024 * 1024
OUTPUTS_AT_ONCE: Final = 8


class _ArtifactList(TypedDict, total=False):
    artifacts: list[dict[str, Json]]


class _ExecutorOutput(TypedDict, total=False):
    """What is read of KFP's ExecutorOutput."""

    parameterValues: dict[str, Json]
    artifacts: dict[str, _ArtifactList]


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Where an attempt worked.

    Attributes:
        directory: Its private directory.
        places: Where it was told to write.
        stop: Asked when nobody wants its outputs any more.
    """

    directory: Path
    places: Places
    stop: Stop = NEVER


def collect(task: Task, prepared: Program, store: ArtifactStore, desk: Desk) -> Outputs | TaskError:
    """The outputs of an attempt that ended well, typed as declared and kept where they belong, or what is wrong.

    Raises:
        StoppedError: Nobody wants them any more, and not all of them were kept.
    """
    written = _report(prepared.executor_input["outputs"]["outputFile"])
    if isinstance(written, TaskError):
        return written
    try:
        found = outputs_of(task, prepared.executor_input, written, _texts(task, prepared, written))
        return found if isinstance(found, TaskError) else _with_bytes(found, prepared, store, desk)
    except TransferError as fault:
        return TaskError(code=Code.UNAVAILABLE, message=f"its outputs cannot be kept: {fault}")
    except (_UnreadableError, UnsupportedUriError) as fault:
        return TaskError(code=Code.INVALID_ARGUMENT, message=f"its outputs cannot be used: {fault}")


class _UnreadableError(Exception):
    """An output file is not one that a task may leave."""


def _with_bytes(found: Outputs, prepared: Program, store: ArtifactStore, desk: Desk) -> Outputs:
    given = [one for each in found.artifacts.values() for one in each]
    if not given:
        return found
    own = _own_places(prepared)

    def kept(artifact: Artifact) -> Artifact:
        known = replace(artifact, uri=remote_uri(artifact.uri, desk.places.mounts))
        return _kept_here(store, known, desk, own) if is_local(known.uri) else _sent(store, known, desk)

    at_once = 1 if is_local(desk.places.artifacts) else OUTPUTS_AT_ONCE
    after = iter(_each(kept, given, at_once))
    return replace(found, artifacts={name: tuple(islice(after, len(each))) for name, each in found.artifacts.items()})


def _each(keep: Callable[[Artifact], Artifact], given: Sequence[Artifact], at_once: int) -> Sequence[Artifact]:
    """What becomes of each, in order; bytes on this machine are not worth a thread."""
    if min(at_once, len(given)) < 2:
        return [keep(one) for one in given]
    with ThreadPoolExecutor(min(at_once, len(given)), thread_name_prefix="output") as pool:
        return list(pool.map(keep, given))


def _own_places(prepared: Program) -> frozenset[Path]:
    """The directories that the engine gave the attempt for its artifacts."""
    told = prepared.executor_input["outputs"]["artifacts"].values()
    return frozenset(Path(one["uri"]).parent for given in told for one in given["artifacts"])


def _report(path: str) -> Mapping[str, Json] | TaskError:
    """The ExecutorOutput, empty where the program wrote none. Python's JSON, since metrics may be NaN."""
    if not os.path.isfile(path):  # noqa: PTH113 - of every attempt: a path object costs more than the call
        return {}
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            report: Mapping[str, Json] = msgspec.convert(_json(file.read()), _ExecutorOutput)
    except ValueError as fault:
        return TaskError(code=Code.INVALID_ARGUMENT, message=f"its executor output cannot be read: {fault}")
    return report


def _json(text: bytes) -> Json:
    """The value, all of whose texts can be passed on: JSON can escape half a character, which nothing can write."""
    value = json.loads(text)
    if b"\\ud" in text or b"\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _texts(task: Task, prepared: Program, report: Mapping[str, Json]) -> Mapping[str, str]:
    """The texts of output parameter files that exist, of those that the report does not name."""
    told, known = prepared.executor_input["outputs"]["parameters"], report.get("parameterValues", {})
    wanted = (name for name in task.component.outputs.parameters if known.get(name) is None)
    files = {name: Path(told[name]["outputFile"]) for name in wanted}
    return {name: _text(name, path) for name, path in files.items() if path.exists()}


def _text(name: str, path: Path) -> str:
    """The text in a file that the program wrote itself: a link would have the engine read for it what it may not."""
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.parent.resolve()):
        raise _UnreadableError(f"output '{name}' is a link to {path.resolve()}: write the value itself")
    if not path.is_file():
        raise _UnreadableError(f"output '{name}' is no file: write the value itself to {path}")
    size = path.stat().st_size
    if size > PARAMETER_MAX_BYTES:
        raise _UnreadableError(f"output '{name}' has {size} bytes, more than a parameter may have: use an artifact")
    return path.read_text(errors="replace")


def _kept_here(store: ArtifactStore, artifact: Artifact, desk: Desk, own: frozenset[Path]) -> Artifact:
    """The artifact with its digest, its bytes where its URI says, even if the program chose another place for them.

    Only the attempt's own places are written: a URI that the program made up would have the engine overwrite any file.
    """
    target = bare_path(artifact.uri)
    if not target.startswith("/"):
        return artifact
    chosen = _chosen(store, artifact, desk)
    if chosen is None or Path(target).parent not in own:
        return replace(artifact, digest=store.digest(artifact.uri, stop=desk.stop))
    digest = store.keep(chosen, target, owned=_is_own(chosen, desk), stop=desk.stop)
    return replace(artifact, digest=digest, custom_path="")


def _sent(store: ArtifactStore, artifact: Artifact, desk: Desk) -> Artifact:
    """The artifact with its bytes in the bucket, if the program left any for its own part of the bucket."""
    if not artifact.uri.startswith(f"{desk.places.artifacts}/"):
        return artifact
    source = _chosen(store, artifact, desk) or Path(local_path(artifact.uri, desk.places.mounts))
    if not store.exists(str(source)):
        return artifact
    digest = store.keep(source, artifact.uri, owned=_is_own(source, desk), stop=desk.stop)
    return replace(artifact, digest=digest, custom_path="")


def _chosen(store: ArtifactStore, artifact: Artifact, desk: Desk) -> Path | None:
    """The place that the program chose for the bytes, where there are some."""
    chosen = desk.directory / "work" / artifact.custom_path if artifact.custom_path else None
    return chosen if chosen is not None and store.exists(str(chosen)) else None


def _is_own(path: Path, desk: Desk) -> bool:
    """Whether nobody but the attempt has a use for a file. What it links to may be an input, or somebody else's."""
    return not path.is_symlink() and path.resolve().is_relative_to(desk.directory.resolve())
