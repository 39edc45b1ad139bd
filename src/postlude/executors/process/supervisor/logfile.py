"""Writes the log of one attempt while it runs; `executors.process.log` states the format and reads it."""

import os
from datetime import UTC, datetime

LINE_BYTES = 16 * 1024
"""Longer lines are cut into partial entries of this size, so that no line has to fit in memory."""

_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class LogFile:
    """A log that grows entry by entry, both streams in the order their bytes arrive.

    Attributes:
        error: Why entries are missing, "" while none are.
        last_stderr: The last line on stderr that is not blank.
    """

    def __init__(self, path: str) -> None:
        """Open the log for appending, with the directories it stands in.

        Raises:
            OSError: It cannot be opened.
        """
        self._fd = _open(path)
        self._pending = {"stdout": b"", "stderr": b""}
        self.error = ""
        self.last_stderr = ""

    def write(self, stream: str, data: bytes) -> None:
        """Take what arrived on a stream; whole lines are on disk when it returns."""
        *lines, rest = (self._pending[stream] + data).split(b"\n")
        head = f"{_stamp()} {stream} ".encode()
        entries: list[bytes] = []
        for line in lines:
            rest_of_line = _cut(entries, head, line)
            entries.append(b"%bF %b\n" % (head, _readable(rest_of_line)))
        self._pending[stream] = _cut(entries, head, rest)
        if stream == "stderr":
            self._remember(lines)
        self._append(b"".join(entries))

    def close(self) -> None:
        """Write what no newline ended, and close."""
        for stream, pending in self._pending.items():
            if pending:
                self.write(stream, b"\n")
        os.close(self._fd)

    def _remember(self, lines: list[bytes]) -> None:
        last = next((line for line in reversed(lines) if line.strip()), None)
        if last is not None:
            self.last_stderr = last[:2000].decode("utf-8", "replace").strip()

    def _append(self, entries: bytes) -> None:
        view = memoryview(entries)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            # A full disk must not stop the other attempts; the report says what is missing.
            self.error = self.error or str(error)


def _open(path: str) -> int:
    try:
        return os.open(path, _APPENDING, 0o644)
    except OSError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, _APPENDING, 0o644)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _cut(entries: list[bytes], head: bytes, line: bytes) -> bytes:
    """Turn all of a line but its last LINE_BYTES or less into partial entries; returns that last piece."""
    start = 0
    while len(line) - start > LINE_BYTES:
        end = _character_start(line, start + LINE_BYTES)
        entries.append(b"%bP %b\n" % (head, _readable(line[start:end])))
        start = end
    return line[start:]


def _character_start(line: bytes, at: int) -> int:
    """The nearest place at or before `at` where a UTF-8 character may begin."""
    for back in range(4):
        if line[at - back] & 0xC0 != 0x80:
            return at - back
    return at


def _readable(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace").encode()
    return line
