"""How work that may take hours hears that nobody wants it any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final


class StoppedError(Exception):
    """Nobody wants the work any more. What it was to make is not there."""


class Stop:
    """Tells one piece of work to stop. Any thread may ask, and any may look."""

    def __init__(self) -> None:
        self._asked = False
        self._interrupts: dict[object, Callable[[], object]] = {}
        self._lock = Lock()

    def ask(self) -> None:
        """Have the work stop: what waits is interrupted now, the rest ends when it looks next."""
        with self._lock:
            self._asked, interrupts = True, tuple(self._interrupts.values())
        for interrupt in interrupts:
            interrupt()

    def check(self) -> None:
        """Go on, unless somebody asked.

        Raises:
            StoppedError: Somebody did.
        """
        if self._asked:
            raise StoppedError

    @contextmanager
    def interrupting(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """Call something at the moment in which somebody asks; at once where somebody has.

        Args:
            interrupt: Ends what the body waits for. It must not wait itself, nor mind if the body is over.
        """
        key = object()
        with self._lock:
            self._interrupts[key] = interrupt
            asked = self._asked
        try:
            if asked:
                interrupt()
            yield
        finally:
            with self._lock:
                del self._interrupts[key]


NEVER: Final = Stop()
"""For work that nobody stops."""
