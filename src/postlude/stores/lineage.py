"""Which artifacts a stored document refers to."""

from collections.abc import Iterator

from postlude.spec.types import NOTHING, Json


def artifacts_of_task(task: Json) -> Iterator[tuple[str, str, int, Json]]:
    """The artifacts of a task's document: "in" or "out", the name there, the position under that name, the artifact."""
    for direction, side in (("in", "inputs"), ("out", "outputs")):
        for name, artifacts in ((task.get(side) or NOTHING).get("artifacts") or NOTHING).items():
            for position, artifact in enumerate(artifacts):
                yield direction, name, position, artifact


def uris_of_task(task: Json) -> set[str]:
    """The URIs of a task's document."""
    return {artifact["uri"] for *_, artifact in artifacts_of_task(task) if artifact.get("uri")}


def uris_of_entry(entry: Json) -> set[str]:
    """The URIs of a cache entry, which holds a task's outputs or, of an importer, the one artifact."""
    if not isinstance(entry, dict):
        return set()
    return uris_of_task({"outputs": entry}) | ({entry["uri"]} if entry.get("uri") else set())
