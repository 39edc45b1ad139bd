"""Matrix H: what is refused before anything runs, by the SDK's compiler and, in IR that never saw it, by the loader."""

import re
from collections.abc import Callable

import pytest
from components import cleanup, echo, ok, report
from harness import Harness, Ir, edited, tasks_of
from kfp import dsl
from kfp.compiler.compiler_utils import InvalidTopologyException

import postlude

NOT_AN_EXIT_TASK = (
    "$.root.dag.tasks.report.inputs.parameters.status: is a final status on a task that is no exit task: it would not "
    "run after a failure. Set its strategy to ALL_UPSTREAM_TASKS_COMPLETED, with an ExitHandler or "
    ".ignore_upstream_failure()."
)
INSIDE_THE_GROUP = (
    "names task 'ok', which is inside group 'exit-handler-1'. "
    "Let 'exit-handler-1' pass the output out (its 'outputs'), "
    "and name 'exit-handler-1' here."
)
NOT_FOR_ROOT = (
    "$.status: has type TASK_FINAL_STATUS, invalid for root component. "
    "Use the component as the exit task of a pipeline."
)


@dsl.pipeline(name="handled")
def handled() -> None:
    """The pipeline that the refused ones are made of."""
    with dsl.ExitHandler(report()):
        ok()
    echo(text="edited away")


def refused_by_the_sdk(pipeline: Callable[..., object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        dsl.pipeline(name="refused")(pipeline)


def refused_by_the_loader(harness: Harness, edit: Callable[[Ir], None], text: str) -> None:
    with pytest.raises(postlude.SpecError) as refusal:
        harness.run(edited(handled, edit))
    assert str(refusal.value) == f"the pipeline spec has 1 problem:\n  {text}"
    assert not (harness.home / "runs").exists()


def test_H5_a_pipeline_returning_an_inner_output_is_refused(harness: Harness) -> None:
    def returning() -> str:
        with dsl.ExitHandler(report()):
            inner = ok()
        return inner.output

    def edit(ir: Ir) -> None:
        selector = {"valueFromParameter": {"producerSubtask": "ok", "outputParameterKey": "Output"}}
        ir["root"]["dag"]["outputs"] = {"parameters": {"Output": selector}}
        ir["root"]["outputDefinitions"] = {"parameters": {"Output": {"parameterType": "STRING"}}}

    refused_by_the_sdk(
        returning, InvalidTopologyException, "Got pipeline output from within the control flow group dsl.ExitHandler."
    )
    refused_by_the_loader(harness, edit, f"$.root.dag.outputs.parameters.Output: {INSIDE_THE_GROUP}")


def test_H6_an_outer_task_consuming_an_inner_output_is_refused(harness: Harness) -> None:
    def consuming() -> None:
        with dsl.ExitHandler(report()):
            inner = ok()
        echo(text=inner.output)

    def edit(ir: Ir) -> None:
        source = {"taskOutputParameter": {"producerTask": "ok", "outputParameterKey": "Output"}}
        tasks_of(ir)["echo"]["inputs"]["parameters"]["text"] = source

    refused_by_the_sdk(consuming, InvalidTopologyException, "Found task echo which depends on upstream task ok")
    refused_by_the_loader(harness, edit, f"$.root.dag.tasks.echo.inputs.parameters.text: {INSIDE_THE_GROUP}")


def _without_strategy(ir: Ir) -> None:
    del tasks_of(ir)["report"]["triggerPolicy"]


def _unfed(ir: Ir) -> None:
    _without_strategy(ir)
    del tasks_of(ir)["report"]["inputs"], tasks_of(ir)["report"]["dependentTasks"]


def test_H7_the_sdk_refuses_a_status_input_on_a_plain_task() -> None:
    def plain() -> None:
        report()

    refused_by_the_sdk(plain, ValueError, "PipelineTaskFinalStatus can only be used in an exit task.")


@pytest.mark.parametrize("edit", [_without_strategy, _unfed])
def test_H7_the_loader_refuses_a_status_input_on_a_plain_task(harness: Harness, edit: Callable[[Ir], None]) -> None:
    refused_by_the_loader(harness, edit, NOT_AN_EXIT_TASK)


def test_H8_an_importer_as_exit_task_is_refused(harness: Harness) -> None:
    def importing() -> None:
        with dsl.ExitHandler(dsl.importer(artifact_uri="/data", artifact_class=dsl.Dataset)):
            ok()

    def edit(ir: Ir) -> None:
        ir["deploymentSpec"]["executors"]["exec-report"] = {
            "importer": {
                "artifactUri": {"constant": "/data"},
                "typeSchema": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
            }
        }

    refused_by_the_sdk(importing, RuntimeError, "Exit task importer is missing both container spec and pipeline spec.")
    refused_by_the_loader(
        harness,
        edit,
        "$.root.dag.tasks.report: is the exit task of 'exit-handler-1', but an importer. "
        "An exit task runs code: use a component.",
    )


@dsl.pipeline(name="notify")
def notify(status: dsl.PipelineTaskFinalStatus) -> None:
    """An exit pipeline; alone it has no group to tell of."""
    ok()


@pytest.mark.parametrize("source", [report, notify], ids=["component", "pipeline"])
@pytest.mark.parametrize("arguments", [{}, {"status": {"state": "COMPLETE"}}], ids=["not-given", "given"])
def test_H13_a_status_typed_root_is_refused(
    harness: Harness, source: dsl.base_component.BaseComponent, arguments: dict[str, dict[str, str]]
) -> None:
    with pytest.raises(postlude.SpecError) as refusal:
        harness.run(source, arguments)

    assert str(refusal.value) == f"arguments has 1 problem:\n  {NOT_FOR_ROOT}"


def test_H15_after_an_exit_handler_is_allowed(harness: Harness) -> None:
    @dsl.pipeline(name="h15")
    def pipeline() -> None:
        with dsl.ExitHandler(report()) as handler:
            ok()
        cleanup().after(handler)

    result = harness.run(pipeline)

    assert list(result.states.items())[-1] == ("cleanup", "SUCCEEDED")


def test_H15_after_a_condition_is_refused() -> None:
    def pipeline(word: str = "go") -> None:
        with dsl.If(word == "go") as branch:
            ok()
        cleanup().after(branch)

    refused_by_the_sdk(pipeline, ValueError, "Only dsl.ExitHandler groups can be used as .after() dependencies.")


def test_H15_after_a_loop_is_refused() -> None:
    def pipeline() -> None:
        with dsl.ParallelFor([1]) as item:
            ok()
        cleanup().after(item)

    refused_by_the_sdk(pipeline, ValueError, "only supports PipelineTask and dsl.ExitHandler dependencies.")
