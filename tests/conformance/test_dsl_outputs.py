"""Matrix H, written with `postlude.dsl`: what exit tasks take in and give out, and what is refused."""

import re
from collections.abc import Callable
from typing import Any, Optional

import pytest
from components import cleanup, echo, fail, fail_if, number, ok, report, report_items, report_text, slow
from google.protobuf import json_format
from harness import Harness
from kfp.compiler.compiler_utils import InvalidTopologyException

from postlude import dsl

BODY = "exit-handler-1"


@dsl.component
def write(text: str, data: dsl.Output[dsl.Dataset]) -> None:
    with open(data.path, "w") as file:  # noqa: PTH123 - as authors write
        file.write(text)


@dsl.component
def read_or(data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:  # noqa: UP045 - as authors write
    if data is None:
        return "nothing"
    with open(data.path) as file:  # noqa: PTH123 - as above
        return file.read()


@dsl.component
def read_all(data: dsl.Input[list[dsl.Dataset]] = None) -> list:
    texts = []
    for each in data or []:
        with open(each.path) as file:  # noqa: PTH123 - as above
            texts.append(file.read())
    return texts


# --- H1-H4: in and out ------------------------------------------------------------------------------------------------


def test_H1_a_nested_exit_task_uses_pipeline_parameters(harness: Harness) -> None:
    @dsl.pipeline(name="h1")
    def pipeline(who: str, mode: str = "on") -> None:
        with dsl.If(mode == "on"), dsl.ExitHandler(report_text(text=f"to {who}")):
            ok()

    result = harness.run(pipeline, {"who": "ops"})

    assert result.told("condition-1/report-text") == {"state": "COMPLETE", "text": "to ops"}


@pytest.mark.parametrize("produced", [True, False])
def test_H2_an_exit_task_uses_an_inner_output_or_its_default(harness: Harness, produced: bool) -> None:  # noqa: FBT001 - a row of the table
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(lambda: report_text(text=inner.output)):
            failed, inner = fail(), echo(text="real")
            if not produced:
                inner.after(failed)

    result = harness.run(pipeline)

    assert result.told("report-text") == {"state": "FAILED", "text": "real" if produced else "default"}
    assert (result.state, result.message) == ("FAILED", f"{BODY}/fail: ValueError: boom")


@pytest.mark.parametrize(("value", "text"), [(1, "got 1 of ops"), (2, "default")], ids=["produced", "not-produced"])
def test_H2_an_inner_output_in_the_middle_of_a_text(harness: Harness, value: int, text: str) -> None:
    @dsl.pipeline(name="h2")
    def pipeline(who: str, value: int) -> None:
        with dsl.ExitHandler(lambda: report_text(text=f"got {made.output} of {who}")):
            made = fail_if(value=value, bad=2)

    result = harness.run(pipeline, {"who": "ops", "value": value})

    assert result.told("report-text")["text"] == text


def test_H2_inner_outputs_come_out_of_inner_groups(harness: Harness) -> None:
    @dsl.pipeline(name="h2")
    def pipeline(mode: str) -> None:
        with dsl.ExitHandler(lambda: report_text(text=deep.output)):
            with dsl.If(mode == "real"), dsl.ExitHandler(cleanup()):
                deep = echo(text="deep")

    assert harness.run(pipeline, {"mode": "real"}).told("report-text")["text"] == "deep"
    assert harness.run(pipeline, {"mode": "dry"}).told("report-text")["text"] == "default"


def test_H2_an_inner_exit_tasks_output_is_an_inner_output(harness: Harness) -> None:
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(lambda: report_text(text=inner.output)):
            inner = cleanup()
            with dsl.ExitHandler(inner):
                fail()

    assert harness.run(pipeline).told("report-text") == {"state": "FAILED", "text": "clean"}


@pytest.mark.parametrize(("bad", "items"), [(9, [0, 1, 2]), (1, [0, None, 2])])
def test_H2_outputs_of_a_loop_are_collected(harness: Harness, bad: int, items: list[int | None]) -> None:
    @dsl.pipeline(name="h2")
    def pipeline(bad: int) -> None:
        with dsl.ExitHandler(lambda: report_items(items=dsl.Collected(made.output))):
            with dsl.ParallelFor([0, 1, 2]) as item:
                made = fail_if(value=item, bad=bad)

    result = harness.run(pipeline, {"bad": bad})

    assert result.told("report-items")["items"] == items


def test_H2_outputs_of_a_loop_are_lists_in_every_group_that_lets_them_out() -> None:
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(lambda: report_items(items=dsl.Collected(made.output))):
            with dsl.ParallelFor([0, 1, 2]) as item:
                made = fail_if(value=item, bad=9)

    components = json_format.MessageToDict(pipeline.pipeline_spec)["components"]
    declared = [components[name]["outputDefinitions"] for name in ("comp-for-loop-3", "comp-exit-handler-1")]
    assert declared == [{"parameters": {"pipelinechannel--fail-if-Output": {"parameterType": "LIST"}}}] * 2


@pytest.mark.parametrize(("mode", "text"), [("real", "first"), ("dry", "second")])
def test_H2_one_of_the_branches_outputs(harness: Harness, mode: str, text: str) -> None:
    @dsl.pipeline(name="h2")
    def pipeline(mode: str) -> None:
        with dsl.ExitHandler(lambda: report_text(text=taken)):
            with dsl.If(mode == "real"):
                first = echo(text="first")
            with dsl.Else():
                second = echo(text="second")
            taken = dsl.OneOf(first.output, second.output)
            echo(text=taken)

    result = harness.run(pipeline, {"mode": mode})

    assert result.told("report-text")["text"] == text
    assert result.outputs(f"{BODY}/echo-3") == {"Output": text}


@pytest.mark.parametrize(("failing", "text"), [(False, "kept"), (True, "nothing")])
def test_H2_an_inner_artifact(harness: Harness, failing: bool, text: str) -> None:  # noqa: FBT001 - a row of the table
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(lambda: read_or(data=written.outputs["data"])):
            written = write(text="kept")
            if failing:
                written.after(fail())

    assert harness.run(pipeline).outputs("read-or") == {"Output": text}


def test_H2_artifacts_of_a_loop_are_collected(harness: Harness) -> None:
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ExitHandler(lambda: read_all(data=dsl.Collected(written.outputs["data"]))):
            with dsl.ParallelFor(["a", "b"]) as item:
                written = write(text=item)

    assert harness.run(pipeline).outputs("read-all") == {"Output": ["a", "b"]}


def test_H2_in_each_iteration_its_own_outputs(harness: Harness) -> None:
    @dsl.pipeline(name="h2")
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]) as item, dsl.ExitHandler(lambda: report_text(text=made.output)):
            made = echo(text=item)

    result = harness.run(pipeline)

    assert [result.told(f"for-loop-2[{index}]/report-text")["text"] for index in range(2)] == ["a", "b"]


