"""How states, times and durations are said."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from postlude.core.task import State

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


class Look(NamedTuple):
    """How a state is drawn: a symbol, a colour, and a word where the symbol alone is not enough."""

    symbol: str
    style: str
    word: str


LOOKS: Final[Mapping[State, Look]] = {
    State.PENDING: Look("○", "dim", ""),
    State.RUNNING: Look("●", "cyan", ""),
    State.SUCCEEDED: Look("✓", "green", ""),
    State.FAILED: Look("✗", "bold red", "failed"),
    State.SKIPPED: Look("-", "dim", "skipped"),
    State.UPSTREAM_FAILED: Look("⊘", "yellow", "not started"),
    State.CANCELED: Look("■", "yellow", "canceled"),
}

COUNTED: Final[Mapping[State, str]] = {
    State.SUCCEEDED: "ok",
    State.FAILED: "failed",
    State.RUNNING: "running",
    State.SKIPPED: "skipped",
    State.UPSTREAM_FAILED: "not started",
    State.CANCELED: "canceled",
    State.PENDING: "waiting",
}
"""The word for several of a state, in the order in which counts are given."""


def duration(seconds: float) -> str:
    """A duration as people read it: "12ms", "1.2s", "2m05s", "1h02m"."""
    if seconds < 0.1:
        return f"{max(seconds, 0) * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def epoch(instant: str | None) -> float | None:
    """Seconds since the epoch of an RFC 3339 instant; None for None."""
    return None if instant is None else datetime.fromisoformat(instant).timestamp()


def wall_time(at: float) -> str:
    """The local time of day, "12:00:01"."""
    return datetime.fromtimestamp(at, tz=UTC).astimezone().strftime("%H:%M:%S")


def wall_date(at: float) -> str:
    """The local date and time, "2026-01-02 12:00:01"."""
    return datetime.fromtimestamp(at, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def first_line(text: str) -> str:
    """The first line of a text that says something, "" where none does."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def counted(count: int, word: str) -> str:
    """A number of things: "1 run", "2 runs"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def size_text(count: float) -> str:
    """A number of bytes as people read it: "1.5 MB"."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"
