"""Matrix H: what exit tasks take in and give out.

Exit tasks that use outputs of other tasks (H2, H3) or feed them (H4) are hand-edited IR, since the SDK refuses them.
"""

from typing import Any

import pytest
from components import cleanup, echo, fail, fail_if, flagged_report, ok, slow
from harness import Harness, Ir, edited, tasks_of
from kfp import dsl


def feed(ir: Ir, consumer: str, producer: str, output: str = "Output") -> None:
    """Let `text` of one root task come from an output of another."""
    source = {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": output}}
    tasks_of(ir)[consumer].setdefault("inputs", {}).setdefault("parameters", {})["text"] = source


def pass_out(ir: Ir, task: str) -> None:
    """Let the exit handler's group pass out the output of one of its tasks, as `inner`."""
    group = ir["components"]["comp-exit-handler-1"]
    selector = {"valueFromParameter": {"producerSubtask": task, "outputParameterKey": "Output"}}
    group["dag"]["outputs"] = {"parameters": {"inner": selector}}
    group["outputDefinitions"] = {"parameters": {"inner": {"parameterType": "STRING"}}}


@pytest.mark.parametrize(("arguments", "who"), [({}, "nobody"), ({"who": "ops"}, "ops")], ids=["default", "given"])
def test_H1_an_exit_task_uses_pipeline_parameters(harness: Harness, arguments: dict[str, Any], who: str) -> None:
    @dsl.pipeline(name="h1")
    def pipeline(who: str = "nobody") -> None:
        with dsl.ExitHandler(flagged_report(text=who)):
            ok()

    result = harness.run(pipeline, arguments)

    assert result.outputs("flagged-report") == {"Output": {"state": "COMPLETE", "text": who}}
    assert result.state == "SUCCEEDED"


@pytest.mark.parametrize(("produced", "text"), [(True, "real"), (False, "default")], ids=["produced", "not-produced"])
def test_H2_an_exit_task_uses_an_inner_output_or_its_default(harness: Harness, produced: bool, text: str) -> None:  # noqa: FBT001 - a row of the table
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(flagged_report()):
            failed, inner = fail(), echo(text="real")
            if not produced:
                inner.after(failed)

    def edit(ir: Ir) -> None:
        pass_out(ir, "echo")
        feed(ir, "flagged-report", "exit-handler-1", "inner")

    result = harness.run(edited(pipeline, edit))

    assert result.outputs("flagged-report") == {"Output": {"state": "FAILED", "text": text}}
    assert (result.state, result.message) == ("FAILED", "exit-handler-1/fail: ValueError: boom")


def test_H2_an_exit_task_that_requires_an_inner_output_fails_without_it(harness: Harness) -> None:
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(echo(text="edited away")):
            ok().after(fail())

    def edit(ir: Ir) -> None:
        pass_out(ir, "ok")
        feed(ir, "echo", "exit-handler-1", "inner")

    result = harness.run(edited(pipeline, edit))

    why = "input 'text' has no value and no default: 'exit-handler-1' ended FAILED without output 'inner'"
    assert (result.states["echo"], result.error("echo")) == ("FAILED", (5, why))
    assert result.run.tasks["echo"].attempts == 0
    message = f"exit-handler-1/fail: ValueError: boom; echo: {why}"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_H3_an_exit_task_uses_a_task_outside_its_group_and_waits_for_it(harness: Harness) -> None:
    @dsl.pipeline(name="h3")
    def pipeline() -> None:
        slow(seconds=0.4)
        with dsl.ExitHandler(flagged_report()):
            ok()

    result = harness.run(edited(pipeline, lambda ir: feed(ir, "flagged-report", "slow")))

    assert result.outputs("flagged-report") == {"Output": {"state": "COMPLETE", "text": "slow"}}
    assert result.started("flagged-report") >= result.finished("slow") > result.finished("exit-handler-1")
    assert result.run.tasks["flagged-report"].document["exit_of"] == "exit-handler-1"
    assert result.state == "SUCCEEDED"


def test_H3_an_exit_task_runs_although_a_task_outside_its_group_failed(harness: Harness) -> None:
    @dsl.pipeline(name="h3")
    def pipeline() -> None:
        fail_if(value=1, bad=1)
        with dsl.ExitHandler(flagged_report()):
            ok()

    result = harness.run(edited(pipeline, lambda ir: feed(ir, "flagged-report", "fail-if")))

    assert result.outputs("flagged-report") == {"Output": {"state": "COMPLETE", "text": "default"}}
    assert (result.state, result.message) == ("FAILED", "fail-if: ValueError: bad value 1")


@pytest.mark.parametrize(("body", "state"), [(ok, "SUCCEEDED"), (fail, "FAILED")], ids=["body-succeeds", "body-fails"])
def test_H4_a_later_task_uses_the_exit_tasks_output(
    harness: Harness, body: dsl.base_component.BaseComponent, state: str
) -> None:
    @dsl.pipeline(name="h4")
    def pipeline() -> None:
        with dsl.ExitHandler(cleanup()):
            body()
        echo(text="edited away")

    result = harness.run(edited(pipeline, lambda ir: feed(ir, "echo", "cleanup")))

    assert result.outputs("echo") == {"Output": "clean"}
    assert result.started("echo") >= result.finished("cleanup")
    assert result.state == state
