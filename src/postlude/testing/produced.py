"""What a function returned that stands in for a component, as the SDK's executor reports outputs."""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from postlude.core.exchange import local_path
from postlude.spec.types import Json

WHOLE: Final = "Output"
"""What the SDK calls the output of a component that returns one thing."""


class UnfitResultError(Exception):
    """A function returned what its component does not; the message says what and what to return."""


def report(returned: Any, wanted: Json, artifacts: Mapping[str, Any], mounts: str) -> Json:
    """The ExecutorOutput of a task, after a function did its work.

    Args:
        returned: What the function returned.
        wanted: The outputs that the task was told of in its ExecutorInput.
        artifacts: Its output artifacts as the function left them, by name.
        mounts: The attempt's, for the bytes of an artifact that was returned.

    Raises:
        UnfitResultError: The function returned something else than outputs of the task.
    """
    by_name = named(returned, wanted["parameters"], wanted["artifacts"])
    values = {name: value for name, value in by_name.items() if name in wanted["parameters"]}
    for name, value in values.items():
        _refuse_no_json(name, value)
    entries = {name: _entry(artifact) for name, artifact in artifacts.items()}
    for name in by_name.keys() & wanted["artifacts"].keys():
        entries[name] = _returned(by_name[name], wanted["artifacts"][name]["artifacts"][0], mounts)
    return {"parameterValues": values, "artifacts": {name: {"artifacts": [one]} for name, one in entries.items()}}


def write_report(found: Json, path: Path) -> None:
    """Leave an ExecutorOutput where the engine looks for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found), encoding="utf-8")


def named(returned: Any, parameters: Collection[str], artifacts: Collection[str]) -> Mapping[str, Any]:
    """What was returned, by output. As with the SDK, what cannot be an output is nothing where no parameter is due.

    Raises:
        UnfitResultError: It cannot be told which output it is.
    """
    known = {*parameters, *artifacts}
    if returned is None or not known:
        return {}
    if WHOLE in known:
        return {WHOLE: returned}
    several = returned._asdict() if hasattr(returned, "_asdict") else returned
    if isinstance(several, Mapping) and several.keys() <= known and (several or len(known) > 1):
        return several
    due = parameters or (artifacts if _can_be_artifact(returned) else ())
    if len(due) == 1 and several is returned:
        return dict.fromkeys(due, returned)
    if not parameters:
        return {}
    raise UnfitResultError(
        f"returned {_shown(returned)}, and the task's outputs are {', '.join(sorted(known))}: return a dict or a "
        "NamedTuple with these names"
    )


def _can_be_artifact(value: Any) -> bool:
    return type(value) in _WRITERS or (hasattr(value, "uri") and hasattr(value, "metadata"))


def _refuse_no_json(name: str, value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise UnfitResultError(
            f"returned {_shown(value)} as output '{name}', which is no JSON value: {error}"
        ) from None


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text[:100]}…" if len(text) > 100 else text


def _entry(artifact: Any) -> Json:
    """An artifact, ours or the SDK's, as an ExecutorOutput has it."""
    found = {"name": artifact.name, "uri": artifact.uri, "metadata": artifact.metadata}
    chosen = getattr(artifact, "custom_path", None)
    return {**found, "custom_path": chosen} if chosen else found


_WRITERS: Final[Mapping[type, Callable[[Path, Any], object]]] = {
    str: lambda path, text: path.write_text(text, encoding="utf-8"),
    bytes: Path.write_bytes,
}


def _returned(value: Any, told: Json, mounts: str) -> Json:
    """An artifact that was returned: an object, or its content."""
    write = _WRITERS.get(type(value))
    if write is not None:
        write(Path(local_path(told["uri"], mounts)), value)
        return told
    if not _can_be_artifact(value):
        what = f"returned {_shown(value)} as output '{told['name']}', which is an artifact"
        raise UnfitResultError(f"{what}: return its text, its bytes or an artifact, or write to the one it is given")
    return {**_entry(value), "name": told["name"], "uri": value.uri or told["uri"]}
