"""The log's format, written and read."""

import re
from datetime import UTC, datetime
from pathlib import Path

from postlude.executors.process.log import LogLine, read_log
from postlude.executors.process.supervisor.logfile import LINE_BYTES, LogFile

AT = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)


def written(path: Path, *parts: tuple[str, bytes]) -> list[tuple[str, str, bool]]:
    log = LogFile(str(path))
    for stream, data in parts:
        log.write(stream, data)
    log.close()
    return [(line.stream, line.text, line.whole) for line in read_log(path)]


def test_every_line_has_a_time_a_stream_and_a_tag(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stdout", b"hello\n"))
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z stdout F hello\n", (tmp_path / "log").read_text()
    )  # fmt: skip


def test_streams_are_interleaved_as_they_arrive_and_lines_kept_whole(tmp_path: Path) -> None:
    parts = (("stdout", b"one\ntw"), ("stderr", b"bad\n"), ("stdout", b"o\n\nno newline"))
    assert written(tmp_path / "log", *parts) == [
        ("stdout", "one", True), ("stderr", "bad", True), ("stdout", "two", True), ("stdout", "", True),
        ("stdout", "no newline", True),
    ]  # fmt: skip


def test_bytes_that_are_no_text_stay_readable(tmp_path: Path) -> None:
    assert written(tmp_path / "log", ("stdout", b"a\xffb\n")) == [("stdout", "a\N{REPLACEMENT CHARACTER}b", True)]


def test_long_lines_are_cut_between_characters_and_lose_nothing(tmp_path: Path) -> None:
    text = "x" + "é" * LINE_BYTES
    entries = written(tmp_path / "log", ("stdout", text.encode() + b"\n"))
    assert [whole for *_, whole in entries] == [False, False, True]
    assert "".join(part for _, part, _ in entries) == text


def test_a_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("2026-01-02T03:04:05.123456Z stderr F whole\nnot a line\n2026-01-02T03:04:05.1")
    assert list(read_log(path)) == [LogLine(at=AT, stream="stderr", text="whole")]


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    log = LogFile("/dev/full")
    log.write("stdout", b"lost\n")
    assert log.error == "[Errno 28] No space left on device"
