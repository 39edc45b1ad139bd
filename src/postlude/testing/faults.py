"""Faults to order: what the world does when it does not do its part."""

from collections.abc import Collection

from postlude.ports.journal import Journal, RunRecord, Save, StoreError
from postlude.spec.types import Json


class FailingJournal(Journal):
    """A journal whose disk is full from one write on (`ports.journal.Journal`).

    Args:
        journal: What keeps the writes before that.
        writes: How many writes succeed; the beginning of a run is one, and so is every step.
    """

    def __init__(self, journal: Journal, *, writes: int) -> None:
        self._journal = journal
        self._left = writes

    def begin(self, record: RunRecord) -> None:
        """See `Journal.begin`."""
        self._write()
        self._journal.begin(record)

    def append(self, save: Save) -> None:
        """See `Journal.append`."""
        self._write()
        self._journal.append(save)

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:
        """See `Journal.events`."""
        return self._journal.events(run_id, first=first)

    def record(self, run_id: str) -> RunRecord:
        """See `Journal.record`."""
        return self._journal.record(run_id)

    def values(self, run_id: str, digests: Collection[str]) -> dict[str, bytes]:
        """See `Journal.values`."""
        return self._journal.values(run_id, digests)

    def _write(self) -> None:
        if self._left <= 0:
            raise StoreError("the disk is full: make room, then run again")
        self._left -= 1
