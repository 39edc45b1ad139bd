"""Matrix B: exit handlers inside exit handlers.

The SDK's compiler takes exit handlers at the top of a pipeline only, so these pipelines are compiled flat and the
inner handler is then moved into the outer one's body. B12 and B13 nest through sub-pipelines, which the SDK compiles.
"""

from collections.abc import Callable
from pathlib import Path

from components import cleanup, fail, failing_report, note, ok, report, slow_report
from harness import Harness, Ir, edited, move_into
from kfp import dsl

INNER = "exit-handler-1/exit-handler-2"


def test_B9_the_inner_exit_task_runs_before_the_outer_one(harness: Harness) -> None:
    @dsl.pipeline(name="b9")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
        with dsl.ExitHandler(report()):
            fail()

    def nest(ir: Ir) -> None:
        move_into(ir, "comp-exit-handler-1", "exit-handler-2", "report-2")

    result = harness.run(edited(pipeline, nest))

    assert result.states == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/ok": "SUCCEEDED",
        INNER: "FAILED",
        f"{INNER}/fail": "FAILED",
        "exit-handler-1/report-2": "SUCCEEDED",
        "report": "SUCCEEDED",
    }
    message = f"{INNER}/fail: ValueError: boom"
    assert result.verdict("exit-handler-1/report-2") == ("FAILED", 2, message, "exit-handler-2")
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")
    assert result.started("exit-handler-1/report-2") >= result.finished(INNER)
    assert result.started("report") >= result.finished("exit-handler-1/report-2")
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_B10_a_failing_inner_exit_task_fails_the_outer_body(harness: Harness) -> None:
    @dsl.pipeline(name="b10")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
        with dsl.ExitHandler(failing_report()):
            ok()

    def nest(ir: Ir) -> None:
        move_into(ir, "comp-exit-handler-1", "exit-handler-2", "failing-report")

    result = harness.run(edited(pipeline, nest))

    assert result.states_of("exit-handler-1", INNER, "exit-handler-1/failing-report", "report") == [
        "FAILED",
        "SUCCEEDED",
        "FAILED",
        "SUCCEEDED",
    ]
    assert result.payload("exit-handler-1/failing-report")["state"] == "COMPLETE"
    message = "exit-handler-1/failing-report: RuntimeError: alert failed, was told COMPLETE"
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_B11_three_deep_each_exit_task_runs_once_from_the_inside_out(harness: Harness, tmp_path: Path) -> None:
    log = tmp_path / "order.txt"

    @dsl.pipeline(name="b11")
    def pipeline() -> None:
        with dsl.ExitHandler(note(log=str(log), word="outer")):
            ok()
        with dsl.ExitHandler(note(log=str(log), word="middle")):
            ok()
        with dsl.ExitHandler(note(log=str(log), word="inner")):
            fail()

    result = harness.run(edited(pipeline, _nest_three("note-3", "note-2")))

    assert log.read_text().split() == ["inner", "middle", "outer"]
    assert result.states_of("exit-handler-1", INNER, f"{INNER}/exit-handler-3") == ["FAILED"] * 3
    assert result.state == "FAILED"


def test_B11_three_deep_each_exit_task_is_told_of_the_failure(harness: Harness) -> None:
    @dsl.pipeline(name="b11")
    def pipeline() -> None:
        for _ in range(2):
            with dsl.ExitHandler(report()):
                ok()
        with dsl.ExitHandler(report()):
            fail()

    result = harness.run(edited(pipeline, _nest_three("report-3", "report-2")))

    message = f"{INNER}/exit-handler-3/fail: ValueError: boom"
    assert result.verdict(f"{INNER}/report-3") == ("FAILED", 2, message, "exit-handler-3")
    assert result.verdict("exit-handler-1/report-2") == ("FAILED", 2, message, "exit-handler-2")
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


@dsl.pipeline(name="inner")
def inner_pipeline() -> None:
    """A sub-pipeline with an exit handler of its own."""
    with dsl.ExitHandler(report()):
        fail()


def test_B12_nested_through_a_sub_pipeline(harness: Harness) -> None:
    @dsl.pipeline(name="b12")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            inner_pipeline()

    result = harness.run(pipeline)

    sub_pipeline = "exit-handler-1/inner"
    assert result.states == {
        "exit-handler-1": "FAILED",
        sub_pipeline: "FAILED",
        f"{sub_pipeline}/exit-handler-1": "FAILED",
        f"{sub_pipeline}/exit-handler-1/fail": "FAILED",
        f"{sub_pipeline}/report": "SUCCEEDED",
        "report": "SUCCEEDED",
    }
    message = f"{sub_pipeline}/exit-handler-1/fail: ValueError: boom"
    assert result.verdict(f"{sub_pipeline}/report") == ("FAILED", 2, message, "exit-handler-1")
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")
    assert result.started("report") >= result.finished(f"{sub_pipeline}/report")
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_B13_an_exit_handler_in_a_sub_pipeline_does_not_hide_its_failure(harness: Harness) -> None:
    @dsl.pipeline(name="b13")
    def pipeline() -> None:
        cleanup().after(inner_pipeline())

    result = harness.run(pipeline)

    assert result.states_of("inner/report", "inner", "cleanup") == [
        "SUCCEEDED",
        "FAILED",
        "UPSTREAM_FAILED",
    ]
    assert result.error("cleanup") == (9, "not started: upstream inner failed")
    message = "inner/exit-handler-1/fail: ValueError: boom"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_B14_the_outer_exit_task_waits_for_a_slow_inner_one(harness: Harness) -> None:
    @dsl.pipeline(name="b14")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
        with dsl.ExitHandler(slow_report()):
            ok()

    def nest(ir: Ir) -> None:
        move_into(ir, "comp-exit-handler-1", "exit-handler-2", "slow-report")

    result = harness.run(edited(pipeline, nest))

    assert result.started("report") >= result.finished("exit-handler-1/slow-report")
    assert result.outputs("exit-handler-1/slow-report") == {"Output": {"state": "COMPLETE"}}
    assert result.verdict("report") == ("COMPLETE", None, None, "exit-handler-1")
    assert (result.state, set(result.states.values())) == ("SUCCEEDED", {"SUCCEEDED"})


def _nest_three(inner_exit: str, middle_exit: str) -> Callable[[Ir], None]:
    def nest(ir: Ir) -> None:
        move_into(ir, "comp-exit-handler-2", "exit-handler-3", inner_exit)
        move_into(ir, "comp-exit-handler-1", "exit-handler-2", middle_exit)

    return nest
