"""Interrupts of a run from Python, and what a run looks like there."""

import os
import signal
import threading

import pytest

from postlude.api.interrupt import cancel_on_interrupt
from postlude.api.result import Run, TaskRun


def interrupted(times: int) -> list[bool]:
    asked: list[bool] = []

    def cancel(*, force: bool = False) -> None:
        asked.append(force)

    def interrupt() -> None:
        with cancel_on_interrupt(cancel):
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    return asked


@pytest.mark.parametrize(("times", "asked"), [(1, [False]), (2, [False, True]), (3, [False, True])])
def test_an_interrupt_cancels_and_is_raised_once_the_run_has_ended(times: int, asked: list[bool]) -> None:
    assert interrupted(times) == asked
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_an_interrupt_nothing_happens() -> None:
    with cancel_on_interrupt(_nothing):
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_somebody_elses_handler_stays() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with cancel_on_interrupt(_nothing):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_another_thread_leaves_signals_alone() -> None:
    found: list[object] = []

    def look() -> None:
        with cancel_on_interrupt(_nothing):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_a_run_and_its_tasks_are_short_to_look_at() -> None:
    task = {"path": "a/b", "state": "FAILED"}
    run = {"run_id": "1a2b", "pipeline": "demo", "state": "FAILED", "error": {"code": 2, "message": "a/b: no data"}}
    assert [repr(TaskRun(task)), repr(Run(run))] == [
        "<TaskRun a/b: FAILED>",
        "<Run 1a2b of demo: FAILED (a/b: no data)>",
    ]


def _nothing(*, force: bool = False) -> None: ...
