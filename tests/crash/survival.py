"""What must be as if nothing had happened, once a run that was killed has come to its end."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postlude.core.task import TaskPath
from postlude.runtime.verify import verify
from postlude.stores.home import open_home
from postlude.wiring.stores import open_stored

Json = Any
_LOST = 14
_OF_THE_ATTEMPT = ("startedAt", "finishedAt", "attempt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Where the tasks of a run leave their traces.

    Attributes:
        log: A line for each attempt that ran: its working directory.
        told: By the path of each exit task, the file with a line for each time that it was told a status.
    """

    log: Path
    told: Mapping[str, Path]


def meaning(document: Json) -> Json:
    """What a run's document says, without what depends on time, on the run's id and on how often it was killed."""
    return {
        "run": {key: document[key] for key in ("pipeline", "state", "error", "outputs")},
        "tasks": {task["path"]: _task_meaning(task, document["run_id"]) for task in document["tasks"]},
    }


def _task_meaning(task: Json, run_id: str) -> Json:
    kept = {key: task[key] for key in ("kind", "display_name", "state", "error", "exit_of")}
    values = {
        key: {"parameters": task[key]["parameters"], "artifacts": _artifacts(task)} for key in ("inputs", "outputs")
    }
    counted = [past["error"] for past in task["history"] if past["error"]["code"] != _LOST]
    return {**kept, **_timeless(values, run_id), "failed before": counted if task["state"] == "FAILED" else []}


def _artifacts(task: Json) -> Json:
    return {
        f"{side} {name}": [{key: one[key] for key in ("name", "type", "digest", "producer")} for one in given]
        for side in ("inputs", "outputs")
        for name, given in task[side]["artifacts"].items()
    }


def _timeless(value: Json, run_id: str) -> Json:
    if isinstance(value, dict):
        return {key: _timeless(one, run_id) for key, one in value.items() if key not in _OF_THE_ATTEMPT}
    if isinstance(value, list):
        return [_timeless(one, run_id) for one in value]
    return value.replace(run_id, "<run>") if isinstance(value, str) else value


def faults(home: Path, document: Json, undisturbed: Json, traces: Traces) -> list[str]:
    """Everything about a finished run that is not as it should be, in words."""
    return [
        *_differences(meaning(undisturbed), meaning(document)),
        *_wrong_attempts(home, document, traces),
        *_wrong_payloads(document, traces),
        *_missing_artifacts(document),
        *_unlike_the_journal(home, document),
    ]


def _differences(expected: Json, found: Json, at: str = "") -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            yield from _differences(expected.get(key), found.get(key), f"{at}.{key}")
    elif expected != found:
        yield f"{at}: {found!r}, and {expected!r} where nobody was killed"


def _wrong_attempts(home: Path, document: Json, traces: Traces) -> Iterator[str]:
    """Each attempt ran once at most, none after the one that counts, and each that is past is accounted for."""
    ran = Counter(traces.log.read_text().splitlines())
    layout, run_id = open_home(home), document["run_id"]
    for task in document["tasks"]:
        past = [one["attempt"] for one in task["history"]]
        if past != list(range(1, max(1, task["attempts"]))):
            yield f"{task['path']}: {task['attempts']} attempts, and attempts {past} are on record as past"
        for attempt in range(1, task["attempts"] + 1):
            times = ran.pop(str(layout.task_directory(run_id, TaskPath(task["path"]), attempt) / "work"), 0)
            if times > 1:
                yield f"{task['path']}: attempt {attempt} ran {times} times"
    yield from (f"{place}: ran, though no record says so" for place in ran)


def _wrong_payloads(document: Json, traces: Traces) -> Iterator[str]:
    inputs = {task["path"]: task["inputs"]["parameters"] for task in document["tasks"]}
    for path, file in traces.told.items():
        told = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        if not told or any(one != inputs[path]["status"] for one in told):
            yield f"{path}: was told {told}, and {inputs[path]['status']} is on record"


def _missing_artifacts(document: Json) -> Iterator[str]:
    for task in document["tasks"]:
        for artifact in (one for given in task["outputs"]["artifacts"].values() for one in given):
            if not Path(artifact["uri"]).exists():
                yield f"{task['path']}: its artifact {artifact['uri']} is not there"


def _unlike_the_journal(home: Path, document: Json) -> Iterator[str]:
    with closing(open_stored(home)) as store:
        found = verify(store.journal, store.catalog, document["run_id"])
    yield from (f"{one.where}: stored {one.stored}, the journal gives {one.journal}" for one in found.differences)
