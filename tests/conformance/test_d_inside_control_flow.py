"""Matrix D: exit handlers inside control flow.

The SDK writes an exit handler at the top of a pipeline function only. Inside control flow it is reached through a
sub-pipeline, which the SDK compiles, or directly, by moving what the SDK compiled into the group's DAG.
"""

import pytest
from components import fail, fail_if, number, ok, report, report_with
from harness import Harness, Ir, Result, edited, move_into, tasks_of
from kfp import dsl

NOT_OUTERMOST = "ExitHandler can only be used within the outermost scope of a pipeline function definition"


def verdict(result: Result, path: str = "report") -> tuple[str, int | None, str | None, str]:
    """What the process of the exit task at `path` read."""
    told = result.told(path)
    return told["state"], told["code"], told["message"], told["task"]


def exits(result: Result) -> list[str]:
    """The paths of all exit tasks that ran, in the order of their start."""
    started = [task for task in result.run.tasks.values() if task.document["exit_of"] is not None and task.attempts]
    return [task.path for task in started]


@dsl.pipeline(name="guarded")
def guarded(value: int, bad: int = 1) -> None:
    with dsl.ExitHandler(report()):
        fail_if(value=value, bad=bad)
        ok()


def bad_value(group: str, value: int = 1) -> str:
    return f"{group}/exit-handler-1/fail-if: ValueError: bad value {value}"


@dsl.pipeline(name="d1")
def in_condition(mode: str = "real") -> None:
    with dsl.If(mode == "real"):
        guarded(value=1)


@dsl.pipeline(name="d1-direct")
def beside_condition(mode: str = "real") -> None:
    with dsl.ExitHandler(report()):
        fail()
        ok()
    with dsl.If(mode == "real"):
        ok()


def direct() -> Ir:
    return edited(beside_condition, lambda ir: move_into(ir, "comp-condition-2", "exit-handler-1", "report"))


