"""Copies of artifacts that live elsewhere: each once, as it was, and not too many."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.copy import _clone


def contents(tmp_path: Path, limit_bytes: int = 1000) -> Contents:
    return Contents(tmp_path / "cache", limit_bytes=limit_bytes)


def writing(content: bytes) -> Callable[[Path], None]:
    def make(fresh: Path) -> None:
        fresh.write_bytes(content)

    return make


def give(kept: Contents, digest: str, size: int = 100) -> bytes:
    seen: list[bytes] = []
    kept.give(digest, writing(b"x" * size), lambda copy: seen.append(copy.read_bytes()))
    return seen[0]


def test_a_copy_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(fresh: Path) -> None:
        made.append(fresh)
        fresh.write_text("x")

    for _ in range(2):
        contents(tmp_path).give("sha256:1", make, lambda _: None)
    assert len(made) == 1


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    kept = contents(tmp_path, limit_bytes=250)
    for name in ("a", "b"):
        give(kept, name)
    for age, name in enumerate(("a", "b")):
        copy = kept.find(name)
        assert copy is not None
        os.utime(copy.parent, (1000 - age, 1000 - age))
    give(kept, "c")
    assert [kept.find(name) is not None for name in ("a", "b", "c")] == [True, False, True]


def test_what_is_larger_than_all_may_be_is_given_all_the_same(tmp_path: Path) -> None:
    assert give(contents(tmp_path, limit_bytes=10), "a") == b"x" * 100


def test_a_copy_that_was_cut_short_is_no_copy(tmp_path: Path) -> None:
    kept = contents(tmp_path)

    def fail(fresh: Path) -> None:
        fresh.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        kept.give("a", fail, lambda _: None)
    assert (kept.find("a"), list((tmp_path / "cache").iterdir())) == (None, [])


def test_a_changed_copy_is_not_given_again(tmp_path: Path) -> None:
    kept = contents(tmp_path)
    give(kept, "a")
    copy = kept.find("a")
    assert copy is not None
    copy.write_text("changed")
    assert (kept.find("a"), give(kept, "a")) == (None, b"x" * 100)


def test_a_link_to_a_copy_does_not_make_it_a_changed_one(tmp_path: Path) -> None:
    kept = contents(tmp_path)
    kept.give("a", writing(b"x"), lambda copy: os.link(copy, tmp_path / "link"))
    assert kept.find("a") is not None


def test_another_process_that_tidies_up_meanwhile_does_no_harm(tmp_path: Path) -> None:
    kept, turns = contents(tmp_path), []

    def take(copy: Path) -> None:
        turns.append(copy)
        if len(turns) == 1:
            copy.unlink()
        copy.read_bytes()

    kept.give("a", writing(b"x"), take)
    assert len(turns) == 2


def test_what_a_task_made_is_taken_without_a_second_copy(tmp_path: Path) -> None:
    source = tmp_path / "made"
    source.write_bytes(b"x" * 1000)
    kept = contents(tmp_path)
    kept.adopt("a", source)
    copy = kept.find("a")
    assert copy is not None
    assert copy.samefile(source) or _clone(source, tmp_path / "probe")
