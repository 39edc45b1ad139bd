"""Matrix C18, D and E, written with `postlude.dsl`: exit handlers and conditions directly inside control flow."""

import re
from typing import Any

import pytest
from components import cleanup, echo_or, fail, fail_if, note, number, ok, report, report_text, report_with
from harness import Harness

from postlude import dsl

BOOM = "ValueError: boom"


@dsl.pipeline(name="in-a-condition")
def in_condition(mode: str = "real") -> None:
    with dsl.If(mode == "real"), dsl.ExitHandler(report()):
        fail()
        ok()


def test_D1_in_a_condition_that_holds(harness: Harness) -> None:
    result = harness.run(in_condition)

    body = "condition-1/exit-handler-2"
    states = ["FAILED", "FAILED", "FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert result.states_of("condition-1", body, f"{body}/fail", f"{body}/ok", "condition-1/report") == states
    assert result.verdict("condition-1/report") == ("FAILED", 2, f"{body}/fail: {BOOM}", "exit-handler-2")
    assert (result.state, result.code) == ("FAILED", 2)


def test_D2_in_a_condition_that_does_not_hold(harness: Harness) -> None:
    result = harness.run(in_condition, {"mode": "dry"})

    assert set(result.states.values()) == {"SKIPPED"}
    assert result.run.tasks["condition-1/report"].attempts == 0
    assert (result.state, result.run.error) == ("SUCCEEDED", None)


@dsl.pipeline(name="in-a-loop")
def in_loop(bad: int = 1) -> None:
    with dsl.ParallelFor([0, 1, 2]) as item, dsl.ExitHandler(report_with(value=item)):
        fail_if(value=item, bad=bad)


def test_D3_each_iteration_has_its_own_exit(harness: Harness) -> None:
    result = harness.run(in_loop)

    told = [result.told(f"for-loop-2[{index}]/report-with") for index in range(3)]
    assert [each["state"] for each in told] == ["COMPLETE", "FAILED", "COMPLETE"]
    assert {each["task"] for each in told} == {"exit-handler-3"}
    assert result.states["for-loop-2"] == "FAILED"
    message = "for-loop-2[1]/exit-handler-3/fail-if: ValueError: bad value 1"
    assert (result.state, result.message) == ("FAILED", message)


def test_D4_exit_task_reads_the_item_of_its_own_iteration(harness: Harness) -> None:
    result = harness.run(in_loop, {"bad": 9})

    assert [result.told(f"for-loop-2[{index}]/report-with")["value"] for index in range(3)] == [0, 1, 2]
    assert result.state == "SUCCEEDED"


def test_D4_exit_task_reads_a_part_of_an_item_that_a_task_made(harness: Harness) -> None:
    @dsl.component
    def people() -> list:
        return [{"who": "ann"}, {"who": "bob"}]

    @dsl.pipeline(name="d4")
    def pipeline() -> None:
        with dsl.ExitHandler(cleanup()), dsl.ParallelFor(people().output) as item:
            with dsl.ExitHandler(report_text(text=item.who)):
                ok()

    result = harness.run(pipeline)

    told = [result.told(f"exit-handler-1/for-loop-2[{index}]/report-text")["text"] for index in range(2)]
    assert (told, result.state) == (["ann", "bob"], "SUCCEEDED")


@dsl.pipeline(name="guarded")
def guarded(value: int) -> None:
    with dsl.If(value >= 0), dsl.ExitHandler(report_with(value=value)):
        fail_if(value=value, bad=1)


def test_D5_in_a_sub_pipeline_called_twice(harness: Harness) -> None:
    @dsl.pipeline(name="d5")
    def pipeline() -> None:
        guarded(value=0)
        guarded(value=1)

    result = harness.run(pipeline)

    told = [result.told(f"{group}/condition-1/report-with") for group in ("guarded", "guarded-2")]
    assert [(each["state"], each["value"]) for each in told] == [("COMPLETE", 0), ("FAILED", 1)]
    assert result.states_of("guarded", "guarded-2") == ["SUCCEEDED", "FAILED"]


@pytest.mark.parametrize(("bad", "outer", "run"), [(1, "FAILED", "FAILED"), (9, "COMPLETE", "SUCCEEDED")])
def test_D6_around_a_loop_around_another(harness: Harness, bad: int, outer: str, run: str) -> None:
    @dsl.pipeline(name="d6")
    def pipeline(bad: int) -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1]) as item, dsl.ExitHandler(report_with(value=item)):
            fail_if(value=item, bad=bad)

    result = harness.run(pipeline, {"bad": bad})

    inner = [f"exit-handler-1/for-loop-3[{index}]/report-with" for index in range(2)]
    assert [result.told(path)["state"] for path in inner] == ["COMPLETE", outer]
    assert result.verdict("report")[0] == outer
    assert all(result.finished(path) <= result.started("report") for path in inner)
    assert result.state == run


