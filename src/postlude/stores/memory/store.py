"""The three ports over plain dictionaries.

Values are kept as JSON text, so that what comes back is what a database would give: fresh, and never shared.
"""

from dataclasses import dataclass, field
from threading import Lock

from postlude.ports.journal import RunRecord, Save
from postlude.spec.types import Json
from postlude.stores.conflict import already_begun, not_following
from postlude.stores.json_text import from_text, to_text
from postlude.stores.run_lookup import chosen_run
from postlude.stores.store import Store


@dataclass(slots=True, kw_only=True)
class _KeptRun:
    """A run as it is kept: JSON texts, and its tasks by path with their place in start order."""

    record: RunRecord
    ir: str
    settings: str
    document: str = ""
    events: list[str] = field(default_factory=list)
    tasks: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Memory:
    """What the ports share."""

    runs: dict[str, _KeptRun] = field(default_factory=dict)
    outputs: dict[str, tuple[float, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


def open_memory_store() -> Store:
    """A new and empty store."""
    memory = _Memory()
    return Store(
        journal=MemoryJournal(memory), catalog=MemoryCatalog(memory), cache=MemoryCache(memory), close=lambda: None
    )


class MemoryJournal:
    """The write side (`ports.journal.Journal`)."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory

    def begin(self, record: RunRecord) -> None:
        """See `Journal.begin`."""
        kept = _KeptRun(record=record, ir=to_text(record.ir), settings=to_text(record.settings))
        with self._memory.lock:
            if record.run_id in self._memory.runs:
                raise already_begun(record.run_id)
            self._memory.runs[record.run_id] = kept

    def append(self, save: Save) -> None:
        """See `Journal.append`."""
        events = [to_text(event) for event in save.events]
        tasks = {task["path"]: (task["order"], _task_text(task)) for task in save.tasks}
        document = to_text(save.run)
        with self._memory.lock:
            kept = self._following(save)
            kept.events += events
            kept.tasks |= tasks
            kept.document = document

    def _following(self, save: Save) -> _KeptRun:
        kept = self._memory.runs.get(save.run_id)
        if kept is None or save.first != len(kept.events):
            raise not_following(save, len(kept.events) if kept else None)
        return kept

    def events(self, run_id: str) -> list[Json]:
        """See `Journal.events`."""
        with self._memory.lock:
            kept = self._memory.runs.get(run_id)
            texts = list(kept.events) if kept else []
        return [from_text(text) for text in texts]

    def record(self, run_id: str) -> RunRecord:
        """See `Journal.record`."""
        kept = self._memory.runs[run_id]
        spec, platform = from_text(kept.ir)
        return RunRecord(
            run_id=run_id,
            name=kept.record.name,
            pipeline=kept.record.pipeline,
            ir_digest=kept.record.ir_digest,
            ir=(spec, platform),
            settings=from_text(kept.settings),
            created_at=kept.record.created_at,
        )


def _task_text(task: Json) -> str:
    return to_text({key: value for key, value in task.items() if key != "order"})


class MemoryCatalog:
    """The read side (`ports.journal.Catalog`)."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory

    def runs(self, *, limit: int = 100) -> list[Json]:
        """See `Catalog.runs`."""
        with self._memory.lock:
            documents = [kept.document for kept in self._newest_first() if kept.document]
        return [from_text(document) for document in documents[:limit]]

    def run(self, run_id: str) -> Json:
        """See `Catalog.run`."""
        with self._memory.lock:
            listed = [kept.record.run_id for kept in self._newest_first() if kept.document]
            kept = self._memory.runs[chosen_run(run_id, [found for found in listed if found.startswith(run_id)])]
            document = kept.document
            tasks = sorted((order, path, text) for path, (order, text) in kept.tasks.items())
        return {**from_text(document), "tasks": [from_text(text) for _, _, text in tasks]}

    def _newest_first(self) -> list[_KeptRun]:
        return list(reversed(self._memory.runs.values()))


class MemoryCache:
    """Outputs of earlier tasks (`ports.journal.Cache`)."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory

    def find(self, key: str) -> Json | None:
        """See `Cache.find`."""
        with self._memory.lock:
            kept = self._memory.outputs.get(key)
        return from_text(kept[1]) if kept else None

    def keep(self, key: str, outputs: Json, *, run_id: str, path: str, at: float) -> None:  # noqa: ARG002 - the port's
        """See `Cache.keep`. Memory keeps no provenance: `run_id` and `path` are for databases."""
        text = to_text(outputs)
        with self._memory.lock:
            kept = self._memory.outputs.get(key)
            if kept is None or at >= kept[0]:
                self._memory.outputs[key] = (at, text)
