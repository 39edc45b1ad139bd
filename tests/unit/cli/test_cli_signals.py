import os
import signal

import pytest

from postlude.cli.signals import FIRST, SECOND, cancel_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_cancels_and_the_next_ones_force(number: int) -> None:
    asked: list[bool] = []
    said: list[str] = []

    def cancel(*, force: bool = False) -> None:
        asked.append(force)

    with cancel_on_signals(cancel, said.append):
        for _ in range(3):
            os.kill(os.getpid(), number)
    assert (asked, said) == ([False, True, True], [FIRST, SECOND])


def test_the_handlers_of_before_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with cancel_on_signals(_nothing, print):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_nohup_started_ignores_a_closed_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with cancel_on_signals(_nothing, print):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def _nothing(*, force: bool = False) -> None: ...
