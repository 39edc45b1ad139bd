"""What a home's place leaves behind, if it comes to be no home."""

import fcntl
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from postlude.spec.problem import ConfigError
from postlude.stores.home import open_home
from postlude.stores.reservation import reserved_home

HOLD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from postlude.stores.reservation import reserved_home
with reserved_home(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def below(directory: Path) -> list[str]:
    return sorted(str(each.relative_to(directory)) for each in directory.rglob("*"))


def test_a_place_that_comes_to_be_no_home_is_as_it_was(tmp_path: Path) -> None:
    with reserved_home(tmp_path / "deep" / "home", traces=["log"]) as home:
        (home.root / "log").touch()
        (home.cache / "ir").mkdir()
        (home.cache / "ir" / "kept.json").touch()
        assert stat.S_IMODE(home.root.stat().st_mode) == stat.S_IMODE(home.cache.stat().st_mode) == 0o700
    assert below(tmp_path) == []


def test_a_place_that_came_to_be_a_home_stays(tmp_path: Path) -> None:
    with reserved_home(tmp_path / "home", traces=["log"]) as home:
        (home.root / "log").touch()
        open_home(home.root)
    assert below(tmp_path / "home") == ["artifacts", "cache", "environments", "log", "postlude.db", "runs"]


def test_a_directory_that_was_there_stays_with_what_was_in_it(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    (tmp_path / "cache").mkdir()
    with reserved_home(tmp_path, traces=["log"]) as home:
        (home.cache / "kept.json").touch()
    assert below(tmp_path) == ["cache", "cache/kept.json", "log"]


@pytest.mark.parametrize(("name", "text"), [("log", "a defect"), ("mine", "")])
def test_what_is_worth_something_or_is_somebody_elses_stays(tmp_path: Path, name: str, text: str) -> None:
    with reserved_home(tmp_path / "home", traces=["log"]) as home:
        (home.root / name).write_text(text)
    assert below(tmp_path / "home") == [name]


def test_a_place_is_not_taken_away_from_another_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    argv = [sys.executable, "-c", HOLD, str(home)]
    with (
        reserved_home(home),
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with reserved_home(home):
            pass
        assert below(home) == ["cache"]
        other.communicate()
        assert below(home) == ["cache"]
    assert below(tmp_path) == []


def test_nobody_loses_a_place_to_others_who_come_and_go(tmp_path: Path) -> None:
    home = tmp_path / "home"

    def come_and_go(name: str) -> None:
        for _ in range(100):
            with reserved_home(home) as place:
                (place.cache / name).touch()
                (place.cache / name).unlink()

    with ThreadPoolExecutor(4) as threads:
        ended = [threads.submit(come_and_go, str(number)) for number in range(4)]
    assert [one.result() for one in ended] == [None] * 4


@pytest.mark.parametrize("round_", range(20))
def test_a_place_that_is_taken_away_before_it_is_held_is_made_again(tmp_path: Path, round_: int) -> None:
    home = tmp_path / str(round_)
    home.mkdir()
    held = os.open(home, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    def found() -> list[str]:
        with reserved_home(home):
            return below(home)

    with ThreadPoolExecutor(1) as thread:
        reserving = thread.submit(found)
        while not (home / "cache").exists():
            pass
        home.rename(tmp_path / "away")
        os.close(held)
        assert reserving.result() == ["cache"]


@pytest.mark.parametrize("inside", ["", "deep/home"])
def test_a_place_where_no_directory_can_be_is_refused(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    root = tmp_path / "file" / inside
    with pytest.raises(ConfigError) as refused, reserved_home(root):
        pass
    assert str(refused.value).startswith(f"{root}: cannot be made Postlude's home: Not a directory; choose a writable")


def test_a_file_system_that_makes_no_directories_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^/proc/postlude: cannot be made Postlude's home: No such file"):
        reserved_home(Path("/proc/postlude")).__enter__()