@pytest.mark.parametrize(("mode", "taken"), [("real", 2), ("trial", 4), ("dry", 6)])
def test_D7_in_each_branch(harness: Harness, mode: str, taken: int) -> None:
    @dsl.pipeline(name="d7")
    def pipeline(mode: str) -> None:
        with dsl.If(mode == "real"), dsl.ExitHandler(report()):
            fail(message="if")
        with dsl.Elif(mode == "trial"), dsl.ExitHandler(report()):
            fail(message="elif")
        with dsl.Else(), dsl.ExitHandler(report()):
            fail(message="else")

    result = harness.run(pipeline, {"mode": mode})

    exits = [path for path in result.paths() if path.rsplit("/", 1)[-1].startswith("report")]
    ran = [path for path in exits if result.run.tasks[path].attempts]
    assert (len(exits), len(ran)) == (3, 1)
    word = {2: "if", 4: "elif", 6: "else"}[taken]
    told = result.verdict(ran[0])
    assert (told[0], told[1], told[2].endswith(f": ValueError: {word}")) == ("FAILED", 2, True)
    assert result.state == "FAILED"


@dsl.pipeline(name="clean-up")
def clean_up(status: dsl.PipelineTaskFinalStatus, bad: int) -> None:
    """An exit pipeline with an exit handler in a loop."""
    with dsl.ParallelFor([1]) as item, dsl.ExitHandler(report()):
        fail_if(value=item, bad=bad)


@pytest.mark.parametrize(("bad", "told", "run"), [(0, "COMPLETE", "SUCCEEDED"), (1, "FAILED", "FAILED")])
def test_D8_in_an_exit_pipeline_of_a_nested_handler(harness: Harness, bad: int, told: str, run: str) -> None:
    @dsl.pipeline(name="d8")
    def pipeline(bad: int) -> None:
        with dsl.ExitHandler(cleanup()), dsl.ExitHandler(clean_up(bad=bad)):
            ok()

    result = harness.run(pipeline, {"bad": bad})

    inner = "exit-handler-1/clean-up"
    assert result.payload(inner)["state"] == "COMPLETE"
    assert result.verdict(f"{inner}/for-loop-2[0]/report")[0] == told
    assert result.states["cleanup"] == "SUCCEEDED"
    assert result.state == run


# --- C18 --------------------------------------------------------------------------------------------------------------


@dsl.component
def flag(value: bool) -> bool:  # noqa: FBT001 - a component's input
    return value


@pytest.mark.parametrize("value", [True, False])
def test_C18_a_bool_compared_with_1_and_0_means_what_it_says(harness: Harness, value: bool) -> None:  # noqa: FBT001 - a row of the table
    @dsl.pipeline(name="c18")
    def pipeline(value: bool) -> None:  # noqa: FBT001 - a pipeline's input
        made = flag(value=value).output
        with dsl.If(made == 1):
            ok()
        with dsl.If(made == 0):
            cleanup()
        with dsl.If(value != 1.0):
            number(value=1)

    result = harness.run(pipeline, {"value": value})

    ran = {path.rsplit("/", 1)[-1] for path, state in result.states.items() if state == "SUCCEEDED" and "/" in path}
    assert ran == ({"ok"} if value else {"cleanup", "number"})


