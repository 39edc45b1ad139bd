"""How work hears that it is to stop, and what becomes of work that is done for many things at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from postlude.ports.stop import NEVER, Stop, StoppedError
from postlude.stores.artifacts.together import all_of

SOON_S = 20


def until_stopped(stop: Stop) -> None:
    """Wait for what never comes."""
    asked = Event()
    with stop.interrupting(asked.set):
        assert asked.wait(SOON_S)
    stop.check()


def test_work_goes_on_until_somebody_asks() -> None:
    stop = Stop()
    stop.check()
    stop.ask()
    with pytest.raises(StoppedError):
        stop.check()


def test_what_waits_is_interrupted_while_it_waits_and_no_longer() -> None:
    stop, calls = Stop(), list[str]()
    with stop.interrupting(lambda: calls.append("over")):
        pass
    with stop.interrupting(lambda: calls.append("outer")), stop.interrupting(lambda: calls.append("inner")):
        stop.ask()
    with stop.interrupting(lambda: calls.append("late")):
        calls.append("body")
    assert calls == ["outer", "inner", "late", "body"]


def test_results_come_in_the_order_of_the_items() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert all_of(pool, lambda item, _: item * 2, range(20), NEVER) == list(range(0, 40, 2))


def test_a_failure_stops_the_others_and_those_that_wait_never_begin() -> None:
    began: list[int] = []

    def work(item: int, stop: Stop) -> None:
        began.append(item)
        if item == 1:
            raise OSError("no space")
        until_stopped(stop)

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(OSError, match=r"^no space$"):
            all_of(pool, work, range(20), NEVER)
        after = list(began)
    assert (set(began[:2]), began) == ({0, 1}, after)
    assert len(began) < 20


@pytest.mark.parametrize("busy", [True, False], ids=["all-wait-behind-others", "some-are-at-work"])
def test_a_stop_ends_those_at_work_and_those_that_wait(*, busy: bool) -> None:
    stop, begun, others = Stop(), Event(), Event()

    def work(_: int, ours: Stop) -> None:
        begun.set()
        until_stopped(ours)

    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(1) as caller:
        if busy:
            for _ in range(2):
                pool.submit(others.wait, SOON_S)
        called = caller.submit(all_of, pool, work, range(5), stop)
        assert busy or begun.wait(SOON_S)
        stop.ask()
        found = called.exception(timeout=SOON_S / 2)
        others.set()
    assert (type(found), begun.is_set()) == (StoppedError, not busy)


def test_work_that_was_stopped_before_does_not_begin() -> None:
    stop, begun = Stop(), list[int]()
    stop.ask()
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoppedError):
        all_of(pool, lambda item, _: begun.append(item), range(5), stop)
    assert begun == []