def test_D1_in_a_condition_that_holds(harness: Harness) -> None:
    result = harness.run(in_condition)

    group = "condition-1/guarded"
    assert result.states == {
        "condition-1": "FAILED",
        group: "FAILED",
        f"{group}/exit-handler-1": "FAILED",
        f"{group}/exit-handler-1/fail-if": "FAILED",
        f"{group}/exit-handler-1/ok": "SUCCEEDED",
        f"{group}/report": "SUCCEEDED",
    }
    assert verdict(result, f"{group}/report") == ("FAILED", 2, bad_value(group), "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 2, bad_value(group))


def test_D1_directly_in_a_condition_that_holds(harness: Harness) -> None:
    result = harness.run(direct())

    body = "condition-2/exit-handler-1"
    assert result.states_of("condition-2", body, f"{body}/fail", f"{body}/ok", "condition-2/report") == [
        "FAILED",
        "FAILED",
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert verdict(result, "condition-2/report") == ("FAILED", 2, f"{body}/fail: ValueError: boom", "exit-handler-1")
    assert (result.state, result.code) == ("FAILED", 2)


def test_D1_sdk_refuses_it_directly_in_a_condition() -> None:
    with pytest.raises(ValueError, match=NOT_OUTERMOST):

        @dsl.pipeline(name="d1-refused")
        def pipeline(mode: str) -> None:
            with dsl.If(mode == "real"), dsl.ExitHandler(report()):
                fail()


def test_D2_in_a_condition_that_does_not_hold(harness: Harness) -> None:
    result = harness.run(in_condition, {"mode": "dry"})

    assert set(result.states.values()) == {"SKIPPED"}
    assert set(result.paths()) == {
        "condition-1",
        "condition-1/guarded",
        "condition-1/guarded/exit-handler-1",
        "condition-1/guarded/exit-handler-1/fail-if",
        "condition-1/guarded/exit-handler-1/ok",
        "condition-1/guarded/report",
    }
    assert exits(result) == []
    assert (result.state, result.run.error) == ("SUCCEEDED", None)


def test_D2_directly_in_a_condition_that_does_not_hold(harness: Harness) -> None:
    result = harness.run(direct(), {"mode": "dry"})

    assert set(result.states.values()) == {"SKIPPED"}
    assert result.states["condition-2/report"] == "SKIPPED"
    assert exits(result) == []
    assert (result.state, result.run.error) == ("SUCCEEDED", None)


def test_D3_each_iteration_has_its_own_exit(harness: Harness) -> None:
    @dsl.pipeline(name="d3")
    def pipeline() -> None:
        with dsl.ParallelFor([0, 1, 2]) as item:
            guarded(value=item)

    result = harness.run(pipeline)

    groups = [f"for-loop-2[{index}]/guarded" for index in range(3)]
    success = ("COMPLETE", None, None, "exit-handler-1")
    assert result.states_of("for-loop-2", *groups) == ["FAILED", "SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert [verdict(result, f"{group}/report") for group in groups] == [
        success,
        ("FAILED", 2, bad_value(groups[1]), "exit-handler-1"),
        success,
    ]
    assert sorted(exits(result)) == [f"{group}/report" for group in groups]
    assert (result.state, result.message) == ("FAILED", bad_value(groups[1]))


def in_loop() -> Ir:
    """An exit handler directly in a loop: `fail_if` of the item, with `report_with`, which takes an input."""

    @dsl.pipeline(name="in-loop")
    def pipeline(item: int) -> None:
        with dsl.ExitHandler(report_with(value=item)):
            fail_if(value=item, bad=1)
        with dsl.ParallelFor([0, 1, 2]) as each:
            number(value=each)

    def into_loop(ir: Ir) -> None:
        move_into(ir, "comp-for-loop-3", "exit-handler-1", "report-with")
        loop = tasks_of(ir, "comp-for-loop-3")
        item = loop["number"]["inputs"]["parameters"]["value"]
        loop["exit-handler-1"]["inputs"]["parameters"]["pipelinechannel--item"] = item
        loop["report-with"]["inputs"]["parameters"]["value"] = item
        del ir["root"]["inputDefinitions"]

    return edited(pipeline, into_loop)


def test_D3_directly_in_a_loop_each_iteration_has_its_own_exit(harness: Harness) -> None:
    result = harness.run(in_loop())

    states = ["COMPLETE", "FAILED", "COMPLETE"]
    exit_paths = [f"for-loop-3[{index}]/report-with" for index in range(3)]
    assert result.states_of(*(f"for-loop-3[{index}]/exit-handler-1" for index in range(3))) == [
        "SUCCEEDED",
        "FAILED",
        "SUCCEEDED",
    ]
    assert [result.told(path)["state"] for path in exit_paths] == states
    assert {result.told(path)["task"] for path in exit_paths} == {"exit-handler-1"}
    assert (result.state, result.code) == ("FAILED", 2)


def test_D4_exit_task_reads_the_item_of_its_own_iteration(harness: Harness) -> None:
    result = harness.run(in_loop())

    told = [result.told(f"for-loop-3[{index}]/report-with")["value"] for index in range(3)]
    assert told == [0, 1, 2]


def test_D5_sub_pipeline_called_twice_has_two_independent_exits(harness: Harness) -> None:
    @dsl.pipeline(name="d5")
    def pipeline() -> None:
        guarded(value=0)
        guarded(value=1)

    result = harness.run(pipeline)

    assert result.states_of("guarded", "guarded-2") == ["SUCCEEDED", "FAILED"]
    assert verdict(result, "guarded/report") == ("COMPLETE", None, None, "exit-handler-1")
    assert verdict(result, "guarded-2/report") == ("FAILED", 2, bad_value("guarded-2"), "exit-handler-1")
    assert sorted(exits(result)) == ["guarded-2/report", "guarded/report"]
    assert (result.state, result.message) == ("FAILED", bad_value("guarded-2"))


def test_D5_sub_pipeline_called_twice_succeeds_twice(harness: Harness) -> None:
    @dsl.pipeline(name="d5-ok")
    def pipeline() -> None:
        guarded(value=0)
        guarded(value=2)

    result = harness.run(pipeline)

    assert [verdict(result, f"{group}/report")[0] for group in ("guarded", "guarded-2")] == ["COMPLETE", "COMPLETE"]
    assert result.state == "SUCCEEDED"


@dsl.pipeline(name="d6")
def guarded_loop(bad: int) -> None:
    with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1]) as item:
        guarded(value=item, bad=bad)


