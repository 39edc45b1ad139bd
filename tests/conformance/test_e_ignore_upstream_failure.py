"""Matrix E: tasks that ignore the failure of their upstreams."""

import pytest
from components import (
    both_or,
    cleanup,
    data_or_nothing,
    echo,
    echo_or,
    fail,
    fail_if,
    failing_dataset,
    failing_report,
    failing_text,
    number,
    ok,
    report,
    report_items,
    slow,
)
from harness import Harness, Ir, compile_ir, edited, tasks_of
from kfp import dsl
from kfp.compiler.compiler_utils import InvalidTopologyException

import postlude

FAILING_IMPORT = "/there/is/nothing/here"


def told_success(run_id: str, pipeline: str, task: str) -> dict[str, object]:
    return {"state": "COMPLETE", "code": None, "message": None, "task": task, "job": f"{pipeline}/{run_id}"}


def test_E1_input_from_a_failed_upstream_is_its_default(harness: Harness) -> None:
    @dsl.pipeline(name="e1")
    def pipeline() -> None:
        echo_or(text=failing_text().output).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"failing-text": "FAILED", "echo-or": "SUCCEEDED"}
    assert result.outputs("echo-or") == {"Output": "default"}
    assert (result.state, result.code, result.message) == ("FAILED", 2, "failing-text: ValueError: no text")


def test_E2_input_from_an_upstream_that_succeeded_is_its_value(harness: Harness) -> None:
    @dsl.pipeline(name="e2")
    def pipeline() -> None:
        echo_or(text=ok().output).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"ok": "SUCCEEDED", "echo-or": "SUCCEEDED"}
    assert result.outputs("echo-or") == {"Output": "ok"}
    assert result.state == "SUCCEEDED"


def test_E3_without_inputs_it_runs_after_the_failure(harness: Harness) -> None:
    @dsl.pipeline(name="e3")
    def pipeline() -> None:
        cleanup().after(fail()).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", "cleanup": "SUCCEEDED"}
    assert result.started("cleanup") >= result.finished("fail")
    assert (result.state, result.message) == ("FAILED", "fail: ValueError: boom")


def test_E4_status_of_a_failed_upstream(harness: Harness) -> None:
    @dsl.pipeline(name="e4")
    def pipeline() -> None:
        report().after(fail(message="no disk")).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.told("report") == {
        "state": "FAILED",
        "code": 2,
        "message": "fail: ValueError: no disk",
        "task": "fail",
        "job": f"e4/{result.run.run_id}",
    }
    assert (result.state, result.states["report"]) == ("FAILED", "SUCCEEDED")


def test_E5_status_of_an_upstream_that_succeeded(harness: Harness) -> None:
    @dsl.pipeline(name="e5")
    def pipeline() -> None:
        report().after(ok()).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.told("report") == told_success(result.run.run_id, "e5", "ok")
    assert result.payload("report")["error"] == {}
    assert result.state == "SUCCEEDED"


def test_E6_status_of_a_cached_upstream_is_complete(harness: Harness) -> None:
    @dsl.pipeline(name="e6")
    def pipeline() -> None:
        report().after(ok()).ignore_upstream_failure()

    harness.run(pipeline)
    again = harness.run(pipeline)

    assert (again.run.tasks["ok"].cached, again.run.tasks["report"].cached) == (True, False)
    assert again.told("report") == told_success(again.run.run_id, "e6", "ok")
    assert (again.state, again.payload("report")["tasks"]) == ("SUCCEEDED", {"SUCCEEDED": 1})


def test_E7_it_runs_after_a_skipped_upstream(harness: Harness) -> None:
    # The SDK conditions whole groups, whose tasks are never entered; a task with a condition of its own is plain IR.
    @dsl.pipeline(name="e7")
    def pipeline() -> None:
        report().after(echo(text="no")).ignore_upstream_failure()

    def never(ir: Ir) -> None:
        tasks_of(ir)["echo"]["triggerPolicy"] = {"condition": "inputs.parameter_values['text'] == 'yes'"}

    result = harness.run(edited(pipeline, never))

    assert result.states == {"echo": "SKIPPED", "report": "SUCCEEDED"}
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("SKIPPED", None, None)
    assert (result.payload("report")["error"], result.state) == ({}, "SUCCEEDED")


def test_E8_status_of_an_upstream_that_was_not_started(harness: Harness) -> None:
    @dsl.pipeline(name="e8")
    def pipeline() -> None:
        failed = fail()
        skipped = ok().after(failed)
        report().after(skipped).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", "ok": "UPSTREAM_FAILED", "report": "SUCCEEDED"}
    told = result.told("report")
    assert (told["state"], told["code"], told["task"]) == ("FAILED", 9, "ok")
    assert told["message"] == "ok: not started: upstream fail failed"
    assert (result.state, result.code, result.message) == ("FAILED", 2, "fail: ValueError: boom")


