"""Digests of large files are remembered for as long as they are right."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from postlude.stores.artifacts.memo import WORTH_BYTES, DigestMemo


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that is worth remembering, and whose last change is past."""
    path = tmp_path / "large"
    path.write_bytes(b"a" * WORTH_BYTES)
    settle(path)
    return path


def settle(path: Path) -> None:
    """Wait until the file system's clock is past the file's last change."""
    while time.time() - path.stat().st_ctime < 0.1:
        os.sched_yield()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def spoil(tmp_path: Path) -> None:
    """Make every note say something else, to see whether it is read."""
    for note in (tmp_path / "notes").rglob("*"):
        if note.is_file():
            note.write_text("f" * 64)


def test_a_large_file_is_hashed_once(tmp_path: Path, large: Path) -> None:
    memo = DigestMemo(tmp_path / "notes")
    first = memo.hash_of(large)
    spoil(tmp_path)
    assert (first, memo.hash_of(large)) == (sha256(large), "f" * 64)


def change(path: Path) -> None:
    path.write_bytes(b"b" * WORTH_BYTES)


def change_and_set_the_time_back(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"b" * WORTH_BYTES)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_another(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"b" * WORTH_BYTES)
    other.replace(path)


@pytest.mark.parametrize("alter", [change, change_and_set_the_time_back, replace_by_another])
def test_a_changed_file_is_hashed_again(tmp_path: Path, large: Path, alter: object) -> None:
    memo = DigestMemo(tmp_path / "notes")
    memo.hash_of(large)
    spoil(tmp_path)
    alter(large)  # type: ignore[operator]
    assert memo.hash_of(large) == sha256(large)


def test_a_file_that_changed_just_now_is_not_remembered(tmp_path: Path, large: Path) -> None:
    large.write_bytes(b"c" * WORTH_BYTES)
    os.utime(large, ns=(time.time_ns() + 10**10,) * 2)
    DigestMemo(tmp_path / "notes").hash_of(large)
    assert not (tmp_path / "notes").exists()


def test_a_small_file_is_not_worth_a_note(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x")
    settle(tmp_path / "small")
    DigestMemo(tmp_path / "notes").hash_of(tmp_path / "small")
    assert not (tmp_path / "notes").exists()


def test_a_broken_note_is_no_note(tmp_path: Path, large: Path) -> None:
    memo = DigestMemo(tmp_path / "notes")
    memo.hash_of(large)
    for note in (tmp_path / "notes").rglob("*"):
        if note.is_file():
            note.write_bytes(b"\xff")
    assert memo.hash_of(large) == sha256(large)


def test_a_very_large_file_is_remembered_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "very-large"
    with path.open("wb") as file:
        file.truncate(32 * WORTH_BYTES)
    DigestMemo(tmp_path / "notes").hash_of(path)
    spoil(tmp_path)
    assert DigestMemo(tmp_path / "notes").hash_of(path) == "f" * 64
