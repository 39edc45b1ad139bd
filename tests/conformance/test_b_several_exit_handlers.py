"""Matrix B: several exit handlers side by side, and what comes after them."""

from pathlib import Path

from components import cleanup, fail, failing_report, note, ok, report, slow_report
from harness import Harness
from kfp import dsl

BOOM = "exit-handler-1/fail: ValueError: boom"


def test_B1_each_exit_task_is_told_of_its_own_group(harness: Harness) -> None:
    @dsl.pipeline(name="b1")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail()
        with dsl.ExitHandler(report()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", "exit-handler-2", "report", "report-2") == [
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert result.verdict("report") == ("FAILED", 2, BOOM, "exit-handler-1")
    assert result.verdict("report-2") == ("COMPLETE", None, None, "exit-handler-2")
    assert (result.state, result.code, result.message) == ("FAILED", 2, BOOM)


def test_B2_three_exit_handlers_of_which_the_first_fails(harness: Harness) -> None:
    @dsl.pipeline(name="b2")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail()
        with dsl.ExitHandler(report()):
            ok()
        with dsl.ExitHandler(report()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("report", "report-2", "report-3") == ["SUCCEEDED"] * 3
    assert result.verdict("report") == ("FAILED", 2, BOOM, "exit-handler-1")
    assert result.verdict("report-2") == ("COMPLETE", None, None, "exit-handler-2")
    assert result.verdict("report-3") == ("COMPLETE", None, None, "exit-handler-3")
    assert (result.state, result.message) == ("FAILED", BOOM)


def test_B3_what_comes_after_a_group_waits_for_its_exit_task(harness: Harness) -> None:
    @dsl.pipeline(name="b3")
    def pipeline() -> None:
        with dsl.ExitHandler(slow_report()) as handler:
            ok()
        cleanup().after(handler)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", "slow-report", "cleanup") == ["SUCCEEDED"] * 3
    assert result.started("cleanup") >= result.finished("slow-report")
    assert result.outputs("slow-report") == {"Output": {"state": "COMPLETE"}}
    assert result.state == "SUCCEEDED"


def test_B4_what_comes_after_a_failed_group_is_not_started(harness: Harness) -> None:
    @dsl.pipeline(name="b4")
    def pipeline() -> None:
        with dsl.ExitHandler(report()) as handler:
            fail()
        cleanup().after(handler)

    result = harness.run(pipeline)

    assert result.states["cleanup"] == "UPSTREAM_FAILED"
    assert result.error("cleanup") == (9, "not started: upstream exit-handler-1 failed")
    assert result.verdict("report") == ("FAILED", 2, BOOM, "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 2, BOOM)


def test_B5_a_failing_exit_task_delays_what_comes_after_and_does_not_stop_it(harness: Harness) -> None:
    @dsl.pipeline(name="b5")
    def pipeline() -> None:
        with dsl.ExitHandler(failing_report()) as handler:
            ok()
        cleanup().after(handler)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", "failing-report", "cleanup") == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert result.started("cleanup") >= result.finished("failing-report")
    message = "failing-report: RuntimeError: alert failed, was told COMPLETE"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_B6_an_ius_task_and_the_exit_task_both_run_once_after_a_failure(harness: Harness, tmp_path: Path) -> None:
    log = tmp_path / "ran.txt"

    @dsl.pipeline(name="b6")
    def pipeline() -> None:
        with dsl.ExitHandler(note(log=str(log), word="exit")) as handler:
            fail()
        note(log=str(log), word="ius").after(handler).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert sorted(log.read_text().split()) == ["exit", "ius"]
    assert result.states_of("note", "note-2") == ["SUCCEEDED", "SUCCEEDED"]
    assert (result.state, result.message) == ("FAILED", BOOM)


def test_B7_a_chained_group_starts_after_the_first_ones_exit_task(harness: Harness) -> None:
    @dsl.pipeline(name="b7")
    def pipeline() -> None:
        with dsl.ExitHandler(report()) as handler:
            ok()
        with dsl.ExitHandler(report()):
            cleanup().after(handler)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1/ok", "exit-handler-2/cleanup") == ["SUCCEEDED", "SUCCEEDED"]
    assert result.started("exit-handler-2/cleanup") >= result.finished("report")
    assert result.verdict("report") == ("COMPLETE", None, None, "exit-handler-1")
    assert result.verdict("report-2") == ("COMPLETE", None, None, "exit-handler-2")
    assert result.state == "SUCCEEDED"


def test_B8_the_exit_task_of_a_group_that_a_failure_kept_from_starting_still_runs(harness: Harness) -> None:
    @dsl.pipeline(name="b8")
    def pipeline() -> None:
        with dsl.ExitHandler(report()) as handler:
            fail()
        with dsl.ExitHandler(report()):
            cleanup().after(handler)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-2", "exit-handler-2/cleanup") == ["UPSTREAM_FAILED", "UPSTREAM_FAILED"]
    assert result.run.tasks["exit-handler-2/cleanup"].attempts == 0
    not_started = "exit-handler-2: not started: upstream exit-handler-1 failed"
    assert result.verdict("report") == ("FAILED", 2, BOOM, "exit-handler-1")
    assert result.verdict("report-2") == ("FAILED", 9, not_started, "exit-handler-2")
    assert (result.state, result.code, result.message) == ("FAILED", 2, BOOM)


def test_B15_a_failing_exit_task_leaves_the_other_group_alone(harness: Harness) -> None:
    @dsl.pipeline(name="b15")
    def pipeline() -> None:
        with dsl.ExitHandler(failing_report()):
            ok()
        with dsl.ExitHandler(report()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", "failing-report", "exit-handler-2", "report") == [
        "SUCCEEDED",
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert result.payload("failing-report")["state"] == "COMPLETE"
    assert result.verdict("report") == ("COMPLETE", None, None, "exit-handler-2")
    message = "failing-report: RuntimeError: alert failed, was told COMPLETE"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)
