"""What a finished run amounts to, in plain words: state, root cause, where its log is, what exit tasks were told."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from postlude.cli.rows import Row
from postlude.cli.tree import parent_path
from postlude.cli.words import LOOKS, duration, epoch
from postlude.core.task import Code, State
from postlude.spec.types import NOTHING, Json
from postlude.stores.run_lookup import SHORT_ID

_LABEL_WIDTH: Final = 12
_EXITS_MAX: Final = 10
_VALUE_MAX: Final = 500
_ARTIFACT: Final = {"uri", "type", "digest", "producer"}
_FAILED: Final = (State.FAILED.value, State.UPSTREAM_FAILED.value)


def verdict(document: Json, *, hints: bool = True) -> list[Row]:
    """The verdict on a run document with its tasks, as rows of text.

    Args:
        document: The run's.
        hints: Whether to name commands that say more; they look into the operator's own home.
    """
    tasks = document["tasks"]
    cause = root_cause(tasks)
    return [
        _headline(document),
        *_cause(document, cause),
        *_log(document, cause, hints=hints),
        *_exits(tasks),
        *_outputs(document),
    ]


def root_cause(tasks: list[Json]) -> Json | None:
    """The task that failed first of itself, not because one inside or before it did; None where none failed."""
    broken = {each["path"] for each in tasks if each["state"] in _FAILED}
    above = {ancestor for path in broken for ancestor in _ancestors(path)}
    own = [each for each in tasks if each["state"] == State.FAILED.value and each["path"] not in above | {""}]
    return min(own, key=lambda task: task["finished_at"] or "~", default=None)


def _ancestors(path: str) -> Iterator[str]:
    while path := parent_path(path):
        yield path


def _headline(document: Json) -> Row:
    state = State(document["state"])
    style = LOOKS[state].style
    started, finished = epoch(document["started_at"]), epoch(document["finished_at"])
    took = f" in {duration(finished - started)}" if started is not None and finished is not None else ""
    return (
        (f"{LOOKS[state].symbol} {state.value}", style if "bold" in style else f"bold {style}"),
        (f"  {document['pipeline']}{took}", ""),
        (f"  run {document['run_id'][:SHORT_ID]}", "dim"),
    )


def _cause(document: Json, cause: Json | None) -> Iterator[Row]:
    if cause is None:
        message = (document["error"] or NOTHING).get("message")
        if message:
            yield from _labelled("Reason", message)
        return
    attempts = (
        f" (after {cause['attempts']} attempts)" if cause["attempts"] > 1 and "attempts" not in _message(cause) else ""
    )
    yield from _labelled("Root cause", f"{cause['path']}: {_message(cause)}{attempts}", "red")
    others = _others(document["tasks"], cause)
    if others:
        yield from _labelled("", others)


def _message(task: Json) -> str:
    text: str = (task["error"] or NOTHING).get("message") or "failed"
    return text


def _others(tasks: list[Json], cause: Json) -> str:
    leaves = [each for each in tasks if each["kind"] in ("task", "importer") and each["path"] != cause["path"]]
    failed = sum(each["state"] == State.FAILED.value for each in leaves)
    not_started = sum(each["state"] == State.UPSTREAM_FAILED.value for each in leaves)
    said = [f"{failed} more failed"] if failed else []
    said += [f"{not_started} not started because of failures"] if not_started else []
    return ", ".join(said)


def _log(document: Json, cause: Json | None, *, hints: bool) -> Iterator[Row]:
    if cause is None or not cause["log"]:
        return
    yield from _labelled("Log", cause["log"])
    if hints:
        yield from _labelled("", f"postlude logs {document['run_id'][:SHORT_ID]} '{cause['path']}'")


def _exits(tasks: list[Json]) -> Iterator[Row]:
    exits = [each for each in tasks if each.get("exit_of") and each["state"] not in (State.SKIPPED.value, *_FAILED[1:])]
    for position, task in enumerate(exits[:_EXITS_MAX]):
        yield from _labelled("Exit tasks" if position == 0 else "", f"{task['path']} {_told(task)}")
    if len(exits) > _EXITS_MAX:
        yield from _labelled("", f"… {len(exits) - _EXITS_MAX} more")


def _told(task: Json) -> str:
    status = next((each for each in task["inputs"]["parameters"].values() if _is_status(each)), None)
    fate = f"; it {LOOKS[State(task['state'])].word or task['state']} itself" if task["state"] != "SUCCEEDED" else ""
    if status is None:
        return f"ran after {task['exit_of']} and takes no status{fate}"
    return f"was told that {status['pipelineTaskName']} is {status['state']}{_why(status)}{fate}"


def _is_status(value: Json) -> bool:
    return isinstance(value, Mapping) and "pipelineTaskName" in value and "state" in value


def _why(status: Json) -> str:
    error = status.get("error") or NOTHING
    if "code" not in error:
        return ""
    code = error["code"]
    name = f" {Code(code).name}" if code in set(Code) else ""
    return f" ({code}{name}: {error.get('message', '')})"


def _outputs(document: Json) -> Iterator[Row]:
    outputs = document.get("outputs") or NOTHING
    for position, (name, value) in enumerate(outputs.items()):
        text = _shown(value)
        yield from _labelled("Outputs" if position == 0 else "", f"{name} = {text}")


def _shown(value: Json) -> str:
    """A value as people want to see it: an artifact by its URI, and of a long text its beginning."""
    if isinstance(value, Mapping) and value.keys() >= _ARTIFACT:
        return str(value["uri"])
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_MAX else f"{text[:_VALUE_MAX]}… ({len(text)} characters)"


def _labelled(label: str, text: str, style: str = "") -> Iterator[Row]:
    for position, line in enumerate(text.splitlines() or [""]):
        yield (f"  {label if position == 0 else '':{_LABEL_WIDTH}}", "dim"), (line, style)
