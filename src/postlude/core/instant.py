"""Times as text. The one place of `core` that knows a calendar; nothing here reads a clock."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)  # what happens in one step happens at one time
def rfc3339(at: float) -> str:
    """The time as RFC 3339 text in UTC with microseconds: "2026-01-02T03:04:05.123456Z".

    Args:
        at: Seconds since the epoch.
    """
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def rfc3339_or_none(at: float | None) -> str | None:
    """As `rfc3339`; None stays None."""
    return None if at is None else rfc3339(at)
