"""Matrix C: sub-pipelines inside an exit handler."""

from typing import Optional

from components import echo, fail, maybe, ok, report
from harness import Harness
from kfp import dsl


@dsl.pipeline(name="innermost")
def innermost() -> None:
    ok()
    fail(message="deep")


@dsl.pipeline(name="middle")
def middle() -> None:
    innermost()


def test_C19_failure_two_levels_down_fails_the_whole_chain(harness: Harness) -> None:
    @dsl.pipeline(name="c19")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            middle()

    result = harness.run(pipeline)

    leaf = "exit-handler-1/middle/innermost/fail"
    assert result.states == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/middle": "FAILED",
        "exit-handler-1/middle/innermost": "FAILED",
        "exit-handler-1/middle/innermost/ok": "SUCCEEDED",
        leaf: "FAILED",
        "report": "SUCCEEDED",
    }
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("FAILED", 2, f"{leaf}: ValueError: deep")
    assert [failure["task"] for failure in result.payload("report")["failures"]] == [leaf]
    assert (result.state, result.code, result.message) == ("FAILED", 2, f"{leaf}: ValueError: deep")


@dsl.pipeline(name="greet")
def greet(name: str) -> str:
    return echo(text=name).output


def test_C20_output_of_a_sub_pipeline_is_consumed_after_it(harness: Harness) -> None:
    @dsl.pipeline(name="c20")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            echo(text=greet(name="ada").output)

    result = harness.run(pipeline)

    assert (
        result.states_of("exit-handler-1/greet", "exit-handler-1/greet/echo", "exit-handler-1/echo")
        == ["SUCCEEDED"] * 3
    )
    assert result.outputs("exit-handler-1/greet") == {"Output": "ada"}
    assert result.outputs("exit-handler-1/echo") == {"Output": "ada"}
    assert result.told("report")["state"] == "COMPLETE"
    assert result.payload("report")["outputs"] == {
        "greet.Output": "ada",
        "greet/echo.Output": "ada",
        "echo.Output": "ada",
    }
    assert result.state == "SUCCEEDED"


@dsl.pipeline(name="lenient")
def lenient(text: Optional[str] = None, other: str = "the default") -> None:  # noqa: UP045 - the form that the SDK reads
    maybe(text=text)
    echo(text=other)


def test_C21_omitted_optional_input_of_a_sub_pipeline(harness: Harness) -> None:
    @dsl.pipeline(name="c21")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            lenient()

    result = harness.run(pipeline)

    assert result.inputs("exit-handler-1/lenient") == {"other": "the default"}
    assert result.outputs("exit-handler-1/lenient/maybe") == {"Output": "nothing"}
    assert result.outputs("exit-handler-1/lenient/echo") == {"Output": "the default"}
    assert result.told("report")["state"] == "COMPLETE"
    assert result.state == "SUCCEEDED"


def test_C21_given_optional_input_of_a_sub_pipeline(harness: Harness) -> None:
    @dsl.pipeline(name="c21-given")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            lenient(text="some", other="thing")

    result = harness.run(pipeline)

    assert result.outputs("exit-handler-1/lenient/maybe") == {"Output": "some"}
    assert result.outputs("exit-handler-1/lenient/echo") == {"Output": "thing"}
    assert result.state == "SUCCEEDED"
