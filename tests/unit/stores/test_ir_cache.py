"""What is parsed once need not be parsed again, and nothing depends on that."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from postlude.spec.types import Json
from postlude.stores.ir_cache import IrCache

TEXT = b"pipelineInfo: {name: a}"
DOCUMENTS: tuple[Json, Json] = ({"pipelineInfo": {"name": "a"}, "root": {"x": [1, 2.5, None, "\u00e9"]}}, None)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def entries(directory: Path) -> list[Path]:
    return sorted((directory / "ir").iterdir())


def test_documents_are_found_by_their_text_alone(directory: Path) -> None:
    IrCache(directory).keep(TEXT, DOCUMENTS)
    cache = IrCache(directory)
    assert (cache.find(TEXT), cache.find(TEXT + b" ")) == (DOCUMENTS, None)


def test_entries_are_for_their_owner_alone(directory: Path) -> None:
    IrCache(directory).keep(TEXT, DOCUMENTS)
    (entry,) = entries(directory)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (entry.parent, entry)] == [0o700, 0o600]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut-off": lambda entry: entry[:-1],
    "changed": lambda entry: entry.replace(b'"a"', b'"b"'),
    "other-format": lambda entry: entry.replace(b"postlude.ir/1", b"postlude.ir/2"),
    "no-json": lambda _: b"postlude.ir/1 x\n{",
}


@pytest.mark.parametrize("damaged", [pytest.param(act, id=name) for name, act in DAMAGE.items()])
def test_a_damaged_entry_is_not_there_and_is_replaced(directory: Path, damaged: Callable[[bytes], bytes]) -> None:
    cache = IrCache(directory)
    cache.keep(TEXT, DOCUMENTS)
    (entry,) = entries(directory)
    whole = entry.read_bytes()
    entry.write_bytes(damaged(whole))
    found = cache.find(TEXT)
    cache.keep(TEXT, DOCUMENTS)
    assert (found, cache.find(TEXT), entry.read_bytes()) == (None, DOCUMENTS, whole)


def test_only_the_entries_that_were_used_last_are_kept(directory: Path) -> None:
    cache = IrCache(directory)
    texts = [str(number).encode() for number in range(256)]
    for number, text in enumerate(texts):
        cache.keep(text, DOCUMENTS)
        for entry in entries(directory):
            if entry.stat().st_mtime > len(texts):
                os.utime(entry, (number, number))
    cache.find(texts[0])
    cache.keep(TEXT, DOCUMENTS)
    kept = [text for text in (*texts, TEXT) if cache.find(text)]
    assert kept == [texts[0], *texts[2:], TEXT]


def test_nothing_is_made_where_there_is_no_home(tmp_path: Path) -> None:
    cache = IrCache(tmp_path / "home" / "cache")
    cache.keep(TEXT, DOCUMENTS)
    assert (cache.find(TEXT), list(tmp_path.iterdir())) == (None, [])


def test_what_cannot_be_written_is_not_kept(directory: Path) -> None:
    (directory / "ir").write_text("in the way")
    cache = IrCache(directory)
    cache.keep(TEXT, DOCUMENTS)
    assert cache.find(TEXT) is None
