"""The port through which a run is remembered: what happened (the write side) and how things stand (the read side)."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

import msgspec

from postlude.spec.types import NOTHING, Json


class Save(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one step of the run changed; stored whole or not at all.

    Attributes:
        run_id: Whose step it is.
        events: The journal entries, as JSON values, oldest first.
        first: Sequence number of the first of them; the run's are numbered from 0 without gaps.
        run: The run document without its tasks (`postlude.run/v1`); None where it is as it was saved last. A run's
            first step has one.
        tasks: The documents of the tasks that changed, each with "path" and "order" (its place in start order).
        same_artifacts: Paths of those among them whose artifacts are as they were saved last, or that never had any.
        removed: Paths of tasks that are no more: a retry took them away.
        values: Contents of large values that the step's events or documents refer to, by digest: "sha256:" and the
            hexadecimal digest of the bytes. The run keeps each once, however often it is saved.
        durable: Whether the step must survive a power cut: a final state, a verdict, an owed exit task.
    """

    run_id: str
    events: Sequence[Json]
    first: int
    run: Json | None
    tasks: Sequence[Json]
    same_artifacts: AbstractSet[str] = frozenset()
    removed: Sequence[str] = ()
    values: Mapping[str, bytes] = NOTHING
    durable: bool = False


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run as it was begun.

    Attributes:
        ir: The pipeline's IR: the pipeline spec and the platform spec (or None).
        settings: What the run was begun with: arguments, options and times, as JSON.
        created_at: Seconds since the epoch.
    """

    run_id: str
    name: str
    pipeline: str
    ir_digest: str
    ir: tuple[Json, Json]
    settings: Json
    created_at: float


class StoreError(Exception):
    """The store could not do what was asked; the message says why and what to do. Nothing was half-written."""


class ConflictError(StoreError):
    """What was to be written does not follow what is stored: another writer was there first."""


class Journal(Protocol):
    """The write side. Called from several threads and processes at once."""

    def begin(self, record: RunRecord) -> None:
        """Store a new run before anything of it happens. Survives a power cut.

        Raises:
            ConflictError: A run of this id exists.
            StoreError: The run could not be stored.
        """
        ...

    def append(self, save: Save) -> None:
        """Store one step in one transaction.

        Raises:
            ConflictError: The run was not begun, or `save.first` is not the number of its next event.
            StoreError: The step could not be stored; nothing of it was.
        """
        ...

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:
        """The journal entries of a run, oldest first; none of a run that is not known.

        Args:
            run_id: The run.
            first: Sequence number of the first entry wanted: those before it are not read.
        """
        ...

    def unfinished(self) -> list[str]:
        """Ids of the runs that are not final, oldest first. One that was begun and never took a step is among them."""
        ...

    def record(self, run_id: str) -> RunRecord:
        """The run as it was begun. Raises `KeyError` where there is none."""
        ...

    def values(self, run_id: str, digests: Collection[str]) -> dict[str, bytes]:
        """The contents of the run's large values, by digest.

        Raises:
            StoreError: One of them is missing, or is not what was saved.
        """
        ...


class Catalog(Protocol):
    """The read side. A run is listed from its first step on; the newest is the one begun last."""

    def runs(self, *, limit: int = 100) -> list[Json]:
        """Run documents without tasks, newest first."""
        ...

    def run(self, run_id: str) -> Json:
        """The run document with its tasks, in start order. `run_id` may be a unique prefix, or "" for the newest run.

        Raises:
            LookupError: No such run, or several; the message says which.
        """
        ...


class Cache(Protocol):
    """Outputs of earlier tasks by fingerprint."""

    def find(self, key: str) -> Json | None:
        """The outputs stored under the key, as JSON, or None."""
        ...

    def keep(self, key: str, outputs: Json, *, run_id: str, path: str, at: float) -> None:
        """Store outputs; the newest (by `at`, seconds since the epoch) wins."""
        ...
