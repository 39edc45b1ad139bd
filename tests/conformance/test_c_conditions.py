"""Matrix C: conditions, branches and skipped tasks inside an exit handler."""

from collections.abc import Callable
from typing import Any

import pytest
from components import echo, echo_or, fail, failing_text, number, ok, report
from harness import Harness, Ir, Result, compile_ir, edited, tasks_of
from kfp import dsl

BRANCHES = "exit-handler-1/condition-branches-2"


def verdict(result: Result) -> tuple[str, int | None, str | None]:
    """What the exit task's process read."""
    told = result.told("report")
    return told["state"], told["code"], told["message"]


SUCCESS = ("COMPLETE", None, None)


def test_C10_condition_on_a_parameter_is_false(harness: Harness) -> None:
    @dsl.pipeline(name="c10")
    def pipeline(size: int = 0) -> None:
        with dsl.ExitHandler(report()):
            ok()
            with dsl.If(size > 3):
                fail()

    result = harness.run(pipeline)

    assert result.states == {
        "exit-handler-1": "SUCCEEDED",
        "exit-handler-1/ok": "SUCCEEDED",
        "exit-handler-1/condition-2": "SKIPPED",
        "exit-handler-1/condition-2/fail": "SKIPPED",
        "report": "SUCCEEDED",
    }
    assert result.payload("report")["tasks"] == {"SKIPPED": 1, "SUCCEEDED": 1}
    assert verdict(result) == SUCCESS
    assert result.state == "SUCCEEDED"


def test_C10_condition_on_a_parameter_is_true(harness: Harness) -> None:
    @dsl.pipeline(name="c10-true")
    def pipeline(size: int = 0) -> None:
        with dsl.ExitHandler(report()), dsl.If(size > 3):
            fail()

    result = harness.run(pipeline, {"size": 4})

    assert result.states_of("exit-handler-1/condition-2", "exit-handler-1/condition-2/fail") == ["FAILED", "FAILED"]
    assert verdict(result) == ("FAILED", 2, "exit-handler-1/condition-2/fail: ValueError: boom")
    assert result.state == "FAILED"


def test_C11_condition_on_an_output_is_false_and_the_last_to_be_known(harness: Harness) -> None:
    @dsl.pipeline(name="c11")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
            last = number(value=1)
            with dsl.If(last.output == 2):
                fail()

    result = harness.run(pipeline)

    skipped = ["exit-handler-1/condition-2", "exit-handler-1/condition-2/fail"]
    assert result.states_of(*skipped) == ["SKIPPED", "SKIPPED"]
    assert result.finished("exit-handler-1/condition-2") >= result.finished("exit-handler-1/number")
    assert result.states["exit-handler-1"] == "SUCCEEDED"
    assert verdict(result) == SUCCESS
    assert result.state == "SUCCEEDED"


def test_C12_only_child_is_a_false_condition(harness: Harness) -> None:
    @dsl.pipeline(name="c12")
    def pipeline(mode: str = "dry") -> None:
        with dsl.ExitHandler(report()), dsl.If(mode == "real"):
            fail()

    result = harness.run(pipeline)

    assert result.states == {
        "exit-handler-1": "SUCCEEDED",
        "exit-handler-1/condition-2": "SKIPPED",
        "exit-handler-1/condition-2/fail": "SKIPPED",
        "report": "SUCCEEDED",
    }
    assert verdict(result) == SUCCESS
    assert result.state == "SUCCEEDED"


def test_C13_else_branch_fails(harness: Harness) -> None:
    @dsl.pipeline(name="c13")
    def pipeline(mode: str = "c") -> None:
        with dsl.ExitHandler(report()):
            with dsl.If(mode == "a"):
                ok()
            with dsl.Elif(mode == "b"):
                ok()
            with dsl.Else():
                fail()

    result = harness.run(pipeline)

    assert {path: state for path, state in result.states.items() if path.startswith(BRANCHES)} == {
        BRANCHES: "FAILED",
        f"{BRANCHES}/condition-3": "SKIPPED",
        f"{BRANCHES}/condition-3/ok": "SKIPPED",
        f"{BRANCHES}/condition-4": "SKIPPED",
        f"{BRANCHES}/condition-4/ok-2": "SKIPPED",
        f"{BRANCHES}/condition-5": "FAILED",
        f"{BRANCHES}/condition-5/fail": "FAILED",
    }
    assert verdict(result) == ("FAILED", 2, f"{BRANCHES}/condition-5/fail: ValueError: boom")
    assert (result.state, result.code) == ("FAILED", 2)