@pytest.mark.parametrize(
    ("bad", "inner", "outer"),
    [
        pytest.param(1, ["COMPLETE", "FAILED"], "FAILED", id="one-fails"),
        pytest.param(9, ["COMPLETE", "COMPLETE"], "COMPLETE", id="none-fails"),
    ],
)
def test_D6_around_a_loop_around_another(harness: Harness, bad: int, inner: list[str], outer: str) -> None:
    result = harness.run(guarded_loop, {"bad": bad})

    groups = [f"exit-handler-1/for-loop-3[{index}]/guarded" for index in range(2)]
    assert [verdict(result, f"{group}/report")[0] for group in groups] == inner
    assert verdict(result)[0] == outer
    assert verdict(result)[2] == (bad_value(groups[1]) if outer == "FAILED" else None)
    assert exits(result)[-1] == "report"
    assert sorted(exits(result)) == [*(f"{group}/report" for group in groups), "report"]
    assert all(result.finished(f"{group}/report") <= result.started("report") for group in groups)
    assert result.state == ("FAILED" if outer == "FAILED" else "SUCCEEDED")


@dsl.pipeline(name="d7")
def beside_else(mode: str = "dry") -> None:
    with dsl.ExitHandler(report()):
        fail()
        ok()
    with dsl.If(mode == "real"):
        ok()
    with dsl.Else():
        ok()


def test_D7_directly_in_an_else_branch(harness: Harness) -> None:
    def into_else(ir: Ir) -> None:
        move_into(ir, "comp-condition-4", "exit-handler-1", "report")

    result = harness.run(edited(beside_else, into_else))

    branch = "condition-branches-2/condition-4"
    body = f"{branch}/exit-handler-1"
    assert result.states_of("condition-branches-2/condition-3", branch, body, f"{body}/fail", f"{body}/ok") == [
        "SKIPPED",
        "FAILED",
        "FAILED",
        "FAILED",
        "SUCCEEDED",
    ]
    assert verdict(result, f"{branch}/report") == ("FAILED", 2, f"{body}/fail: ValueError: boom", "exit-handler-1")
    assert (result.state, result.code) == ("FAILED", 2)


@dsl.pipeline(name="clean-up")
def clean_up(status: dsl.PipelineTaskFinalStatus, bad: int) -> None:
    """An exit pipeline that has an exit handler itself."""
    with dsl.ExitHandler(report()):
        fail_if(value=1, bad=bad)


@pytest.mark.parametrize(
    ("bad", "told", "states", "run"),
    [
        pytest.param(0, "COMPLETE", ["SUCCEEDED", "SUCCEEDED"], "SUCCEEDED", id="exit-succeeds"),
        pytest.param(1, "FAILED", ["FAILED", "FAILED"], "FAILED", id="exit-fails"),
    ],
)
def test_D8_in_an_exit_pipeline(harness: Harness, bad: int, told: str, states: list[str], run: str) -> None:
    @dsl.pipeline(name="d8")
    def pipeline(bad: int) -> None:
        with dsl.ExitHandler(clean_up(bad=bad)):
            ok()

    result = harness.run(pipeline, {"bad": bad})

    assert result.payload("clean-up")["state"] == "COMPLETE"
    assert result.states_of("clean-up", "clean-up/exit-handler-1") == states
    assert verdict(result, "clean-up/report")[0] == told
    assert exits(result)[-1] == "clean-up/report"
    assert result.state == run
