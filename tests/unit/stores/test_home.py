"""Where files are kept, and that no name leads elsewhere."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postlude.core.task import ROOT, TaskPath
from postlude.spec.problem import ConfigError
from postlude.stores.home import Home, database_url, default_root, open_home, safe_name

NOBODY = 65534
HOME = Home(root=Path("/h"))


@pytest.mark.parametrize(
    ("environ", "platform", "root"),
    [
        pytest.param({"POSTLUDE_HOME": "/p", "XDG_DATA_HOME": "/x"}, "linux", "/p", id="said"),
        pytest.param({"POSTLUDE_HOME": "", "XDG_DATA_HOME": "/x"}, "linux", "/x/postlude", id="xdg"),
        pytest.param({"HOME": "/u", "XDG_DATA_HOME": ""}, "linux", "/u/.local/share/postlude", id="linux"),
        pytest.param({"HOME": "/u"}, "darwin", "/u/Library/Application Support/postlude", id="mac"),
    ],
)
def test_the_home_is_where_the_platform_keeps_user_data(environ: dict[str, str], platform: str, root: str) -> None:
    assert default_root(environ, platform=platform) == Path(root)


def test_the_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "data" / "postlude"
    home = open_home(environ={"POSTLUDE_HOME": str(root)})
    made = {path.name: path.stat().st_mode & 0o777 for path in root.iterdir()}
    assert home == Home(root=root)
    assert root.stat().st_mode & 0o777 == 0o700
    assert made == dict.fromkeys(["runs", "artifacts", "environments", "cache"], 0o700) | {"postlude.db": 0o600}


def test_a_home_whose_database_is_elsewhere_gets_none(tmp_path: Path) -> None:
    home = open_home(tmp_path, environ={"POSTLUDE_DATABASE_URL": "postgresql://server/runs"})
    assert not home.database.exists()


def test_a_home_is_opened_again(tmp_path: Path) -> None:
    assert open_home(tmp_path) == open_home(tmp_path)


def test_a_relative_home_and_a_tilde_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [open_home(Path(root)).root for root in ("a/../b", "~/c")] == [tmp_path / "b", tmp_path / "c"]


REMEDY = "choose a writable directory with --home or POSTLUDE_HOME"


def test_a_file_cannot_be_the_home(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigError) as refused:
        open_home(file)
    assert str(refused.value) == f"{file}: cannot be made Postlude's home: File exists; {REMEDY}"


def test_a_home_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        open_home(Path("/proc/postlude"))
    assert str(refused.value) == f"/proc/postlude: cannot be made Postlude's home: No such file or directory; {REMEDY}"


@contextmanager
def unprivileged() -> Iterator[None]:
    """Act as a user whom permissions bind: root may write anywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_home_that_cannot_be_written_is_refused() -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        open_home(root)
        root.chmod(0o555)
        with unprivileged(), pytest.raises(ConfigError) as refused:
            open_home(root)
        root.chmod(0o700)
    assert str(refused.value) == f"{root}: cannot be made Postlude's home: Permission denied; {REMEDY}"


def test_the_database_is_the_homes_unless_somebody_says() -> None:
    said = {"POSTLUDE_DATABASE_URL": "postgresql://h/d"}
    assert [database_url(HOME, environ) for environ in ({}, said)] == ["sqlite:////h/postlude.db", "postgresql://h/d"]


@pytest.mark.parametrize(
    ("path", "directory"),
    [
        pytest.param("train", "train/1", id="task"),
        pytest.param("exit-handler-1/for-loop-2[1]/train", "exit-handler-1/for-loop-2/1/train/1", id="in-a-loop"),
        pytest.param("loop[12]", "loop/12/1", id="iteration"),
        pytest.param(ROOT, "1", id="root"),
    ],
)
def test_an_attempt_has_a_directory(path: TaskPath, directory: str) -> None:
    assert HOME.task_directory("ab-1", path, 1) == Path("/h/runs/ab-1/tasks") / directory


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../..",
        "a/../../../b",
        "/etc/passwd",
        ".",
        "",
        "a//b",
        "a\0b",
        "a\\..\\b",
        ".hidden",
        "..[1]",
        "\ud800",
        "é",
    ],
)
def test_no_name_leads_out_of_the_run(path: str) -> None:
    directory = HOME.task_directory(path, TaskPath(path), 1)
    inside = os.path.relpath(os.path.normpath(directory), HOME.runs).split("/")
    assert (len(inside) >= 3, inside[1], os.pardir in inside) == (True, "tasks", False)


def test_different_names_have_different_directories() -> None:
    names = ["a", "A", "a ", "a/b", "a-b", "a b", "a[1]", "a/1", "..", ".", "é", "e", "x" * 200, "x" * 201, "x" * 202]
    made = {str(HOME.task_directory("r", TaskPath(name), 1)).lower() for name in names}
    # "a[1]" and "a/1" share one: a loop holds iterations only, and a group none.
    assert len(made) == len(names) - 1


def test_a_long_name_becomes_a_short_one() -> None:
    assert len(safe_name("x" * 300)) <= 200
    assert safe_name("x" * 300).startswith("xxx")


def test_a_hashed_name_cannot_be_written_as_a_plain_one() -> None:
    assert safe_name(safe_name("A")) != safe_name("A")