def test_E9_a_task_after_it_depends_on_it_alone(harness: Harness) -> None:
    @dsl.pipeline(name="e9")
    def pipeline() -> None:
        recovered = cleanup().after(fail()).ignore_upstream_failure()
        ok().after(recovered)

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", "cleanup": "SUCCEEDED", "ok": "SUCCEEDED"}
    assert (result.state, result.code) == ("FAILED", 2)


def test_E10_with_two_upstreams_it_runs_once_after_both(harness: Harness) -> None:
    @dsl.pipeline(name="e10")
    def pipeline() -> None:
        both_or(first=failing_text().output, second=slow(seconds=0.3).output).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"failing-text": "FAILED", "slow": "SUCCEEDED", "both-or": "SUCCEEDED"}
    assert result.outputs("both-or")["Output"] == {"first": "first default", "second": "slow"}
    assert result.started("both-or") >= max(result.finished("slow"), result.finished("failing-text"))
    assert (result.run.tasks["both-or"].attempts, result.state) == (1, "FAILED")


def test_E11_status_with_two_upstreams_is_refused_by_the_compiler() -> None:
    def pipeline() -> None:
        report().after(ok(), cleanup()).ignore_upstream_failure()

    with pytest.raises(InvalidTopologyException, match="must have exactly one dependent upstream task"):
        dsl.pipeline(name="e11")(pipeline)


def test_E11_status_with_two_upstreams_is_refused_by_the_loader(harness: Harness) -> None:
    @dsl.pipeline(name="e11")
    def pipeline() -> None:
        cleanup()
        report().after(ok()).ignore_upstream_failure()

    ir = edited(pipeline, lambda ir: tasks_of(ir)["report"]["dependentTasks"].append("cleanup"))

    with pytest.raises(postlude.SpecError) as refused:
        harness.run(ir)
    assert str(refused.value) == (
        "the pipeline spec has 1 problem:\n"
        "  $.root.dag.tasks.report.inputs.parameters.status: is a final status on a task with several upstreams "
        "('ok', 'cleanup'). Depend on 'ok' alone."
    )


def test_E12_two_on_one_upstream_both_run(harness: Harness) -> None:
    @dsl.pipeline(name="e12")
    def pipeline() -> None:
        failed = fail()
        report().after(failed).ignore_upstream_failure()
        report().after(failed).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", "report": "SUCCEEDED", "report-2": "SUCCEEDED"}
    assert result.told("report") == result.told("report-2")
    assert (result.told("report")["state"], result.told("report")["code"]) == ("FAILED", 2)
    assert result.state == "FAILED"


def test_E13_status_of_a_failed_loop(harness: Harness) -> None:
    # The SDK allows nothing to be `.after` a loop, so the dependency is one on its collected outputs.
    @dsl.pipeline(name="e13")
    def pipeline() -> None:
        with dsl.ParallelFor([1, 2]) as item:
            checked = fail_if(value=item, bad=1)
        report_items(items=dsl.Collected(checked.output)).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states_of("for-loop-2", "report-items") == ["FAILED", "SUCCEEDED"]
    assert result.told("report-items") == {"state": "FAILED", "task": "for-loop-2", "items": [None, 2]}
    error = {"code": 2, "message": "for-loop-2[0]/fail-if: ValueError: bad value 1"}
    assert (result.payload("report-items")["error"], result.state) == (error, "FAILED")


def test_E14_in_an_iteration_it_is_told_of_its_own_sibling(harness: Harness) -> None:
    @dsl.pipeline(name="e14")
    def pipeline() -> None:
        with dsl.ParallelFor([1, 2]) as item:
            checked = fail_if(value=item, bad=1)
            report().after(checked).ignore_upstream_failure()

    result = harness.run(pipeline)

    told = [result.told(f"for-loop-2[{index}]/report") for index in range(2)]
    assert [(one["state"], one["code"], one["task"]) for one in told] == [
        ("FAILED", 2, "fail-if"),
        ("COMPLETE", None, "fail-if"),
    ]
    assert told[0]["message"] == "for-loop-2[0]/fail-if: ValueError: bad value 1"
    assert result.states_of("for-loop-2[0]", "for-loop-2[1]", "for-loop-2") == ["FAILED", "SUCCEEDED", "FAILED"]
    assert result.state == "FAILED"


def test_E15_status_in_a_loop_of_a_task_outside_is_refused_by_the_compiler() -> None:
    def pipeline() -> None:
        failed = fail()
        with dsl.ParallelFor([1, 2]):
            report().after(failed).ignore_upstream_failure()

    with pytest.raises(InvalidTopologyException, match=r"beneath a 'dsl\.ParallelFor' that does not also contain"):
        dsl.pipeline(name="e15")(pipeline)


def test_E15_status_in_a_loop_of_a_task_outside_is_refused_by_the_loader(harness: Harness) -> None:
    @dsl.pipeline(name="e15")
    def pipeline() -> None:
        failed = fail()
        with dsl.ParallelFor([1, 2]):
            report().after(ok()).ignore_upstream_failure()
            number(value=1).after(failed)

    def point_outside(ir: Ir) -> None:
        status = tasks_of(ir, "comp-for-loop-2")["report"]["inputs"]["parameters"]["status"]
        status["taskFinalStatus"]["producerTask"] = "fail"

    with pytest.raises(postlude.SpecError) as refused:
        harness.run(edited(pipeline, point_outside))
    assert str(refused.value) == (
        "the pipeline spec has 1 problem:\n"
        "  $.components.comp-for-loop-2.dag.tasks.report.inputs.parameters.status: is the final status of 'fail', "
        "which is not in the same DAG: a status is only of a neighbour. There is 'number', 'ok'."
    )


