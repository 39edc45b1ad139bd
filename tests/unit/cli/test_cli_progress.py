"""What the views show while an attempt waits for its packages."""

import io
import re

import pytest
from cli_documents import run, task
from rich.console import Console

from postlude.cli.lines import LinesView, SilentView
from postlude.cli.live import LiveView
from postlude.cli.rows import plain, rows
from postlude.cli.tree import Tree, tree_of


def tree(state: str) -> Tree:
    return tree_of(run(task("fetch"), task("train", state, finished=None), state="RUNNING"))


def test_a_running_task_says_what_it_waits_for() -> None:
    found = tree("RUNNING")
    found.note("train", "installing pandas==2")
    assert plain(rows(found)[2]).endswith("  installing pandas==2")


@pytest.mark.parametrize(
    ("state", "notes"),
    [
        pytest.param("RUNNING", ["installing a", ""], id="once-it-is-done"),
        pytest.param("FAILED", ["installing a"], id="once-the-task-is-final"),
    ],
)
def test_nothing_is_said(state: str, notes: list[str]) -> None:
    found = tree(state)
    for doing in notes:
        found.note("train", doing)
    assert "installing" not in "".join(map(plain, rows(found)))


def test_a_task_that_nobody_knows_changes_nothing() -> None:
    found = tree("RUNNING")
    found.note("gone", "installing a")
    assert "installing" not in "".join(map(plain, rows(found)))


def test_elsewhere_it_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = LinesView()
    view.note("body/train", "installing a, b")
    view.note("body/train", "")
    SilentView().note("body/train", "installing a")
    assert re.fullmatch(r"\d\d:\d\d:\d\d body/train installing a, b\n", capsys.readouterr().out)


def test_the_live_view_shows_it() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, height=10, color_system=None)
    view = LiveView("demo", terminal, before=run(task("train", "RUNNING", finished=None), state="RUNNING"))
    view.note("train", "installing a")
    before, after = view._draw().plain, (view.note("train", ""), view._draw().plain)[1]
    assert ("installing a" in before, "installing" in after) == (True, False)
