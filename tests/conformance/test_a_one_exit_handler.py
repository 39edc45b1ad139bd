"""Matrix A: one exit handler."""

from pathlib import Path
from typing import Any

import pytest
from components import (
    cleanup,
    fail,
    failing_report,
    flaky_report,
    killed,
    note,
    ok,
    report,
    slow,
    state_of,
)
from harness import Harness, Result, edited, tasks_of
from kfp import dsl

import postlude


def status(result: Result, state: str, code: int | None = None, message: str | None = None) -> dict[str, Any]:
    """What the process of a `report` task reads of `exit-handler-1`."""
    job = f"{result.run.pipeline}/{result.run.run_id}"
    return {"state": state, "code": code, "message": message, "task": "exit-handler-1", "job": job}


def test_A1_success_is_complete_without_an_error(harness: Harness) -> None:
    @dsl.pipeline(name="a1")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()

    result = harness.run(pipeline)

    assert result.states == {"exit-handler-1": "SUCCEEDED", "exit-handler-1/ok": "SUCCEEDED", "report": "SUCCEEDED"}
    assert result.told("report") == status(result, "COMPLETE")
    assert (result.state, result.code) == ("SUCCEEDED", None)


def test_A2_failing_body_is_reported_and_fails_the_run(harness: Harness) -> None:
    @dsl.pipeline(name="a2")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail(message="no data")
            ok()

    result = harness.run(pipeline)

    assert result.states == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/fail": "FAILED",
        "exit-handler-1/ok": "SUCCEEDED",
        "report": "SUCCEEDED",
    }
    message = "exit-handler-1/fail: ValueError: no data"
    assert result.told("report") == status(result, "FAILED", 2, message)
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_A3_failing_exit_task_fails_the_run(harness: Harness) -> None:
    @dsl.pipeline(name="a3")
    def pipeline() -> None:
        with dsl.ExitHandler(failing_report()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", "failing-report") == ["SUCCEEDED", "FAILED"]
    assert result.payload("failing-report")["error"] == {}
    message = "failing-report: RuntimeError: alert failed, was told COMPLETE"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_A4_failing_exit_task_after_a_failing_body_lists_both(harness: Harness) -> None:
    @dsl.pipeline(name="a4")
    def pipeline() -> None:
        with dsl.ExitHandler(failing_report()):
            fail()

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1/fail", "failing-report") == ["FAILED", "FAILED"]
    body = "exit-handler-1/fail: ValueError: boom"
    assert result.payload("failing-report")["error"] == {"code": 2, "message": body}
    both = f"{body}; failing-report: RuntimeError: alert failed, was told FAILED"
    assert (result.state, result.code, result.message) == ("FAILED", 2, both)


@pytest.mark.parametrize(("message", "state"), [("", "SUCCEEDED"), ("boom", "FAILED")], ids=["as-A1", "as-A2"])
def test_A5_exit_task_without_a_status_runs_once_at_the_end(
    harness: Harness, tmp_path: Path, message: str, state: str
) -> None:
    log = tmp_path / "order.txt"

    @dsl.pipeline(name="a5")
    def pipeline() -> None:
        with dsl.ExitHandler(note(log=str(log), word="exit")):
            note(log=str(log), word="body").after(slow(seconds=0.2))
            if message:
                fail(message=message)

    result = harness.run(pipeline)

    assert log.read_text().split() == ["body", "exit"]
    assert (result.states["note"], result.state) == ("SUCCEEDED", state)


def test_A6_two_failures_give_the_earlier_code_and_both_messages(harness: Harness) -> None:
    @dsl.pipeline(name="a6")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            killed()
            fail().after(slow(seconds=0.3))  # later, and first by name

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1/killed", "exit-handler-1/fail") == ["FAILED", "FAILED"]
    error = result.error("exit-handler-1/killed")
    assert error is not None
    message = f"exit-handler-1/killed: {error[1]}; exit-handler-1/fail: ValueError: boom"
    assert result.told("report") == status(result, "FAILED", 8, message)
    assert (result.state, result.code, result.message) == ("FAILED", 8, message)


def test_A7_exit_task_waits_for_a_slow_sibling_of_the_failure(harness: Harness) -> None:
    @dsl.pipeline(name="a7")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail()
            slow(seconds=0.5)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1/fail", "exit-handler-1/slow") == ["FAILED", "SUCCEEDED"]
    fail_end, slow_end = result.finished("exit-handler-1/fail"), result.finished("exit-handler-1/slow")
    assert fail_end < slow_end <= result.started("report")
    assert result.told("report") == status(result, "FAILED", 2, "exit-handler-1/fail: ValueError: boom")
    assert result.state == "FAILED"


def test_A8_what_follows_a_failure_is_not_started_and_not_blamed(harness: Harness) -> None:
    @dsl.pipeline(name="a8")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok().after(fail())

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1/fail", "exit-handler-1/ok") == ["FAILED", "UPSTREAM_FAILED"]
    assert result.error("exit-handler-1/ok") == (9, "not started: upstream exit-handler-1/fail failed")
    assert result.told("report") == status(result, "FAILED", 2, "exit-handler-1/fail: ValueError: boom")
    assert result.payload("report")["tasks"] == {"FAILED": 1, "UPSTREAM_FAILED": 1}
    assert result.state == "FAILED"


@dsl.pipeline(name="notify")
def notify(status: dsl.PipelineTaskFinalStatus) -> None:
    """An exit pipeline that acts on a failure only."""
    state = state_of(status=status)
    with dsl.If(state.output == "FAILED"):
        cleanup()


@dsl.pipeline(name="broken-notify")
def broken_notify(status: dsl.PipelineTaskFinalStatus) -> None:
    """An exit pipeline of which one task fails."""
    state_of(status=status)
    fail(message="no mail server")


def test_A9_an_exit_pipeline_hands_its_tasks_the_status_as_a_struct(harness: Harness) -> None:
    @dsl.pipeline(name="a9")
    def pipeline() -> None:
        with dsl.ExitHandler(notify()):
            fail()

    result = harness.run(pipeline)

    assert result.states_of("notify", "notify/state-of", "notify/condition-1/cleanup") == ["SUCCEEDED"] * 3
    assert result.outputs("notify/state-of") == {"Output": "FAILED"}
    assert result.inputs("notify/state-of") == {"status": result.payload("notify")}
    assert result.payload("notify")["pipelineTaskName"] == "exit-handler-1"
    assert (result.state, result.message) == ("FAILED", "exit-handler-1/fail: ValueError: boom")


def test_A10_an_exit_pipeline_skips_what_is_for_failures(harness: Harness) -> None:
    @dsl.pipeline(name="a10")
    def pipeline() -> None:
        with dsl.ExitHandler(notify()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("notify/condition-1", "notify/condition-1/cleanup") == ["SKIPPED", "SKIPPED"]
    assert result.outputs("notify/state-of") == {"Output": "COMPLETE"}
    assert (result.states["notify"], result.state) == ("SUCCEEDED", "SUCCEEDED")


def test_A11_a_failure_in_an_exit_pipeline_fails_the_run(harness: Harness) -> None:
    @dsl.pipeline(name="a11")
    def pipeline() -> None:
        with dsl.ExitHandler(broken_notify()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", "broken-notify") == ["SUCCEEDED", "FAILED"]
    assert result.outputs("broken-notify/state-of") == {"Output": "COMPLETE"}
    message = "broken-notify/fail: ValueError: no mail server"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


@pytest.mark.parametrize(
    ("body", "told_each_time", "state"),
    [
        pytest.param(ok, "COMPLETE None None exit-handler-1", "SUCCEEDED", id="body-succeeds"),
        pytest.param(fail, "FAILED 2 exit-handler-1/fail: ValueError: boom exit-handler-1", "FAILED", id="body-fails"),
    ],
)
def test_A12_a_retried_exit_task_is_told_the_same_again(
    harness: Harness, tmp_path: Path, body: dsl.base_component.BaseComponent, told_each_time: str, state: str
) -> None:
    log = tmp_path / "told.txt"

    @dsl.pipeline(name="a12")
    def pipeline() -> None:
        with dsl.ExitHandler(flaky_report(log=str(log)).set_retry(2, backoff_duration="0s")):
            body()

    result = harness.run(pipeline)

    exit_task = result.run.tasks["flaky-report"]
    assert (exit_task.state, exit_task.attempts, exit_task.error) == ("SUCCEEDED", 2, None)
    assert log.read_text().splitlines() == [told_each_time] * 2
    assert result.state == state


def test_A13_an_empty_exit_handler_is_refused_by_name(harness: Harness) -> None:
    @dsl.pipeline(name="a13")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            pass

    with pytest.raises(postlude.SpecError) as refusal:
        harness.run(pipeline)

    assert str(refusal.value) == (
        "a13 has 1 problem:\n"
        "  $.components.comp-exit-handler-1: has neither 'dag' nor 'executorLabel': it runs nothing. "
        "Put a task into the group, or drop it."
    )


def test_A13_an_exit_handler_of_no_tasks_is_refused(harness: Harness) -> None:
    @dsl.pipeline(name="a13")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()

    # The SDK writes an empty group without a DAG; one with a DAG of no tasks takes another compiler.
    ir = edited(pipeline, lambda ir: tasks_of(ir, "comp-exit-handler-1").clear())

    with pytest.raises(postlude.SpecError) as refusal:
        harness.run(ir)

    assert str(refusal.value) == (
        "the pipeline spec has 1 problem:\n"
        "  $.root.dag.tasks.exit-handler-1: is a group with exit task 'report', but without tasks. "
        "Put a task into it, or drop both."
    )


def test_A14_one_exit_task_for_two_exit_handlers_is_refused(harness: Harness) -> None:
    # The SDK compiles it: the second handler takes the task away from the first, which then has no exit task.
    @dsl.pipeline(name="a14")
    def pipeline() -> None:
        exit_task = report()
        with dsl.ExitHandler(exit_task):
            fail()
        with dsl.ExitHandler(exit_task):
            ok()

    with pytest.raises(postlude.SpecError) as refusal:
        harness.run(pipeline)

    assert str(refusal.value) == (
        "a14 has 1 problem:\n"
        "  $.root.dag.tasks.exit-handler-1: is an ExitHandler whose exit task was given to another one too. "
        "Create an exit task for each."
    )


def test_A14_a_sub_pipeline_may_be_called_exit_handler(harness: Harness) -> None:
    @dsl.pipeline(name="exit-handler")
    def exit_handler() -> None:
        ok()

    @dsl.pipeline(name="a14")
    def pipeline() -> None:
        exit_handler()
        exit_handler()

    assert harness.run(pipeline).states_of("exit-handler", "exit-handler-2") == ["SUCCEEDED", "SUCCEEDED"]
