"""The local engine's waiting room, by a clock that the test turns."""

import pytest

from postlude.core.task import Start, TaskPath
from postlude.engines.local.schedule import Schedule
from postlude.testing import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def schedule(clock: ManualClock) -> Schedule:
    return Schedule(clock.now)


def start(path: str, attempt: int = 1, wait_s: float = 0.0) -> Start:
    return Start(path=TaskPath(path), attempt=attempt, wait_s=wait_s)


def popped(schedule: Schedule) -> list[str]:
    """Everything that is ready, in order."""
    found = []
    while (each := schedule.pop()) is not None:
        found.append(f"{each.path}/{each.attempt}")
    return found


def test_first_come_is_first_served(schedule: Schedule) -> None:
    for path in ("b", "a", "c"):
        schedule.add(start(path))
    assert popped(schedule) == ["b/1", "a/1", "c/1"]


def test_an_empty_one_gives_nothing_and_waits_for_nothing(schedule: Schedule) -> None:
    assert (schedule.pop(), schedule.wait_s()) == (None, None)


def test_an_attempt_waits_to_the_second(schedule: Schedule, clock: ManualClock) -> None:
    schedule.add(start("a", 2, wait_s=30.0))
    clock.advance(29.5)
    assert (schedule.wait_s(), popped(schedule)) == (0.5, [])
    clock.advance(0.5)
    assert (schedule.wait_s(), popped(schedule), schedule.wait_s()) == (0.0, ["a/2"], None)


def test_waits_end_in_the_order_of_their_ends(schedule: Schedule, clock: ManualClock) -> None:
    for path, wait_s in (("late", 9.0), ("early", 1.0), ("also-early", 1.0)):
        schedule.add(start(path, 2, wait_s))
    schedule.add(start("now"))
    clock.advance(10.0)
    assert popped(schedule) == ["now/1", "early/2", "also-early/2", "late/2"]


def test_what_is_ready_does_not_wait_for_what_is_not(schedule: Schedule) -> None:
    schedule.add(start("a", 2, wait_s=30.0))
    schedule.add(start("b"))
    assert popped(schedule) == ["b/1"]


@pytest.mark.parametrize("wait_s", [0.0, 30.0])
def test_what_was_dropped_never_comes(schedule: Schedule, clock: ManualClock, wait_s: float) -> None:
    schedule.add(start("a", 2, wait_s))
    schedule.add(start("b"))
    schedule.drop(TaskPath("a"), 2)
    clock.advance(30.0)
    assert popped(schedule) == ["b/1"]


def test_only_the_attempt_that_was_dropped_is_gone(schedule: Schedule) -> None:
    schedule.add(start("a", 1))
    schedule.drop(TaskPath("a"), 1)
    schedule.add(start("a", 2))
    assert popped(schedule) == ["a/2"]


def test_the_wait_of_a_dropped_attempt_holds_nobody_up(schedule: Schedule, clock: ManualClock) -> None:
    schedule.add(start("a", 2, wait_s=1.0))
    schedule.drop(TaskPath("a"), 2)
    clock.advance(1.0)
    assert (popped(schedule), schedule.wait_s()) == ([], None)
