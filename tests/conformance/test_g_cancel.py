"""Matrix G, first part, and R8: cancel."""

import os
import signal
import threading
from pathlib import Path

import pytest
from components import echo, fail, failing_report, flaky, note, ok, report
from conductor import Conductor, cancel, force, is_in, waits_to_retry
from harness import Ir, Result, edited, move_into
from interrupted import hang, hang_if, hanging_report, stubborn, tidy
from kfp import compiler, dsl

from postlude.core.final_status import CANCELED_MESSAGE

CANCELED = (1, CANCELED_MESSAGE)
TOLD_CANCELED = ("CANCELED", *CANCELED, "exit-handler-1")


@pytest.fixture
def conductor(tmp_path: Path) -> Conductor:
    return Conductor(home=tmp_path / "home")


def verdict(result: Result) -> tuple[str, int | None, str]:
    return (result.state, result.code, result.message)


@dsl.pipeline(name="hangs")
def hangs(ready: str = "") -> None:
    """A finished task, a running one and a waiting one under an exit handler."""
    with dsl.ExitHandler(report()):
        running = hang(ready=ready).after(ok())
        ok().after(running)


# --- the rows ---------------------------------------------------------------------------------------------------------


def test_G1_cancel_while_the_body_runs(conductor: Conductor) -> None:
    result = conductor.run(hangs, when=[(is_in("exit-handler-1/hang", "RUNNING"), cancel)])

    assert result.states == {
        "exit-handler-1": "CANCELED",
        "exit-handler-1/ok": "SUCCEEDED",
        "exit-handler-1/hang": "CANCELED",
        "exit-handler-1/ok-2": "CANCELED",
        "report": "SUCCEEDED",
    }
    assert [result.error(f"exit-handler-1/{key}") for key in ("hang", "ok-2")] == [CANCELED] * 2
    assert result.verdict() == TOLD_CANCELED
    assert verdict(result) == ("CANCELED", *CANCELED)


def test_G2_cancel_before_any_task_of_an_entered_group_started(conductor: Conductor) -> None:
    @dsl.pipeline(name="g2")
    def pipeline() -> None:
        echo(text="occupies the worker")
        with dsl.ExitHandler(report()):
            ok()

    result = conductor.run(pipeline, when=[(is_in("echo", "RUNNING"), cancel)], workers=1)

    body = result.run.tasks["exit-handler-1/ok"]
    assert (body.state, body.attempts) == ("CANCELED", 0)
    assert result.states_of("exit-handler-1", "report") == ["CANCELED", "SUCCEEDED"]
    assert result.verdict() == TOLD_CANCELED
    assert result.state == "CANCELED"


def test_G2_a_group_that_was_never_entered_owes_no_exit_task(conductor: Conductor) -> None:
    @dsl.pipeline(name="g2")
    def pipeline() -> None:
        first = hang()
        with dsl.ExitHandler(report()):
            ok().after(first)

    result = conductor.run(pipeline, when=[(is_in("hang", "RUNNING"), cancel)])

    assert set(result.states.values()) == {"CANCELED"}
    assert result.run.tasks["report"].attempts == 0
    assert verdict(result) == ("CANCELED", *CANCELED)


def test_G3_cancel_during_the_exit_task_lets_it_finish(conductor: Conductor) -> None:
    @dsl.pipeline(name="g3")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()

    result = conductor.run(pipeline, when=[(is_in("report", "RUNNING"), cancel)])

    assert set(result.states.values()) == {"SUCCEEDED"}
    assert result.verdict() == ("COMPLETE", None, None, "exit-handler-1")
    assert verdict(result) == ("CANCELED", *CANCELED)


def test_G4_a_forced_second_cancel_stops_the_exit_task(conductor: Conductor) -> None:
    @dsl.pipeline(name="g4")
    def pipeline() -> None:
        with dsl.ExitHandler(hanging_report()):
            hang()

    first = (is_in("exit-handler-1/hang", "RUNNING"), cancel)
    second = (is_in("hanging-report", "RUNNING"), force)
    result = conductor.run(pipeline, when=[first, second])

    assert set(result.states.values()) == {"CANCELED"}
    assert result.error("hanging-report") == CANCELED
    assert verdict(result) == ("CANCELED", *CANCELED)