@dsl.pipeline(name="one-of")
def one_of(mode: str = "a") -> None:
    with dsl.ExitHandler(report()):
        with dsl.If(mode == "a"):
            a = echo(text="from a")
        with dsl.Elif(mode == "b"):
            b = echo(text="from b")
        with dsl.Else():
            c = echo(text="from c")
        echo(text=dsl.OneOf(a.output, b.output, c.output))


@pytest.mark.parametrize("mode", ["a", "b", "c"])
def test_C14_consumer_of_one_of_gets_the_taken_branch(harness: Harness, mode: str) -> None:
    result = harness.run(one_of, {"mode": mode})

    taken = {"a": 0, "b": 1, "c": 2}[mode]
    expected = ["SUCCEEDED" if index == taken else "SKIPPED" for index in range(3)]
    assert result.states_of(*(f"{BRANCHES}/condition-{number}" for number in (3, 4, 5))) == expected
    assert result.outputs("exit-handler-1/echo-4") == {"Output": f"from {mode}"}
    assert verdict(result) == SUCCESS
    assert result.state == "SUCCEEDED"


def test_C15_taken_branch_fails_and_the_consumer_of_one_of_does_not_start(harness: Harness) -> None:
    @dsl.pipeline(name="c15")
    def pipeline(mode: str = "a") -> None:
        with dsl.ExitHandler(report()):
            with dsl.If(mode == "a"):
                a = failing_text()
            with dsl.Else():
                b = ok()
            echo(text=dsl.OneOf(a.output, b.output))

    result = harness.run(pipeline)

    assert result.states_of(BRANCHES, f"{BRANCHES}/condition-3", f"{BRANCHES}/condition-4") == [
        "FAILED",
        "FAILED",
        "SKIPPED",
    ]
    assert result.states["exit-handler-1/echo"] == "UPSTREAM_FAILED"
    assert result.error("exit-handler-1/echo") == (9, f"not started: upstream {BRANCHES} failed")
    assert verdict(result) == ("FAILED", 2, f"{BRANCHES}/condition-3/failing-text: ValueError: no text")
    assert (result.state, result.code) == ("FAILED", 2)


def without_else(consumer: Callable[..., Any]) -> Ir:
    """OneOf of If and Elif alone, which the SDK refuses: the Else branch is taken out of what it compiles."""

    @dsl.pipeline(name="c16")
    def pipeline(mode: str = "c") -> None:
        with dsl.ExitHandler(report()):
            with dsl.If(mode == "a"):
                a = ok()
            with dsl.Elif(mode == "b"):
                b = ok()
            with dsl.Else():
                c = ok()
            consumer(text=dsl.OneOf(a.output, b.output, c.output))

    def drop_else(ir: Ir) -> None:
        branches = ir["components"]["comp-condition-branches-2"]["dag"]
        del branches["tasks"]["condition-5"]
        (one_of,) = branches["outputs"]["parameters"].values()
        one_of["valueFromOneof"]["parameterSelectors"].pop()

    return edited(pipeline, drop_else)


def test_C16_no_branch_taken_fails_a_consumer_that_needs_a_value(harness: Harness) -> None:
    result = harness.run(without_else(echo))

    why = (
        "input 'text' has no value and no default: "
        f"'{BRANCHES}' ended SUCCEEDED without output 'pipelinechannel--condition-branches-2-oneof-1'"
    )
    assert result.states_of(BRANCHES, "exit-handler-1/echo") == ["SUCCEEDED", "FAILED"]
    assert result.error("exit-handler-1/echo") == (5, why)
    assert result.log("exit-handler-1/echo") == ""
    assert verdict(result) == ("FAILED", 5, f"exit-handler-1/echo: {why}")
    assert (result.state, result.code) == ("FAILED", 5)


