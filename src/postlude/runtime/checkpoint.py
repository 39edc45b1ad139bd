"""Named places between any two effects, where tests kill the process to see what survives.

`POSTLUDE_KILL_AT="saved:3"` kills the process (SIGKILL) when it comes to the point `saved` for the third time.
"""

import os
import signal
from collections import Counter
from enum import Enum
from threading import Lock
from typing import Final


class Point(Enum):
    """A place between two effects."""

    BEGUN = "begun"
    """The run is stored; nothing of it happened."""
    DECIDED = "decided"
    """Events moved the run in memory; nothing of that is stored."""
    SAVED = "saved"
    """A step is stored; nothing that follows from it was done."""
    PERFORMED = "performed"
    """A command was performed; the next was not."""
    STARTING = "starting"
    """An attempt is about to begin, as the journal says."""
    STAGED = "staged"
    """An attempt's files are ready; its program does not run."""
    EXITED = "exited"
    """An attempt's program has ended; nobody looked at what it left."""
    COLLECTED = "collected"
    """An attempt's outputs are collected; its end is not reported."""
    CACHED = "cached"
    """An attempt's outputs are in the cache; its end is not reported."""
    FINISHED = "finished"
    """The run is final and stored; the engine has not given it free."""


VARIABLE: Final = "POSTLUDE_KILL_AT"

_COUNTS: Final[Counter[str]] = Counter()
_LOCK: Final = Lock()
_wanted: str | None = os.environ.get(VARIABLE)


def arm(wanted: str) -> None:
    """Have a process that runs already killed where the variable would say so: a fork has no other way to be told."""
    global _wanted  # noqa: PLW0603 - of the process, as the variable is, which costs too much to look up at every point
    _wanted = wanted


def reached(point: Point) -> None:
    """Say that the process is at a point. Does nothing outside tests."""
    if _wanted is not None:
        _die_at(_wanted, point)


def _die_at(wanted: str, point: Point) -> None:
    name, _, number = wanted.partition(":")
    with _LOCK:
        _COUNTS[point.value] += 1
        if point.value == name and _COUNTS[name] == int(number or 1):
            os.kill(os.getpid(), signal.SIGKILL)
