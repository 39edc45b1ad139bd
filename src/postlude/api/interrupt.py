"""Turns Ctrl-C, and a notebook's "interrupt", into a cancelled run, where Python would drop the run as it is."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class _Cancel(Protocol):
    def __call__(self, *, force: bool = False) -> None: ...


@contextmanager
def cancel_on_interrupt(cancel: _Cancel) -> Iterator[None]:
    """While inside: a first interrupt cancels the run, a second one forces it, a third one is Python's own.

    Where somebody else handles interrupts, or outside of the main thread, nothing is changed.

    Raises:
        KeyboardInterrupt: There was an interrupt, and what stood inside came to its end.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    received: list[int] = []
    signal.signal(signal.SIGINT, _counting(received, cancel))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if received:
        raise KeyboardInterrupt


def _counting(received: list[int], cancel: _Cancel) -> Callable[[int, FrameType | None], None]:
    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 2:
            raise KeyboardInterrupt
        cancel(force=len(received) > 1)

    return on_signal
