"""Matrix G, third part: engines that are killed and runs that are resumed and retried."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from components import fail, flaky, note, ok, report
from conductor import LONG_S, Conductor
from harness import Result
from interrupted import hang, hangs_once, hangs_then_fails, needs, told, told_once
from kfp import compiler, dsl

LOST = {"code": 14, "message": "the engine was lost while the attempt ran"}


@pytest.fixture
def conductor(tmp_path: Path) -> Conductor:
    return Conductor(home=tmp_path / "home")


def compiled(pipeline: Any, directory: Path) -> Path:
    source = directory / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(source))
    return source


def killed_while_it_runs(conductor: Conductor, source: Path, ready: Path, arguments: Mapping[str, Any]) -> None:
    """Run a pipeline in a process that is killed once a task's process says that it runs."""
    os.mkfifo(ready)
    process = conductor.start(source, {"ready": ready, **arguments})
    ready.read_text()
    process.send(signal.SIGKILL)
    with process.popen as popen:
        assert popen.wait(LONG_S) == -signal.SIGKILL


def history(result: Result, path: str) -> list[tuple[int, Any]]:
    """Number and error of each attempt that was followed by another."""
    return [(past["attempt"], past["error"]) for past in result.run.tasks[path].document["history"]]


def test_G14_a_lost_attempt_is_made_again_and_finished_tasks_are_not(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="g14")
    def pipeline(log: str, ready: str, notes: str) -> None:
        with dsl.ExitHandler(told(log=log)):
            hangs_once(log=log, ready=ready).after(note(log=notes, word="once"))

    log, notes = tmp_path / "log", tmp_path / "notes"
    source = compiled(pipeline, tmp_path)
    killed_while_it_runs(conductor, source, tmp_path / "ready", {"log": log, "notes": notes})
    result = conductor.resume()

    path = "exit-handler-1/hangs-once"
    assert (history(result, path), result.run.tasks[path].attempts) == ([(1, LOST)], 2)
    assert result.error(path) is None
    assert notes.read_text() == "once\n"
    *attempts, payload = log.read_text().splitlines()
    assert attempts == ["body", "body"]
    assert (json.loads(payload)["state"], result.state) == ("COMPLETE", "SUCCEEDED")


def test_G14_a_lost_attempt_uses_up_no_retry(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="g14")
    def pipeline(log: str, ready: str) -> None:
        hangs_then_fails(log=log, ready=ready).set_retry(1)

    log = tmp_path / "log"
    killed_while_it_runs(conductor, compiled(pipeline, tmp_path), tmp_path / "ready", {"log": log})
    result = conductor.resume()

    failed = {"code": 2, "message": "ValueError: the second attempt"}
    assert history(result, "hangs-then-fails") == [(1, LOST), (2, failed)]
    assert (result.outputs("hangs-then-fails"), result.state) == ({"Output": 3}, "SUCCEEDED")


@dsl.pipeline(name="told")
def tells(log: str) -> None:
    with dsl.ExitHandler(told(log=log)):
        fail()