def test_E15_loop_that_ignores_the_failure_runs_each_iteration_after_it(harness: Harness) -> None:
    # The SDK moves the dependency to the loop and leaves the strategy on the task inside; here the loop has both.
    @dsl.pipeline(name="e15")
    def pipeline() -> None:
        failed = fail()
        with dsl.ParallelFor([1, 2]) as item:
            number(value=item).after(failed).ignore_upstream_failure()

    def ignore(ir: Ir) -> None:
        tasks_of(ir)["for-loop-2"]["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}

    result = harness.run(edited(pipeline, ignore))

    assert result.states_of("for-loop-2[0]/number", "for-loop-2[1]/number") == ["SUCCEEDED", "SUCCEEDED"]
    assert result.started("for-loop-2") >= result.finished("fail")
    assert (result.state, result.states["for-loop-2"], result.code) == ("FAILED", "SUCCEEDED", 2)


def test_E15_loop_that_the_sdk_makes_wait_by_default_is_not_entered(harness: Harness) -> None:
    @dsl.pipeline(name="e15")
    def pipeline() -> None:
        failed = fail()
        with dsl.ParallelFor([1, 2]) as item:
            number(value=item).after(failed).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", "for-loop-2": "UPSTREAM_FAILED"}
    assert result.error("for-loop-2") == (9, "not started: upstream fail failed")
    assert result.state == "FAILED"


def test_E16_status_of_a_failed_importer(harness: Harness) -> None:
    @dsl.pipeline(name="e16")
    def pipeline() -> None:
        imported = dsl.importer(artifact_uri=FAILING_IMPORT, artifact_class=dsl.Dataset)
        report().after(imported).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"importer": "FAILED", "report": "SUCCEEDED"}
    told = result.told("report")
    assert (told["state"], told["code"], told["task"]) == ("FAILED", 5, "importer")
    assert told["message"] == f"importer: nothing to import: '{FAILING_IMPORT}' does not exist"
    assert (result.state, result.code) == ("FAILED", 5)


def test_E17_status_of_a_failed_sub_pipeline(harness: Harness) -> None:
    @dsl.pipeline(name="inner")
    def inner() -> None:
        fail()

    @dsl.pipeline(name="e17")
    def pipeline() -> None:
        report().after(inner()).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"inner": "FAILED", "inner/fail": "FAILED", "report": "SUCCEEDED"}
    told = result.told("report")
    assert (told["state"], told["code"], told["task"]) == ("FAILED", 2, "inner")
    assert told["message"] == "inner/fail: ValueError: boom"
    assert result.state == "FAILED"


def test_E18_its_own_failure_fails_the_run(harness: Harness) -> None:
    @dsl.pipeline(name="e18")
    def pipeline() -> None:
        failing_report().after(ok()).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"ok": "SUCCEEDED", "failing-report": "FAILED"}
    assert result.payload("failing-report")["state"] == "COMPLETE"
    message = "failing-report: RuntimeError: alert failed, was told COMPLETE"
    assert (result.state, result.code, result.message) == ("FAILED", 2, message)


def test_E19_without_upstreams_it_is_a_plain_task(harness: Harness) -> None:
    @dsl.pipeline(name="e19")
    def pipeline() -> None:
        ok().ignore_upstream_failure()

    result = harness.run(pipeline)

    assert (result.states, result.state) == ({"ok": "SUCCEEDED"}, "SUCCEEDED")


def test_E20_missing_optional_artifact_is_none(harness: Harness) -> None:
    @dsl.pipeline(name="e20")
    def pipeline() -> None:
        data_or_nothing(data=failing_dataset().outputs["data"]).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert result.states == {"failing-dataset": "FAILED", "data-or-nothing": "SUCCEEDED"}
    assert (result.inputs("data-or-nothing"), result.outputs("data-or-nothing")) == ({}, {"Output": "nothing"})
    assert (result.state, result.code) == ("FAILED", 2)


def test_E21_component_with_an_unpassed_optional_input(harness: Harness) -> None:
    # The SDK's .ignore_upstream_failure() looks up every input of the component, and some of its versions raise a
    # KeyError for one that was not passed, so the strategy is written into the IR.
    @dsl.pipeline(name="e21")
    def pipeline() -> None:
        echo_or().after(fail())

    ir = compile_ir(pipeline)
    tasks_of(ir)["echo-or"]["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}

    result = harness.run(ir)

    assert result.states == {"fail": "FAILED", "echo-or": "SUCCEEDED"}
    assert (result.outputs("echo-or"), result.state) == ({"Output": "default"}, "FAILED")
