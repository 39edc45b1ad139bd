"""What a container left for the engine to read, before the engine reads it.

A program in a container may be anybody's. The engine runs outside: a link that the program left, or a path that it
names, means something else there, and could have the engine read or copy for it what the container does not see.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypedDict

import msgspec
from msgspec.structs import replace

from postlude.core.exchange import bare_path
from postlude.executors.container.mounts import own_places
from postlude.executors.process.exits import one_line
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.spec.types import Json


class _Entry(TypedDict, total=False):
    uri: str | None
    custom_path: str | None
    customPath: str | None


class _Artifacts(TypedDict, total=False):
    artifacts: list[_Entry] | None


class _Report(TypedDict, total=False):
    """What an ExecutorOutput says of places."""

    artifacts: dict[str, _Artifacts]


def inspected(attempt: Attempt, ended: Exit, seen: Sequence[Path]) -> Exit:
    """The end of an attempt whose container is gone: REFUSED where it ended well and the engine must not read the rest.

    Args:
        attempt: What was run.
        ended: How it ended.
        seen: The paths of this machine that its container saw.
    """
    if ended.ending is not Ending.EXITED or ended.code != 0:
        return ended
    fault = next(_faults(attempt, seen), None)
    return ended if fault is None else replace(ended, ending=Ending.REFUSED, code=None, message=one_line(fault))


def _faults(attempt: Attempt, seen: Sequence[Path]) -> Iterator[str]:
    told = attempt.executor_input.get("outputs", {})
    own = own_places(attempt)
    for what, path in _told_paths(told):
        if not _leads_into(path, own):
            yield f"{what} is a link to {os.path.realpath(path)}, which is not the task's own: write {path} itself"
            return  # what it says of places is not to be read either
    yield from _said_faults(attempt, told, seen)


def _told_paths(told: Json) -> Iterator[tuple[str, str]]:
    """Where the program was told to write: what it is, and its path."""
    if told.get("outputFile"):
        yield "its executor output", told["outputFile"]
    for name, each in told.get("parameters", {}).items():
        yield f"output '{name}'", each["outputFile"]
    for name, found in told.get("artifacts", {}).items():
        paths = (bare_path(each["uri"]) for each in found["artifacts"])
        yield from ((f"output artifact '{name}'", path) for path in paths if path.startswith("/"))


def _said_faults(attempt: Attempt, told: Json, seen: Sequence[Path]) -> Iterator[str]:
    try:
        report = _report(told.get("outputFile", ""))
    except msgspec.ValidationError as error:
        yield f"its executor output cannot be read: {error}"
        return
    for name, found in report.get("artifacts", {}).items():
        for path in (path for each in found.get("artifacts") or () for path in _said_paths(attempt, each)):
            if not _leads_into(path, seen):
                yield f"output artifact '{name}' is said to be at {path}, {_ELSEWHERE}"


_ELSEWHERE: Final = "which is not a place that the container shares with this machine: write to the path that is given"


def _said_paths(attempt: Attempt, entry: _Entry) -> Iterator[str]:
    uri = bare_path(entry.get("uri") or "")
    if uri.startswith("/"):
        yield uri
    for custom in (entry.get("custom_path"), entry.get("customPath")):
        if custom:
            yield str(attempt.work / custom)


def _report(path: str) -> _Report:
    """The program's report; empty where there is none, or none that is JSON: whoever collects it says so.

    Raises:
        msgspec.ValidationError: It does not say where artifacts are as an ExecutorOutput does.
    """
    if not path or not Path(path).is_file():
        return {}
    try:
        written = json.loads(Path(path).read_bytes())
    except ValueError:
        return {}
    return msgspec.convert(written, _Report)


def _leads_into(path: str, places: Sequence[Path]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(place)) for place in places)
