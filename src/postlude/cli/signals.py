"""Turns Ctrl-C, SIGTERM and a closed terminal into a cancelled run."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Protocol

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST: Final = "Canceling: running tasks are stopped, exit tasks still run. Once more stops those too."
SECOND: Final = "Stopping everything, exit tasks included."


class Cancel(Protocol):
    """Asks the engine to end the run; safe to call from a signal handler."""

    def __call__(self, *, force: bool = False) -> None:
        """Ask; `force` stops exit tasks too."""
        ...


@contextmanager
def cancel_on_signals(cancel: Cancel, say: Callable[[str], None]) -> Iterator[None]:
    """While inside: the first signal cancels the run, a second one forces it. Each is acknowledged through `say`.

    A closed terminal's signal stays ignored where it is: `nohup` asks for that.
    """
    received = 0

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
        nonlocal received
        received += 1
        if received <= 2:
            say(FIRST if received == 1 else SECOND)
        cancel(force=received > 1)

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS if not _is_unwanted(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_unwanted(number: signal.Signals) -> bool:
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