def test_G5_a_failure_before_the_cancel_is_what_the_exit_task_is_told(conductor: Conductor) -> None:
    @dsl.pipeline(name="g5")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail()
            ok().after(hang())

    result = conductor.run(pipeline, when=[(is_in("exit-handler-1/fail", "FAILED"), cancel)])

    assert result.states == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/fail": "FAILED",
        "exit-handler-1/hang": "CANCELED",
        "exit-handler-1/ok": "CANCELED",
        "report": "SUCCEEDED",
    }
    cause = (2, "exit-handler-1/fail: ValueError: boom")
    assert result.verdict() == ("FAILED", *cause, "exit-handler-1")
    assert verdict(result) == ("CANCELED", *cause)


def test_G6_cancel_while_a_task_waits_for_its_next_attempt(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="g6")
    def pipeline(counter: str) -> None:
        with dsl.ExitHandler(report()):
            flaky(counter=counter, failures=9).set_retry(9, backoff_duration="3600s")

    path, calls = "exit-handler-1/flaky", tmp_path / "calls"
    result = conductor.run(pipeline, {"counter": str(calls)}, when=[(waits_to_retry(path), cancel)])

    task = result.run.tasks[path]
    assert (task.state, task.attempts, calls.read_text()) == ("CANCELED", 1, "x")
    assert result.verdict() == TOLD_CANCELED
    assert result.state == "CANCELED"


def test_G7_cancel_inside_a_loop_keeps_finished_iterations(conductor: Conductor) -> None:
    @dsl.pipeline(name="g7")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1, 2], parallelism=1) as item:
            hang_if(value=item, bad=1)

    loop = "exit-handler-1/for-loop-3"
    result = conductor.run(pipeline, when=[(is_in(f"{loop}[1]/hang-if", "RUNNING"), cancel)])

    iterations = [f"{loop}[{index}]" for index in range(3)]
    assert result.states_of(loop, *iterations) == ["CANCELED", "SUCCEEDED", "CANCELED", "CANCELED"]
    tasks = result.states_of(*[f"{iteration}/hang-if" for iteration in iterations])
    assert tasks == ["SUCCEEDED", "CANCELED", "CANCELED"]
    assert result.payload("report")["tasks"] == {"CANCELED": 2, "SUCCEEDED": 1}
    assert result.verdict() == TOLD_CANCELED


def test_G8_nested_exit_tasks_run_from_the_inside_out(conductor: Conductor) -> None:
    @dsl.pipeline(name="g8")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
        with dsl.ExitHandler(report()):
            hang()

    def nest(ir: Ir) -> None:
        move_into(ir, "comp-exit-handler-1", "exit-handler-2", "report-2")

    inner = "exit-handler-1/exit-handler-2"
    result = conductor.run(edited(pipeline, nest), when=[(is_in(f"{inner}/hang", "RUNNING"), cancel)])

    assert result.states_of(inner, "exit-handler-1/report-2", "exit-handler-1", "report") == [
        "CANCELED",
        "SUCCEEDED",
        "CANCELED",
        "SUCCEEDED",
    ]
    assert result.verdict("exit-handler-1/report-2") == ("CANCELED", *CANCELED, "exit-handler-2")
    assert result.verdict("report") == TOLD_CANCELED
    assert result.started("report") >= result.finished("exit-handler-1/report-2")


def test_G9_an_exit_task_that_fails_after_a_cancel_is_the_runs_error(conductor: Conductor) -> None:
    @dsl.pipeline(name="g9")
    def pipeline() -> None:
        with dsl.ExitHandler(failing_report()):
            hang()

    result = conductor.run(pipeline, when=[(is_in("exit-handler-1/hang", "RUNNING"), cancel)])

    assert result.states_of("exit-handler-1", "failing-report") == ["CANCELED", "FAILED"]
    assert verdict(result) == (
        "CANCELED",
        2,
        "failing-report: RuntimeError: alert failed, was told CANCELED",
    )


# --- how tasks are stopped (R8) ---------------------------------------------------------------------------------------