def test_H2_a_required_input_is_refused() -> None:
    text = (
        "ExitHandler exit-handler-1: its exit task 'echo' requires input 'text', an output of 'ok' inside, which may "
        "be missing when the exit task runs. Give 'text' a default in component 'echo', or make it Optional."
    )

    def pipeline() -> None:
        with dsl.ExitHandler(lambda: echo(text=made.output)):
            made = ok()

    refused(pipeline, dsl.DslError, text)


def test_H2_one_output_of_many_iterations_is_refused() -> None:
    text = (
        "ExitHandler exit-handler-1: the input 'text' of its exit task 'report-text' is an output of 'echo', of which "
        "for-loop-3 makes many. Pass dsl.Collected(...) of it, to an input that is a list."
    )

    def pipeline() -> None:
        with dsl.ExitHandler(lambda: report_text(text=made.output)), dsl.ParallelFor(["a"]) as item:
            made = echo(text=item)

    refused(pipeline, dsl.DslError, text)


def test_H2_an_item_of_a_loop_that_has_ended_is_refused() -> None:
    text = (
        "ExitHandler exit-handler-1: the input 'text' of its exit task 'report-text' is an item of a loop inside, "
        "which has ended. Pass the loop's items instead."
    )

    def pipeline() -> None:
        with dsl.ExitHandler(lambda: report_text(text=item)), dsl.ParallelFor(["a"]) as item:
            echo(text=item)

    refused(pipeline, dsl.DslError, text)


