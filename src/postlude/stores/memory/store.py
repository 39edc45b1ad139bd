"""A store over plain dictionaries: the journal, the catalog and the cache."""

from collections.abc import Collection

from postlude.ports.journal import RunRecord, Save, StoreError
from postlude.spec.types import Json
from postlude.stores.conflict import already_begun, not_following
from postlude.stores.final_words import FINAL_WORDS
from postlude.stores.json_text import from_text, task_text, to_text
from postlude.stores.memory.kept import KeptOutputs, KeptRun, Memory
from postlude.stores.memory.lease import MemoryLeases, MemoryMailbox
from postlude.stores.memory.upkeep import MemoryUpkeep
from postlude.stores.run_lookup import chosen_run
from postlude.stores.store import Store


def open_memory_store() -> Store:
    """A new and empty store."""
    memory = Memory()
    return Store(
        journal=MemoryJournal(memory),
        catalog=MemoryCatalog(memory),
        cache=MemoryCache(memory),
        leases=MemoryLeases(memory),
        mailbox=MemoryMailbox(memory),
        upkeep=MemoryUpkeep(memory),
        close=lambda: None,
    )


class MemoryJournal:
    """The write side (`ports.journal.Journal`)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def begin(self, record: RunRecord) -> None:
        """See `Journal.begin`."""
        kept = KeptRun(record=record, ir=to_text(record.ir), settings=to_text(record.settings))
        with self._memory.lock:
            if record.run_id in self._memory.runs:
                raise already_begun(record.run_id)
            self._memory.runs[record.run_id] = kept

    def append(self, save: Save) -> None:
        """See `Journal.append`."""
        events = [to_text(event) for event in save.events]
        tasks = {task["path"]: (task["order"], task_text(task)) for task in save.tasks}
        document = "" if save.run is None else to_text(save.run)
        with self._memory.lock:
            kept = self._following(save)
            kept.events += events
            for path in save.removed:
                kept.tasks.pop(path, None)
            kept.tasks |= tasks
            kept.values |= save.values
            if save.run is not None:
                kept.document, kept.state = document, save.run.get("state")

    def _following(self, save: Save) -> KeptRun:
        kept = self._memory.runs.get(save.run_id)
        if kept is None or save.first != len(kept.events):
            raise not_following(save, len(kept.events) if kept else None)
        return kept

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:
        """See `Journal.events`."""
        with self._memory.lock:
            kept = self._memory.runs.get(run_id)
            texts = kept.events[first:] if kept else []
        return [from_text(text) for text in texts]

    def unfinished(self) -> list[str]:
        """See `Journal.unfinished`."""
        with self._memory.lock:
            return [run_id for run_id, kept in self._memory.runs.items() if kept.state not in FINAL_WORDS]

    def record(self, run_id: str) -> RunRecord:
        """See `Journal.record`."""
        with self._memory.lock:
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

    def values(self, run_id: str, digests: Collection[str]) -> dict[str, bytes]:
        """See `Journal.values`."""
        with self._memory.lock:
            kept = self._memory.runs.get(run_id)
            values = dict(kept.values) if kept else {}
        for digest in digests:
            if digest not in values:
                raise StoreError(f"run '{run_id}', value '{digest}': is missing; run the pipeline again")
        return {digest: values[digest] for digest in digests}


class MemoryCatalog:
    """The read side (`ports.journal.Catalog`)."""

    def __init__(self, memory: Memory) -> None:
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

    def _newest_first(self) -> list[KeptRun]:
        return list(reversed(self._memory.runs.values()))


class MemoryCache:
    """Outputs of earlier tasks (`ports.journal.Cache`)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def find(self, key: str) -> Json | None:
        """See `Cache.find`."""
        with self._memory.lock:
            kept = self._memory.outputs.get(key)
        return from_text(kept.text) if kept else None

    def keep(self, key: str, outputs: Json, *, run_id: str, path: str, at: float) -> None:  # noqa: ARG002 - the port's
        """See `Cache.keep`. Memory has no use for `path`, which tells people where outputs came from."""
        fresh = KeptOutputs(text=to_text(outputs), run_id=run_id, at=at)
        with self._memory.lock:
            kept = self._memory.outputs.get(key)
            if kept is None or at >= kept.at:
                self._memory.outputs[key] = fresh
