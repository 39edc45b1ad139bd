"""Removing old runs from memory."""

from postlude.stores.conflict import not_final
from postlude.stores.final_words import FINAL_WORDS
from postlude.stores.json_text import from_text
from postlude.stores.lineage import uris_of_entry, uris_of_task
from postlude.stores.memory.kept import Memory


class MemoryUpkeep:
    """Removing what nobody needs (`ports.upkeep.Upkeep`)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def remove_run(self, run_id: str) -> None:
        """See `Upkeep.remove_run`."""
        with self._memory.lock:
            kept = self._memory.runs.get(run_id)
            if kept is None:
                return
            if kept.state not in FINAL_WORDS:
                raise not_final(run_id, kept.state)
            del self._memory.runs[run_id]
            self._memory.leases.pop(run_id, None)
            self._memory.messages.pop(run_id, None)

    def remove_cached(self, run_id: str) -> int:
        """See `Upkeep.remove_cached`."""
        with self._memory.lock:
            made = [key for key, kept in self._memory.outputs.items() if kept.run_id == run_id]
            for key in made:
                del self._memory.outputs[key]
        return len(made)

    def used_artifacts(self) -> set[str]:
        """See `Upkeep.used_artifacts`."""
        with self._memory.lock:
            tasks = [text for kept in self._memory.runs.values() for _, text in kept.tasks.values()]
            entries = [kept.text for kept in self._memory.outputs.values()]
        return set().union(
            *(uris_of_task(from_text(text)) for text in tasks),
            *(uris_of_entry(from_text(text)) for text in entries),
        )
