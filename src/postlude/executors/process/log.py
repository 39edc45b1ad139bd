"""The log of an attempt: the text format that Kubernetes' container runtimes write (CRI).

One entry a line: time, stream, F or P, text::

    2026-01-02T03:04:05.123456Z stdout F a whole line
    2026-01-02T03:04:05.123457Z stderr P the first piece of a very long line, to be continued

Times are UTC, of arrival. Both streams stand in the order in which their output arrived. Bytes that are not UTF-8
become U+FFFD. The file grows while the task runs.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a log.

    Attributes:
        at: When it arrived, with its time zone.
        stream: "stdout" or "stderr".
        text: What was written, without its newline.
        whole: False for a piece of a long line that goes on in this stream's next entry.
    """

    at: datetime
    stream: str
    text: str
    whole: bool = True


def read_log(path: Path) -> Iterator[LogLine]:
    """The entries of a log, oldest first. A last line that is still being written, or was cut, is left out.

    Raises:
        FileNotFoundError: There is no such log.
    """
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            entry = _parse(line)
            if entry is not None:
                yield entry


def _parse(line: str) -> LogLine | None:
    """The entry in a line, None where the line is none."""
    parts = line.split(" ", 3)
    if len(parts) != 4 or not line.endswith("\n"):
        return None
    stamp, stream, tag, text = parts
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return LogLine(at=at, stream=stream, text=text[:-1], whole=tag == "F")
