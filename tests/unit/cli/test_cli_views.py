import io
import re

import pytest
from cli_documents import run, task
from rich.console import Console

from postlude.cli.lines import LinesView, SilentView
from postlude.cli.live import LiveView
from postlude.core.run_state import Run, Settings
from postlude.core.task import ROOT, Code, Kind, State, Task, TaskError, TaskPath
from postlude.spec import types as spec

DAG = spec.Dag(topology=spec.Topology(exit_of={"notify": "body"}))


def node(path: str, state: State = State.SUCCEEDED, kind: Kind = Kind.TASK, **given: object) -> Task:
    key = path.rpartition("/")[2]
    return Task(
        path=TaskPath(path),
        parent=ROOT,
        kind=kind,
        state=state,
        spec=spec.Task(key=key, component="c"),
        component=spec.Component(name="c", dag=DAG if path == ROOT else None),
        **{"attempt": 1, "started_at": 100.0, "finished_at": 101.2 if state.is_final else None, **given},  # type: ignore[arg-type]
    )


def run_of(*tasks: Task) -> Run:
    pipeline = spec.Pipeline(name="demo", root=spec.Component(name="root", dag=DAG))
    settings = Settings(run_id="r", name="demo", created_at=0.0)
    return Run(pipeline=pipeline, settings=settings, tasks={task.path: task for task in (node(ROOT), *tasks)})


def printed(capsys: pytest.CaptureFixture[str], *steps: Task) -> list[str]:
    view = LinesView()
    for step in steps:
        view.watch(run_of(step), [step])
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    failed = TaskError(code=Code.UNKNOWN, message="ValueError: no\nmore")
    assert printed(
        capsys,
        node("train", State.PENDING),
        node("train", State.RUNNING),
        node("train", State.RUNNING, attempt=2),
        node("train", State.FAILED, attempt=2, error=failed),
        node("old", cached=True),
        node("body", State.RUNNING, Kind.GROUP),
        node("body", State.FAILED, Kind.GROUP, error=failed),
        node(ROOT, State.FAILED, Kind.GROUP),
    ) == [
        "train RUNNING",
        "train RUNNING attempt 2",
        "train FAILED 1.2s ValueError: no",
        "old SUCCEEDED 1.2s cached",
        "body FAILED 1.2s",
    ]


def test_a_change_that_changes_no_state_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, *[node("train", State.RUNNING)] * 3) == ["train RUNNING"]


def test_the_silent_view_prints_nothing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    view = SilentView()
    view.watch(run_of(), [node("train")])
    view.say("canceling")
    assert capsys.readouterr() == ("", "canceling\n")


def test_the_live_view_draws_the_tree_and_leaves_what_was_said() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, height=20, color_system=None)
    train, notify = node("body", State.RUNNING, Kind.GROUP), node("notify", State.PENDING)
    with LiveView("demo", terminal) as view:
        view.watch(run_of(train, notify), [train, notify])
        view.say("canceling")
    drawn = terminal.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    assert "├─ ● body" in drawn
    assert "exit task of body" in drawn
    assert drawn.endswith("canceling\n")


def test_the_live_view_is_never_higher_than_the_terminal() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, height=10, color_system=None)
    many = [node(f"t{index}", State.RUNNING) for index in range(500)]
    view = LiveView("demo", terminal)
    view.watch(run_of(*many), many)
    assert len(view._draw().plain.splitlines()) <= 8


def test_the_live_view_of_a_run_that_is_gone_on_with_begins_with_how_it_stood() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, height=10, color_system=None)
    before = run(task("fetch"), task("train", "FAILED"))
    view = LiveView("demo", terminal, before=before)
    train = node("train", State.RUNNING)
    view.watch(run_of(train), [train])
    drawn = view._draw().plain
    assert ("✓ fetch" in drawn, "● train" in drawn) == (True, True)
