"""Values of the ports as rows of the tables."""

from collections.abc import Iterator
from typing import Any

from postlude.ports.journal import Save
from postlude.spec.types import NOTHING, Json
from postlude.stores.json_text import to_text

Row = dict[str, Any]


def event_rows(save: Save) -> list[Row]:
    """A journal row for each event of the step."""
    return [
        {"run_id": save.run_id, "seq": seq, "event": to_text(event)}
        for seq, event in enumerate(save.events, start=save.first)
    ]


def task_rows(save: Save) -> list[Row]:
    """A row for each task that the step changed."""
    return [_task_row(save.run_id, task) for task in save.tasks]


def _task_row(run_id: str, task: Json) -> Row:
    return {
        "run_id": run_id,
        "path": task["path"],
        "order": task["order"],
        "kind": task.get("kind"),
        "state": task.get("state"),
        "attempts": task.get("attempts"),
        "document": to_text({key: value for key, value in task.items() if key != "order"}),
    }


def artifact_rows(save: Save) -> list[Row]:
    """A row for each artifact that goes into or comes out of a task the step changed."""
    return [
        {"run_id": save.run_id, "path": task["path"], "direction": direction, **row}
        for task in save.tasks
        for direction, side in (("in", "inputs"), ("out", "outputs"))
        for row in _artifacts((task.get(side) or NOTHING).get("artifacts") or NOTHING)
    ]


def _artifacts(by_name: Json) -> Iterator[Row]:
    for name, artifacts in by_name.items():
        for position, artifact in enumerate(artifacts):
            yield {
                "name": _storable(name),
                "position": position,
                "uri": _storable(artifact.get("uri", "")),
                "digest": artifact.get("digest", ""),
                "schema_title": _storable(artifact.get("type", "")),
            }


def _storable(text: str) -> str:
    """The text without what databases refuse. User code chooses it, and the document beside it keeps it as it is."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
