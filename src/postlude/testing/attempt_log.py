"""What doubles write to the log of an attempt, in the format of the real executors."""

from collections.abc import Iterable
from pathlib import Path

from postlude.core.instant import rfc3339


def say(log: Path, lines: Iterable[str], at: float) -> None:
    """Append lines to a log that may not be there yet.

    Args:
        log: The file.
        lines: What to write; a line that holds several becomes one.
        at: The time, in seconds since the epoch.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", errors="replace") as file:
        file.writelines(f"{rfc3339(at)} stderr F {' '.join(line.splitlines())}\n" for line in lines)