def test_C16_no_branch_taken_gives_an_optional_input_its_default(harness: Harness) -> None:
    result = harness.run(without_else(echo_or))

    assert result.states_of(BRANCHES, "exit-handler-1/echo-or") == ["SUCCEEDED", "SUCCEEDED"]
    assert result.outputs("exit-handler-1/echo-or") == {"Output": "default"}
    assert verdict(result) == SUCCESS
    assert result.state == "SUCCEEDED"


def test_C16_sdk_refuses_one_of_without_else() -> None:
    with pytest.raises(ValueError, match=r"dsl.OneOf must include an output from a task in a dsl.Else group"):

        @dsl.pipeline(name="c16-refused")
        def pipeline(mode: str) -> None:
            with dsl.If(mode == "a"):
                a = ok()
            with dsl.Elif(mode == "b"):
                b = ok()
            echo(text=dsl.OneOf(a.output, b.output))


NAME = "inputs.parameter_values['pipelinechannel--mode']"


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(f"{NAME} ==", id="no-cel"),
        pytest.param("inputs.parameter_values['nobody'] == 'a'", id="missing-key"),
        pytest.param(f"{NAME} > 1", id="no-such-overload"),
        pytest.param(f"{NAME}", id="no-boolean"),
        pytest.param(f"int({NAME}) == 1", id="no-number"),
        pytest.param("unheard_of()", id="no-such-function"),
    ],
)
def test_C17_condition_that_cannot_be_evaluated_fails_its_group(harness: Harness, condition: str) -> None:
    @dsl.pipeline(name="c17")
    def pipeline(mode: str = "a") -> None:
        with dsl.ExitHandler(report()):
            ok()
            with dsl.If(mode == "a"):
                ok()

    def break_condition(ir: Ir) -> None:  # the SDK writes no condition that cannot be evaluated
        tasks_of(ir, "comp-exit-handler-1")["condition-2"]["triggerPolicy"]["condition"] = condition

    result = harness.run(edited(pipeline, break_condition))

    group = "exit-handler-1/condition-2"
    assert result.states_of("exit-handler-1/ok", group, f"{group}/ok-2") == ["SUCCEEDED", "FAILED", "UPSTREAM_FAILED"]
    code, message = result.error(group) or (None, "")
    assert code == 3
    assert message.startswith(f"condition cannot be evaluated: {condition}: ")
    assert verdict(result) == ("FAILED", 3, f"{group}: {message}")
    assert (result.state, result.code, result.message) == ("FAILED", 3, f"{group}: {message}")


def test_C18_engine_obeys_the_condition_that_the_sdk_compiled(harness: Harness) -> None:
    @dsl.pipeline(name="c18")
    def pipeline(wanted: bool) -> None:  # noqa: FBT001 - the row is about a boolean parameter
        with dsl.ExitHandler(report()), dsl.If(wanted == 1):
            ok()

    condition = tasks_of(compile_ir(pipeline), "comp-exit-handler-1")["condition-2"]["triggerPolicy"]["condition"]
    states = {wanted: harness.run(pipeline, {"wanted": wanted}).states for wanted in (True, False)}

    assert condition == "inputs.parameter_values['pipelinechannel--wanted'] == false"
    assert states[True]["exit-handler-1/condition-2/ok"] == "SKIPPED"
    assert states[False]["exit-handler-1/condition-2/ok"] == "SUCCEEDED"


def test_C22_what_follows_a_skipped_task_is_skipped(harness: Harness) -> None:
    @dsl.pipeline(name="c22")
    def pipeline(mode: str = "dry") -> None:
        with dsl.ExitHandler(report()):
            with dsl.If(mode == "real"):
                ok()
            after = ok()
            number(value=1).after(after)

    def wait_for_condition(ir: Ir) -> None:  # the SDK refuses .after() of a condition group
        tasks_of(ir, "comp-exit-handler-1")["ok-2"]["dependentTasks"] = ["condition-2"]

    result = harness.run(edited(pipeline, wait_for_condition))

    assert result.states == {
        "exit-handler-1": "SUCCEEDED",
        "exit-handler-1/condition-2": "SKIPPED",
        "exit-handler-1/condition-2/ok": "SKIPPED",
        "exit-handler-1/ok-2": "SKIPPED",
        "exit-handler-1/number": "SKIPPED",
        "report": "SUCCEEDED",
    }
    assert verdict(result) == SUCCESS
    assert result.state == "SUCCEEDED"