def test_R8_a_stopped_task_has_a_grace_period_to_clean_up(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="r8")
    def pipeline(ready: str, log: str) -> None:
        with dsl.ExitHandler(report()):
            tidy(ready=ready, log=log)

    ready, log = tmp_path / "ready", tmp_path / "log"
    arguments = {"ready": str(ready), "log": str(log)}
    result = conductor.run(pipeline, arguments, at_word=(ready, cancel), grace_s=60.0)

    assert log.read_text() == "tidied up"
    assert (result.states["exit-handler-1/tidy"], result.verdict()) == ("CANCELED", TOLD_CANCELED)


def test_R8_a_task_that_ignores_sigterm_is_killed_after_the_grace_period(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="r8")
    def pipeline(ready: str) -> None:
        with dsl.ExitHandler(report()):
            stubborn(ready=ready)

    ready = tmp_path / "ready"
    result = conductor.run(pipeline, {"ready": str(ready)}, at_word=(ready, cancel), grace_s=0.1)

    assert (result.states["exit-handler-1/stubborn"], result.verdict()) == ("CANCELED", TOLD_CANCELED)


def test_R8_exit_tasks_can_be_switched_off(conductor: Conductor) -> None:
    running = is_in("exit-handler-1/hang", "RUNNING")
    result = conductor.run(hangs, when=[(running, cancel)], exit_tasks_on_cancel=False)

    assert result.states_of("exit-handler-1", "exit-handler-1/hang", "report") == ["CANCELED"] * 3
    assert result.run.tasks["report"].attempts == 0
    assert verdict(result) == ("CANCELED", *CANCELED)


def test_R8_tasks_of_an_exit_pipeline_are_spared(conductor: Conductor, tmp_path: Path) -> None:
    @dsl.pipeline(name="alarm")
    def alarm(log: str) -> None:
        note(log=log, word="second").after(note(log=log, word="first"))

    @dsl.pipeline(name="r8")
    def pipeline(log: str) -> None:
        with dsl.ExitHandler(alarm(log=log)):
            ok()

    log = tmp_path / "log"
    result = conductor.run(pipeline, {"log": str(log)}, when=[(is_in("alarm/note", "RUNNING"), cancel)])

    assert (log.read_text(), result.state) == ("first\nsecond\n", "CANCELED")
    assert result.states_of("alarm", "alarm/note", "alarm/note-2") == ["SUCCEEDED"] * 3


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_G19_a_signal_is_a_cancel(conductor: Conductor, tmp_path: Path, number: signal.Signals) -> None:
    source, ready = tmp_path / "pipeline.yaml", tmp_path / "ready"
    compiler.Compiler().compile(hangs, str(source))
    os.mkfifo(ready)

    process = conductor.start(source, {"ready": ready})
    ready.read_text()
    process.send(number)
    code, _ = process.end()

    result = conductor.stored()
    assert (code, *verdict(result)) == (130, "CANCELED", *CANCELED)
    assert result.states_of("exit-handler-1/hang", "exit-handler-1/ok-2") == ["CANCELED"] * 2
    assert result.verdict() == TOLD_CANCELED


# --- cancel against the end of the run --------------------------------------------------------------------------------


@dsl.pipeline(name="short")
def short() -> None:
    with dsl.ExitHandler(report()):
        ok()


def test_G20_cancels_that_come_after_the_end_change_nothing(conductor: Conductor) -> None:
    result = conductor.run(short, when=[(is_in("", "SUCCEEDED"), cancel), (is_in("", "SUCCEEDED"), force)])

    assert verdict(result) == ("SUCCEEDED", None, "")
    assert conductor.resume().run.document == result.run.document


@pytest.mark.parametrize("path", ["exit-handler-1/ok", "exit-handler-1", "report"])
def test_G20_cancels_that_race_with_the_end_agree_with_the_journal(conductor: Conductor, path: str) -> None:
    def both_at_once(engine: object) -> None:
        for act in (cancel, force):
            threading.Thread(target=act, args=(engine,)).start()

    result = conductor.run(short, when=[(is_in(path, "SUCCEEDED"), both_at_once)])

    assert result.state in ("SUCCEEDED", "CANCELED")
    assert conductor.replayed() == {key: value for key, value in result.run.document.items() if key != "tasks"}
    assert conductor.resume().run.document == result.run.document
