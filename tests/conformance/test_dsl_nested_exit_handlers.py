"""Matrix A and B, written with `postlude.dsl`: exit handlers inside exit handlers, as authors write them."""

import re
from pathlib import Path

import pytest
from components import cleanup, echo, fail, failing_report, note, ok, report, slow_report
from harness import Harness

from postlude import dsl

INNER = "exit-handler-1/exit-handler-2"


def test_B9_the_inner_exit_task_runs_before_the_outer_one(harness: Harness) -> None:
    @dsl.pipeline(name="b9")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
            with dsl.ExitHandler(report()):
                fail()

    result = harness.run(pipeline)

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
        with dsl.ExitHandler(report()), dsl.ExitHandler(failing_report()):
            ok()

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", INNER, "exit-handler-1/failing-report", "report") == [
        "FAILED",
        "SUCCEEDED",
        "FAILED",
        "SUCCEEDED",
    ]
    message = "exit-handler-1/failing-report: RuntimeError: alert failed, was told COMPLETE"
    assert result.payload("exit-handler-1/failing-report")["state"] == "COMPLETE"
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_B11_three_deep_each_exit_task_runs_once_from_the_inside_out(harness: Harness, tmp_path: Path) -> None:
    log = str(tmp_path / "order.txt")

    @dsl.pipeline(name="b11")
    def pipeline(log: str) -> None:
        with (
            dsl.ExitHandler(note(log=log, word="outer")),
            dsl.ExitHandler(note(log=log, word="middle")),
            dsl.ExitHandler(note(log=log, word="inner")),
        ):
            fail()

    result = harness.run(pipeline, {"log": log})

    assert Path(log).read_text().split() == ["inner", "middle", "outer"]
    assert result.states_of("exit-handler-1", INNER, f"{INNER}/exit-handler-3") == ["FAILED"] * 3
    assert result.state == "FAILED"


def test_B11_three_deep_each_exit_task_is_told_of_the_failure(harness: Harness) -> None:
    @dsl.pipeline(name="b11")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ExitHandler(report()), dsl.ExitHandler(report()):
            fail()

    result = harness.run(pipeline)

    message = f"{INNER}/exit-handler-3/fail: ValueError: boom"
    assert result.verdict(f"{INNER}/report-3") == ("FAILED", 2, message, "exit-handler-3")
    assert result.verdict("exit-handler-1/report-2") == ("FAILED", 2, message, "exit-handler-2")
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")


@dsl.pipeline(name="inner")
def inner_pipeline() -> None:
    """A sub-pipeline with nested exit handlers of its own."""
    with dsl.ExitHandler(cleanup()), dsl.ExitHandler(report()):
        fail()


def test_B12_nested_in_a_sub_pipeline_inside_another(harness: Harness) -> None:
    @dsl.pipeline(name="b12")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            inner_pipeline()

    result = harness.run(pipeline)

    inner = "exit-handler-1/inner"
    message = f"{inner}/{INNER}/fail: ValueError: boom"
    assert result.verdict(f"{inner}/exit-handler-1/report") == ("FAILED", 2, message, "exit-handler-2")
    assert result.verdict("report") == ("FAILED", 2, message, "exit-handler-1")
    assert result.states_of(f"{inner}/cleanup", inner, "exit-handler-1") == ["SUCCEEDED", "FAILED", "FAILED"]
    order = [f"{inner}/exit-handler-1/report", f"{inner}/cleanup", "report"]
    assert sorted(order, key=result.started) == order
    assert result.state == "FAILED"


def test_B14_the_outer_exit_task_waits_for_a_slow_inner_one(harness: Harness) -> None:
    @dsl.pipeline(name="b14")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
            with dsl.ExitHandler(slow_report()):
                ok()

    result = harness.run(pipeline)

    assert result.started("report") >= result.finished("exit-handler-1/slow-report")
    assert result.verdict("report") == ("COMPLETE", None, None, "exit-handler-1")
    assert (result.state, set(result.states.values())) == ("SUCCEEDED", {"SUCCEEDED"})


def test_B4_a_task_after_a_nested_handler_whose_body_fails_does_not_start(harness: Harness) -> None:
    @dsl.pipeline(name="b4")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ExitHandler(cleanup()) as inner:
                fail()
            ok().after(inner)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1/cleanup", "exit-handler-1/ok") == ["SUCCEEDED", "UPSTREAM_FAILED"]
    assert result.error("exit-handler-1/ok") == (9, f"not started: upstream {INNER} failed")


def test_the_sdks_own_handler_beside_ours_works_as_ours_does(harness: Harness) -> None:
    from kfp import dsl as kfp_dsl

    @dsl.pipeline(name="mixed")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), kfp_dsl.ExitHandler(report()):
            fail()

    result = harness.run(pipeline)

    assert result.verdict("exit-handler-1/report-2")[3] == "exit-handler-2"
    assert result.verdict("report")[3] == "exit-handler-1"


