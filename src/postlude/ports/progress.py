"""The port through which an executor says what an attempt waits for before its program starts."""

from typing import Protocol

from postlude.ports.executor import Attempt


class Progress(Protocol):
    """Hears what is being got ready, for people who watch. It decides nothing. Called from several threads."""

    def __call__(self, attempt: Attempt, doing: str) -> None:
        """Take note of what is being done for an attempt: "installing pandas==2", "" once it is done. Never raises."""
        ...


def unheard(attempt: Attempt, doing: str) -> None:
    """A `Progress` that nobody listens to."""
