"""A journal as lines, and as it grows."""

import pytest
from core_lab import loaded

from postlude.cli.journal import follow, row
from postlude.cli.rows import plain
from postlude.core.task import (
    CancelRequested,
    Code,
    DeadlinePassed,
    Event,
    Failed,
    Lost,
    PipelineRevised,
    RetryRequested,
    Started,
    Succeeded,
    TaskError,
    TaskPath,
)
from postlude.ports.journal import Journal, RunRecord, Save
from postlude.runtime.record import encode_event
from postlude.spec.types import Json
from postlude.stores.memory.kept import Memory
from postlude.stores.memory.store import MemoryJournal

A = TaskPath("body/a")
ERROR = TaskError(code=Code.UNKNOWN, message="exit 1\nmore")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Started(path=A, attempt=1, at=0), "body/a attempt 1 started"),
        (Succeeded(path=A, attempt=2, at=0), "body/a attempt 2 succeeded"),
        (Succeeded(path=A, attempt=1, at=0, cached=True), "body/a attempt 1 succeeded, served from the cache"),
        (Failed(path=A, attempt=1, at=0, error=ERROR), "body/a attempt 1 failed: 2 UNKNOWN: exit 1"),
        (Lost(path=A, attempt=1, at=0), "body/a attempt 1 was lost with its engine"),
        (CancelRequested(at=0), "(run) cancel requested"),
        (CancelRequested(at=0, force=True), "(run) cancel requested: exit tasks are stopped too"),
        (CancelRequested(at=0, exit_tasks=False), "(run) cancel requested: exit tasks do not run"),
        (CancelRequested(at=0, let_finish=True), "(run) stop requested: running tasks may finish"),
        (DeadlinePassed(path=TaskPath(""), at=0), "(run) its time is up"),
        (RetryRequested(at=0), "(run) retry requested"),
        (RetryRequested(at=0, tasks=(A,)), "(run) retry requested, from body/a"),
        (PipelineRevised(at=0, pipeline=loaded({})), "(run) retry with another pipeline requested"),
    ],
)
def test_an_entry_is_a_line(event: Event, line: str) -> None:
    time, _, rest = plain(row(encode_event(event))).partition(" ")
    assert (len(time), rest) == (8, line)


def test_an_entry_of_a_kind_that_is_not_known_is_a_line_too() -> None:
    assert plain(row({"type": "moved", "at": 0.0, "path": "a"})).endswith(" a moved")


def append(journal: Journal, first: int, state: str, *events: Json) -> None:
    document = {"run_id": "r", "state": state}
    journal.append(Save(run_id="r", events=events, first=first, run=document, tasks=[]))


class Watched(MemoryJournal):
    """Notes what is read of it."""

    def __init__(self) -> None:
        super().__init__(Memory())
        self.read: list[Json] = []

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:
        found = super().events(run_id, first=first)
        self.read += found
        return found


def test_following_ends_once_the_run_is_final_misses_nothing_and_reads_nothing_twice() -> None:
    journal = Watched()
    journal.begin(
        RunRecord(run_id="r", name="r", pipeline="p", ir_digest="d", ir=({}, None), settings={}, created_at=0.0)
    )
    append(journal, 0, "RUNNING", "zero", "one")
    steps = [(2, "RUNNING", "two"), (3, "SUCCEEDED", "three")]

    def go_on() -> None:
        append(journal, *steps.pop(0))

    found = list(follow(journal, "r", first=1, idle=go_on))
    assert (found, steps) == ([(1, "one"), (2, "two"), (3, "three")], [])
    assert journal.read == ["one", "two", "three"]