def test_our_handler_in_a_pipeline_of_the_sdks_decorator_works_too(harness: Harness) -> None:
    from kfp import dsl as kfp_dsl

    @kfp_dsl.pipeline(name="theirs")
    def pipeline(mode: str = "on") -> None:
        with kfp_dsl.If(mode == "on"), dsl.ExitHandler(report()):
            fail()

    assert harness.run(pipeline).verdict("condition-1/report")[3] == "exit-handler-2"


def test_a_handler_is_one_of_the_sdks_too() -> None:
    from kfp import dsl as kfp_dsl

    seen = []

    @dsl.pipeline(name="shape")
    def pipeline() -> None:
        exit_task = report()
        with dsl.ExitHandler(exit_task=exit_task, name="shown") as handler:
            ok()
        seen.append((handler, exit_task))

    ((handler, exit_task),) = seen
    assert isinstance(handler, kfp_dsl.ExitHandler)
    assert (handler.name, handler.display_name, handler.exit_task) == ("exit-handler-1", "shown", exit_task)


# --- refused ----------------------------------------------------------------------------------------------------------


def refused(text: str) -> object:
    return pytest.raises(dsl.DslError, match=f"^{re.escape(text)}$")


def test_A13_an_empty_body_is_refused_by_name() -> None:
    text = "ExitHandler 'guard' (exit-handler-1): has no tasks. Put a task into it, or drop it."
    with refused(text):

        @dsl.pipeline(name="a13")
        def pipeline() -> None:
            ok()
            with dsl.ExitHandler(report(), name="guard"):
                pass


def test_A14_one_exit_task_in_two_handlers_is_refused_by_their_names() -> None:
    found = "its exit task 'report' is that of exit-handler-1 too"
    text = f"ExitHandler exit-handler-2: {found}. Create an exit task for each."
    with refused(text):

        @dsl.pipeline(name="a14")
        def pipeline() -> None:
            exit_task = report()
            with dsl.ExitHandler(exit_task):
                ok()
            with dsl.ExitHandler(exit_task):
                ok()


def test_A14_a_handler_that_is_entered_twice_is_refused() -> None:
    with refused("ExitHandler exit-handler-1: is entered a second time. Create a handler for each group of tasks."):

        @dsl.pipeline(name="a14")
        def pipeline() -> None:
            handler = dsl.ExitHandler(report())
            with handler:
                ok()
            with handler:
                ok()


def test_a_handler_outside_of_a_pipeline_is_refused() -> None:
    with refused("ExitHandler: stands in no pipeline. Use it in a function decorated with @dsl.pipeline."):
        with dsl.ExitHandler(report):
            pass


def test_an_exit_task_told_what_to_come_after_is_refused() -> None:
    text = (
        "ExitHandler exit-handler-1: its exit task 'cleanup' is told to run after 'ok'. An exit task runs after its "
        "own group alone: drop .after(), or pass it an output of what it must wait for."
    )
    with refused(text):

        @dsl.pipeline(name="after")
        def pipeline() -> None:
            with dsl.ExitHandler(cleanup().after(ok())):
                ok()


def test_an_exit_task_told_later_what_to_come_after_is_refused() -> None:
    with pytest.raises(dsl.DslError, match=r"^exit-handler-1: its exit task 'cleanup' is told to run after 'ok-2'\."):

        @dsl.pipeline(name="after")
        def pipeline() -> None:
            exit_task = cleanup()
            with dsl.ExitHandler(exit_task):
                ok()
            exit_task.after(ok())


def test_a_body_that_waits_for_its_own_exit_task_is_refused() -> None:
    text = (
        "exit-handler-1: a task inside waits for the exit task 'cleanup', which runs after them all. "
        "Use its outputs after the handler."
    )
    with refused(text):

        @dsl.pipeline(name="cycle")
        def pipeline() -> None:
            exit_task = cleanup()
            with dsl.ExitHandler(exit_task):
                echo(text=exit_task.output)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("report", "ExitHandler: its exit_task is 'report'. Give a task, or a function that makes one, such as: lambda: notify()"),  # noqa: E501 - one text
        (
            lambda: "report",
            "ExitHandler exit-handler-1: the function given as exit_task returned 'report'. Let it return a task, such as: lambda: notify()",  # noqa: E501 - one text
        ),
    ],
    ids=["no-task", "makes-no-task"],
)  # fmt: skip
def test_what_is_no_exit_task_is_refused(given: object, text: str) -> None:
    with refused(text):

        @dsl.pipeline(name="no-task")
        def pipeline() -> None:
            with dsl.ExitHandler(given):
                ok()
