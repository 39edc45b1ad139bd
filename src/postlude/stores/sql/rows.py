"""Values of the ports as rows of the tables."""

from typing import Any, Final

from postlude.ports.journal import Save
from postlude.ports.lease import Holder
from postlude.spec.types import Json
from postlude.stores.json_text import task_text, to_text
from postlude.stores.lineage import artifacts_of_task

Row = dict[str, Any]


def event_rows(save: Save) -> list[Row]:
    """A journal row for each event of the step."""
    return [
        {"run_id": save.run_id, "seq": seq, "event": to_text(event)}
        for seq, event in enumerate(save.events, start=save.first)
    ]


def value_rows(save: Save) -> list[Row]:
    """A row for each large value of the step."""
    return [{"run_id": save.run_id, "digest": digest, "content": content} for digest, content in save.values.items()]


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
        "document": task_text(task),
    }


def artifact_rows(save: Save) -> list[Row]:
    """A row for each artifact that goes into or comes out of a task, where the step changed those."""
    return [
        {
            "run_id": save.run_id,
            "path": task["path"],
            "direction": direction,
            "name": _storable(name),
            "position": position,
            "uri": _storable(artifact.get("uri", "")),
            "digest": artifact.get("digest", ""),
            "schema_title": _storable(artifact.get("type", "")),
        }
        for task in save.tasks
        if task["path"] not in save.same_artifacts
        for direction, name, position, artifact in artifacts_of_task(task)
    ]


REPLACED: Final = {"unencodable": "%?%", "refused": "%\N{REPLACEMENT CHARACTER}%"}
"""Patterns of texts that may not be what user code chose: see `_storable`."""


def _storable(text: str) -> str:
    """The text without what databases refuse. User code chooses it, and the document beside it keeps it as it is."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def lease_row(run_id: str, holder: Holder, at: float) -> Row:
    """The row of a lease that was shown to live at `at`."""
    return {
        "run_id": run_id,
        "holder_id": holder.id,
        "host": holder.host,
        "pid": holder.pid,
        "born": holder.born,
        "renewed_at": at,
    }
