"""The clock that a test turns, and the journal whose disk gets full."""

import pytest

from postlude.ports.journal import RunRecord, Save, StoreError
from postlude.stores.memory import open_memory_store
from postlude.testing import FailingJournal, ManualClock

RECORD = RunRecord(run_id="r", name="n", pipeline="p", ir_digest="", ir=({}, None), settings={}, created_at=0.0)


def save(first: int) -> Save:
    return Save(run_id="r", events=[{"type": "started"}], first=first, run={}, tasks=[])


def test_time_moves_only_when_told() -> None:
    clock = ManualClock(10.0)
    assert [clock.now(), clock.advance(2.5), clock.now(), clock.now()] == [10.0, 12.5, 12.5, 12.5]


def test_time_does_not_go_backwards() -> None:
    with pytest.raises(ValueError, match=r"^cannot advance by -1 s: time does not go backwards$"):
        ManualClock().advance(-1)


def test_run_ids_are_uuids_the_same_for_every_clock() -> None:
    clock, other = ManualClock(), ManualClock()
    assert [clock.new_run_id(), clock.new_run_id()] == [other.new_run_id(), other.new_run_id()]
    assert clock.new_run_id() == "00000000-0000-0000-0000-000000000003"


def test_a_journal_fails_from_one_write_on_and_keeps_what_came_before() -> None:
    journal = FailingJournal(open_memory_store().journal, writes=2)
    journal.begin(RECORD)
    journal.append(save(0))
    for _ in range(2):
        with pytest.raises(StoreError, match=r"^the disk is full: make room, then run again$"):
            journal.append(save(1))
    assert (journal.events("r"), journal.record("r")) == ([{"type": "started"}], RECORD)