def test_G15_killed_after_the_body_and_before_the_exit_task(conductor: Conductor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    conductor.killed(compiled(tells, tmp_path), {"log": log}, kill_at="saved:3")

    before = conductor.stored()
    assert (before.states["exit-handler-1"], before.states["told"], log.exists()) == ("FAILED", "PENDING", False)
    result = conductor.resume()

    (line,) = log.read_text().splitlines()
    assert json.loads(line) == before.payload("told") == result.payload("told")
    group = [one.run.tasks["exit-handler-1"].document for one in (before, result)]
    assert group[0] == group[1]
    assert (result.states["told"], result.run.tasks["told"].attempts) == ("SUCCEEDED", 1)
    assert (result.state, result.code, result.message) == ("FAILED", 2, "exit-handler-1/fail: ValueError: boom")


def test_G16_killed_in_the_middle_of_the_exit_task(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="g16")
    def pipeline(log: str, ready: str, counter: str) -> None:
        with dsl.ExitHandler(told_once(log=log, ready=ready)):
            flaky(counter=counter, failures=1)

    log, calls = tmp_path / "log", tmp_path / "calls"
    arguments = {"log": log, "counter": calls}
    killed_while_it_runs(conductor, compiled(pipeline, tmp_path), tmp_path / "ready", arguments)
    result = conductor.resume()

    first, second = log.read_text().splitlines()
    assert first == second
    assert (json.loads(first)["state"], json.loads(first)["error"]["code"]) == ("FAILED", 2)
    assert (history(result, "told-once"), result.run.tasks["told-once"].attempts) == ([(1, LOST)], 2)
    assert (result.states["told-once"], result.state, calls.read_text()) == ("SUCCEEDED", "FAILED", "x")


@pytest.mark.parametrize("point", ["saved:5", "performed:3", "finished"])
def test_G17_killed_after_the_exit_task(conductor: Conductor, tmp_path: Path, point: str) -> None:
    log = tmp_path / "log"
    conductor.killed(compiled(tells, tmp_path), {"log": log}, kill_at=point)
    before = conductor.stored()
    result = conductor.resume()

    assert result.run.document == before.run.document
    assert (result.state, len(log.read_text().splitlines())) == ("FAILED", 1)
    assert [task.attempts for task in result.run.tasks.values() if task.kind == "task"] == [1, 1]


# --- a cancel that an engine did not live to finish -------------------------------------------------------------------


@dsl.pipeline(name="canceled")
def canceled(log: str, ready: str) -> None:
    with dsl.ExitHandler(told(log=log)):
        hang(ready=ready)


@pytest.mark.parametrize("point", ["saved:3", "performed:2", "decided:4", "saved:4", "decided:6", "saved:6"])
def test_R8_a_cancel_outlives_its_engine(conductor: Conductor, tmp_path: Path, point: str) -> None:
    source, ready, log = compiled(canceled, tmp_path), tmp_path / "ready", tmp_path / "log"
    os.mkfifo(ready)
    process = conductor.start(source, {"ready": ready, "log": log}, kill_at=point)
    ready.read_text()
    process.send(signal.SIGINT)
    assert process.end()[0] == -signal.SIGKILL
    result = conductor.resume()

    assert result.states == {
        "exit-handler-1": "CANCELED",
        "exit-handler-1/hang": "CANCELED",
        "told": "SUCCEEDED",
    }
    payloads = {line: json.loads(line) for line in log.read_text().splitlines()}
    assert [payload["state"] for payload in payloads.values()] == ["CANCELED"]
    assert (result.state, result.code, result.message) == ("CANCELED", 1, "the run was canceled")


# --- retry ------------------------------------------------------------------------------------------------------------


def test_G18_a_retry_runs_what_failed_and_the_exit_task(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="g18")
    def pipeline(file: str, notes: str) -> None:
        with dsl.ExitHandler(report()):
            kept = note(log=notes, word="once")
            note(log=notes, word="after").after(needs(file=file).after(kept))

    file, notes = tmp_path / "file", tmp_path / "notes"
    failed = conductor.run(pipeline, {"file": str(file), "notes": str(notes)})
    assert failed.states_of("exit-handler-1/needs", "exit-handler-1/note-2") == ["FAILED", "UPSTREAM_FAILED"]
    assert (failed.verdict()[:2], failed.state) == (("FAILED", 2), "FAILED")

    file.write_text("found")
    result = conductor.retry(failed.run.run_id)

    assert set(result.states.values()) == {"SUCCEEDED"}
    assert result.verdict() == ("COMPLETE", None, None, "exit-handler-1")
    assert (result.state, result.code) == ("SUCCEEDED", None)
    assert notes.read_text() == "once\nafter\n"
    attempts = {path: task.attempts for path, task in result.run.tasks.items() if task.kind == "task"}
    assert attempts == {
        "exit-handler-1/note": 1,
        "exit-handler-1/needs": 2,
        "exit-handler-1/note-2": 1,
        "report": 2,
    }
    kept = [one.run.tasks["exit-handler-1/note"].document for one in (failed, result)]
    assert kept[0] == kept[1]


def test_G18_a_retry_that_fails_again_tells_the_exit_task_so(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="g18")
    def pipeline(file: str) -> None:
        with dsl.ExitHandler(report()):
            needs(file=file)

    failed = conductor.run(pipeline, {"file": str(tmp_path / "file")})
    result = conductor.retry(failed.run.run_id)

    assert result.verdict() == failed.verdict()
    assert (result.state, result.run.tasks["report"].attempts) == ("FAILED", 2)


def test_R13_a_retry_of_a_run_that_succeeded_changes_nothing(conductor: Conductor) -> None:
    @dsl.pipeline(name="r13")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()

    done = conductor.run(pipeline)

    assert conductor.retry(done.run.run_id).run.document == done.run.document


def test_R13_a_retry_from_a_task_runs_what_follows_it_too(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="r13")
    def pipeline(notes: str) -> None:
        with dsl.ExitHandler(report()):
            first = note(log=notes, word="first")
            second = note(log=notes, word="second").after(first)
            note(log=notes, word="third").after(second)

    notes = tmp_path / "notes"
    done = conductor.run(pipeline, {"notes": str(notes)})
    result = conductor.retry(done.run.run_id, tasks=["exit-handler-1/note-2"])

    assert notes.read_text().split() == ["first", "second", "third", "second", "third"]
    attempts = {path: task.attempts for path, task in result.run.tasks.items() if task.kind == "task"}
    assert attempts == {"exit-handler-1/note": 1, "exit-handler-1/note-2": 2, "exit-handler-1/note-3": 2, "report": 2}
    assert (result.state, result.verdict()[0]) == ("SUCCEEDED", "COMPLETE")