def test_C18_an_elif_and_its_else_mean_what_they_say(harness: Harness) -> None:
    @dsl.pipeline(name="c18")
    def pipeline(first: bool, second: bool) -> None:  # noqa: FBT001 - a pipeline's inputs
        with dsl.If(first == 1):
            ok()
        with dsl.Elif(second == 1):
            cleanup()
        with dsl.Else():
            number(value=1)

    def taken(**arguments: bool) -> list[str]:
        result = harness.run(pipeline, arguments)
        leaves = [path for path, task in result.run.tasks.items() if task.kind == "task"]
        return [path.rsplit("/", 1)[-1] for path in leaves if result.states[path] == "SUCCEEDED"]

    assert taken(first=True, second=True) == ["ok"]
    assert taken(first=False, second=True) == ["cleanup"]
    assert taken(first=False, second=False) == ["number"]


def test_C18_a_number_compared_with_a_bool_means_what_python_means(harness: Harness) -> None:
    @dsl.pipeline(name="c18")
    def pipeline(count: int) -> None:
        with dsl.If(count == True):  # noqa: E712 - what is tested
            ok()

    assert harness.run(pipeline, {"count": 1}).states["condition-1"] == "SUCCEEDED"
    assert harness.run(pipeline, {"count": 2}).states["condition-1"] == "SKIPPED"


def test_C18_a_bool_compared_with_another_number_is_refused() -> None:
    text = "condition: compares 'value', which is a bool, with 2. Compare it with True or False."
    with pytest.raises(dsl.DslError, match=f"^{re.escape(text)}$"):

        @dsl.pipeline(name="c18")
        def pipeline(value: bool) -> None:  # noqa: FBT001 - a pipeline's input
            with dsl.If(value == 2):
                ok()


# --- E15, E21 ---------------------------------------------------------------------------------------------------------


def test_E15_a_task_in_a_loop_that_ignores_failures_outside_runs_for_each_item(harness: Harness) -> None:
    @dsl.pipeline(name="e15")
    def pipeline() -> None:
        failed = fail()
        with dsl.ParallelFor([1, 2]) as item:
            number(value=item).after(failed).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states_of("fail", "for-loop-2", "for-loop-2[0]/number", "for-loop-2[1]/number") == [
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert result.started("for-loop-2[0]/number") >= result.finished("fail")
    assert (result.state, result.message) == ("FAILED", f"fail: {BOOM}")


def test_E15_beside_a_task_that_needs_an_upstream_it_is_refused() -> None:
    text = (
        "for-loop-2: its task 'number' ignores whether 'fail' outside failed, but 'number-2' in it needs 'ok', "
        "and a group starts for all its tasks. Move one of them into a group of its own."
    )
    with pytest.raises(dsl.DslError, match=text):

        @dsl.pipeline(name="e15")
        def pipeline() -> None:
            failed, needed = fail(), ok()
            with dsl.ParallelFor([1, 2]) as item:
                number(value=item).after(failed).ignore_upstream_failure()
                number(value=item).after(needed)


def test_E15_a_loop_over_what_failed_does_not_start(harness: Harness) -> None:
    @dsl.component
    def broken() -> list:
        raise ValueError("no items")

    @dsl.pipeline(name="e15")
    def pipeline() -> None:
        items = broken()
        with dsl.ParallelFor(items.output) as item:
            echo_or(text=item).after(items).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states["for-loop-1"] == "UPSTREAM_FAILED"


def test_E21_left_out_inputs_do_not_keep_a_task_from_ignoring_failures(harness: Harness) -> None:
    @dsl.pipeline(name="e21")
    def pipeline() -> None:
        echo_or().after(fail()).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.outputs("echo-or") == {"Output": "default"}


def test_E21_a_required_input_is_still_asked_to_have_a_default() -> None:
    def pipeline() -> None:
        number(value=number(value=1).output).ignore_upstream_failure()

    with pytest.raises(ValueError, match="'value' has no default value"):
        dsl.pipeline(name="e21")(pipeline)


def test_a_note_of_the_sdks_own_pipelines_is_left_alone() -> None:
    """E15 in a pipeline that is not written with postlude.dsl compiles as the SDK has it."""
    from kfp import dsl as kfp_dsl

    def strategy(pipeline: Any) -> int:
        return pipeline.pipeline_spec.root.dag.tasks["for-loop-2"].trigger_policy.strategy

    def body() -> None:
        failed = fail()
        with dsl.ParallelFor([1, 2]):
            note(log="", word="").after(failed).ignore_upstream_failure()

    assert strategy(kfp_dsl.pipeline(name="sdk")(body)) == 0
    assert strategy(dsl.pipeline(name="ours")(body)) == 2