def test_H3_an_exit_task_uses_a_task_outside_its_group_and_waits_for_it(harness: Harness) -> None:
    @dsl.pipeline(name="h3")
    def pipeline() -> None:
        before = slow(seconds=0.4)
        with dsl.ExitHandler(report_text(text=before.output)):
            ok()

    result = harness.run(pipeline)

    assert result.told("report-text") == {"state": "COMPLETE", "text": "slow"}
    assert result.started("report-text") >= result.finished("slow") > result.finished(BODY)
    assert result.run.tasks["report-text"].document["exit_of"] == BODY


def test_H3_through_the_groups_around(harness: Harness) -> None:
    @dsl.pipeline(name="h3")
    def pipeline(mode: str = "on") -> None:
        before = echo(text="before")
        with dsl.ExitHandler(cleanup()), dsl.If(mode == "on"), dsl.ParallelFor([1, 2]) as item:
            with dsl.ExitHandler(report_text(text=f"{before.output} {item}")):
                number(value=item)

    result = harness.run(pipeline)

    told = [result.told(f"{BODY}/condition-2/for-loop-4[{index}]/report-text")["text"] for index in range(2)]
    assert (told, result.state) == (["before 1", "before 2"], "SUCCEEDED")


@pytest.mark.parametrize("body", [ok, fail], ids=["body-succeeds", "body-fails"])
def test_H4_a_later_task_uses_a_nested_exit_tasks_output(harness: Harness, body: Callable[[], Any]) -> None:
    @dsl.pipeline(name="h4")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            exit_task = cleanup()
            with dsl.ExitHandler(exit_task):
                body()
            echo(text=exit_task.output)

    result = harness.run(pipeline)

    assert result.outputs(f"{BODY}/echo") == {"Output": "clean"}
    assert result.started(f"{BODY}/echo") >= result.finished(f"{BODY}/cleanup")
    assert result.verdict("report")[0] == ("COMPLETE" if body is ok else "FAILED")


def test_H4_a_pipeline_returns_an_exit_tasks_output(harness: Harness) -> None:
    @dsl.pipeline(name="h4")
    def pipeline() -> str:
        exit_task = cleanup()
        with dsl.ExitHandler(exit_task):
            ok()
        return exit_task.output

    assert harness.run(pipeline).run.outputs == {"Output": "clean"}


# --- H5-H8: refused ---------------------------------------------------------------------------------------------------


def refused(pipeline: Callable[..., object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        dsl.pipeline(name="refused")(pipeline)


def test_H5_a_pipeline_returning_an_inner_output_is_refused() -> None:
    def returning() -> str:
        with dsl.ExitHandler(report()), dsl.ExitHandler(cleanup()):
            inner = ok()
        return inner.output

    text = "Got pipeline output from within the control flow group dsl.ExitHandler."
    refused(returning, InvalidTopologyException, text)


def test_H6_an_outer_task_consuming_an_inner_output_is_refused() -> None:
    def consuming() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ExitHandler(cleanup()):
                inner = ok()
            echo(text=inner.output)

    text = "Found task echo which depends on upstream task ok within an uncommon dsl.ExitHandler context."
    refused(consuming, InvalidTopologyException, text)


def test_H7_a_status_input_on_a_plain_task_in_a_handler_is_refused() -> None:
    def plain() -> None:
        with dsl.ExitHandler(report()):
            report()

    refused(plain, ValueError, "PipelineTaskFinalStatus can only be used in an exit task.")


def test_H8_an_importer_as_exit_task_is_refused() -> None:
    def importing() -> None:
        with dsl.ExitHandler(dsl.importer(artifact_uri="/data", artifact_class=dsl.Dataset)):
            ok()

    text = (
        "ExitHandler exit-handler-1: its exit task 'importer' is an importer. An exit task runs code: use a component."
    )
    refused(importing, dsl.DslError, text)


def test_H14_a_nested_handler_is_told_by_its_key_and_shown_by_its_name(harness: Harness) -> None:
    @dsl.pipeline(name="h14")
    def pipeline() -> None:
        with dsl.ExitHandler(cleanup(), name="outer"), dsl.ExitHandler(report(), name="inner"):
            ok()

    result = harness.run(pipeline)

    assert result.verdict(f"{BODY}/report")[3] == "exit-handler-2"
    assert result.run.tasks[f"{BODY}/exit-handler-2"].document["display_name"] == "inner"
