"""Placeholders of every kind, from the pipeline to the command line of a real process."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from components import echo, echo_or, fail, failing_text
from harness import Harness, Ir, Result, edited, tasks_of
from kfp import dsl
from placeholder_components import (
    artifacts,
    escaped,
    facts,
    given,
    keyed,
    left_alone,
    make_data,
    places,
    structs,
    typed,
    variable,
    workflow_facts,
    writes_report,
)


def run(harness: Harness, pipeline: Any, arguments: dict[str, Any] | None = None, **options: Any) -> Result:
    result = harness.run(pipeline, arguments, containers="host", **options)
    assert result.state == "SUCCEEDED", result.message
    return result


def argv(result: Result, path: str) -> list[str]:
    """The arguments that the process at `path` was started with."""
    return result.outputs(path)["argv"]


# --- inputs -----------------------------------------------------------------------------------------------------------


def test_input_parameters_are_text_or_json(harness: Harness) -> None:
    @dsl.pipeline(name="typed")
    def pipeline(text: str, whole: int, fraction: float, items: list, table: dict) -> None:
        typed(text=text, whole=whole, fraction=fraction, flag=True, items=items, table=table)

    arguments = {"text": 'a "b" $c', "whole": 3, "fraction": 0.5, "items": [1, "x"], "table": {"k": [None, True]}}
    result = run(harness, pipeline, arguments)

    assert argv(result, "typed") == [
        'a "b" $c',
        "3",
        "0.5",
        "true",
        '[1,"x"]',
        '{"k":[null,true]}',
        "--whole=3",
        'a/a "b" $c/b',
    ]


def test_keys_lead_into_an_input_parameter(harness: Harness) -> None:
    @dsl.pipeline(name="keyed")
    def pipeline(table: dict) -> None:
        keyed(table=table)

    result = run(harness, pipeline, {"table": {"inner": {"list": [1, 2]}}})

    assert argv(result, "keyed") == ["[1,2]", "<[1,2]>", "<null>"]


def test_artifacts_by_uri_path_and_metadata(harness: Harness) -> None:
    @dsl.pipeline(name="artifacts")
    def pipeline() -> None:
        artifacts(data=make_data().outputs["data"])

    result = run(harness, pipeline)

    (data,), (made,) = result.outputs("make-data")["data"], result.outputs("artifacts")["made"]
    uri, path, metadata, rows, name, whole, *output = argv(result, "artifacts")
    assert (uri, path) == (data["uri"], data["uri"])
    assert Path(path).read_text() == "content"
    assert (json.loads(metadata), rows, name) == ({"rows": 3, "by": {"name": "ada"}}, "3", "ada")
    assert json.loads(whole) == {
        "name": "data",
        "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
        "uri": data["uri"],
        "metadata": {"rows": 3, "by": {"name": "ada"}},
    }
    assert output == [made["uri"], made["uri"], "{}", f"--model={made['uri']}"]


# --- outputs ----------------------------------------------------------------------------------------------------------


def test_executor_output_file_gives_outputs(harness: Harness) -> None:
    @dsl.pipeline(name="report")
    def pipeline() -> None:
        writes_report()

    assert run(harness, pipeline).outputs("writes-report") == {"number": 42}


def test_output_files_and_the_executor_input_agree(harness: Harness) -> None:
    @dsl.pipeline(name="places")
    def pipeline() -> None:
        places(text="hello")

    file, report, metadata, whole = argv(run(harness, pipeline), "places")

    assert json.loads(whole) == {
        "inputs": {"parameterValues": {"text": "hello"}, "artifacts": {}},
        "outputs": {"parameters": {"argv": {"outputFile": file}}, "artifacts": {}, "outputFile": report},
    }
    assert metadata == report
    assert Path(file).is_absolute()
    assert json.loads(Path(file).read_text()) == [file, report, metadata, whole]


# --- the run ----------------------------------------------------------------------------------------------------------


def expected_facts(result: Result, task: str) -> dict[str, str]:
    document = result.run.document
    return {
        "name": document["name"],
        "resource": f"{document['pipeline']}/{document['run_id']}",
        "id": document["run_id"],
        "created": document["created_at"],
        "scheduled": document["created_at"],
        "task": task,
    }


def test_facts_of_the_run_in_a_command(harness: Harness) -> None:
    @dsl.pipeline(name="facts")
    def pipeline() -> None:
        facts()
        facts()

    result = run(harness, pipeline, name="nightly")

    *found, task_id, root, joined = argv(result, "facts")
    assert found == list(expected_facts(result, "facts").values())
    assert found[0] == "nightly"
    assert (str(uuid.UUID(task_id)), joined) == (task_id, "nightly/facts")
    assert Path(root).is_relative_to(harness.home)
    assert argv(result, "facts-2")[6] != task_id


def test_facts_of_the_run_in_constants_of_a_pipeline(harness: Harness) -> None:
    @dsl.pipeline(name="constants")
    def pipeline() -> None:
        given(
            values={
                "name": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
                "resource": dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
                "id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                "created": dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
                "scheduled": dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
                "task": dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
            }
        )

    result = run(harness, pipeline)

    assert result.outputs("given")["Output"] == expected_facts(result, "given")


def test_facts_of_the_run_in_a_variable(harness: Harness) -> None:
    @dsl.pipeline(name="variables")
    def pipeline() -> None:
        one = variable(name="WHERE")
        one.set_env_variable("WHERE", f"run {dsl.PIPELINE_JOB_ID_PLACEHOLDER} of {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")

    result = run(harness, pipeline)

    assert result.outputs("variable") == {"Output": f"run {result.run.run_id} of variables"}


def test_workspace_path(harness: Harness) -> None:
    @dsl.pipeline(name="workspace", pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi")))
    def pipeline() -> None:
        echo(text=dsl.WORKSPACE_PATH_PLACEHOLDER)

    path = Path(run(harness, pipeline).outputs("echo")["Output"])

    assert path.is_dir()
    assert path.is_relative_to(harness.home)


def test_parameters_and_outputs_inside_texts_of_a_pipeline(harness: Harness) -> None:
    @dsl.pipeline(name="texts")
    def pipeline(name: str, size: int) -> None:
        first = echo(text=f"{name} of size {size}")
        echo(text=f"<{first.output}> {{$.nobody}}")
        given(values={"name": name, "nested": [{"size": size, "text": f"{size}!"}]})

    result = run(harness, pipeline, {"name": "a {{$.pipeline_job_name}}", "size": 4})

    # What a value brings along is data: it is not read again.
    assert result.outputs("echo") == {"Output": "a {{$.pipeline_job_name}} of size 4"}
    assert result.outputs("echo-2") == {"Output": "<a {{$.pipeline_job_name}} of size 4> {$.nobody}"}
    assert result.outputs("given")["Output"] == {
        "name": "a {{$.pipeline_job_name}}",
        "nested": [{"size": 4, "text": "4!"}],
    }


def test_an_output_that_is_missing_inside_a_text_leaves_the_input_its_default(harness: Harness) -> None:
    @dsl.pipeline(name="missing")
    def pipeline() -> None:
        first = failing_text()
        echo_or(text=f"<{first.output}>").ignore_upstream_failure()

    assert harness.run(pipeline).outputs("echo-or") == {"Output": "default"}


def test_an_output_that_is_missing_inside_a_text_fails_a_task_that_needs_it(harness: Harness) -> None:
    @dsl.pipeline(name="missing-required")
    def pipeline() -> None:
        first = failing_text()
        echo(text=f"<{first.output}>")

    def ignore_failure(ir: Ir) -> None:  # the SDK wants a default for every input of such a task
        tasks_of(ir)["echo"]["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}

    result = harness.run(edited(pipeline, ignore_failure))

    why = "input 'text' has no value and no default: 'failing-text' ended FAILED without output 'Output'"
    assert result.error("echo") == (5, why)


def test_placeholders_in_the_items_of_a_loop(harness: Harness) -> None:
    @dsl.pipeline(name="items")
    def pipeline() -> None:
        with dsl.ParallelFor(["first", dsl.PIPELINE_JOB_NAME_PLACEHOLDER]) as item:
            echo(text=item)

    result = run(harness, pipeline)

    assert [result.outputs(f"for-loop-2[{index}]/echo")["Output"] for index in range(2)] == ["first", "items"]


# --- forms ------------------------------------------------------------------------------------------------------------


def test_json_escape_makes_text_safe_inside_json(harness: Harness) -> None:
    @dsl.pipeline(name="escaped")
    def pipeline(text: str, table: dict) -> None:
        escaped(text=text, table=table)

    text, table = 'a "quoted" \\ line\n', {"k": '"v"'}
    once, twice, of_table = argv(run(harness, pipeline, {"text": text, "table": table}), "escaped")

    assert json.loads(once) == {"text": text}
    assert json.loads(json.loads(twice)["text"]) == {"inner": text}
    assert json.loads(json.loads(of_table)["table"]) == table


def test_what_is_no_placeholder_stays_as_it_is_and_no_shell_reads_it(harness: Harness) -> None:
    @dsl.pipeline(name="left-alone")
    def pipeline() -> None:
        left_alone()

    assert argv(run(harness, pipeline), "left-alone") == [
        "{{$.nobody}}",
        "{{ not.ours }}",
        "{{$.inputs.parameters['x'}}",
        "{}",
        '{"Concat": 1}',
        "$HOME $(id) ;",
    ]


def test_concat_and_if_present_with_inputs(harness: Harness) -> None:
    @dsl.pipeline(name="structs")
    def pipeline() -> None:
        structs(given="x", data=make_data().outputs["data"])

    assert argv(run(harness, pipeline), "structs") == [
        *("--given", "x"),
        "--no-left-out",
        "--data",
        "--a=x;b=x",
        "--cx",
        "<x>",
    ]


def test_concat_and_if_present_without_inputs(harness: Harness) -> None:
    @dsl.pipeline(name="structs-without")
    def pipeline() -> None:
        structs()

    found = argv(run(harness, pipeline), "structs")

    assert (found[:3], found[-2:]) == (["--no-given", "--no-left-out", "--no-data"], ["--c", "--never"])


# --- KFP v1's names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [True, False], ids=["failed", "succeeded"])
def test_workflow_facts_of_an_exit_task_speak_of_its_group(harness: Harness, failing: bool) -> None:  # noqa: FBT001 - a table's column
    @dsl.pipeline(name="workflow")
    def pipeline() -> None:
        with dsl.ExitHandler(workflow_facts()):
            fail(message="no data") if failing else echo(text="fine")

    result = harness.run(pipeline, containers="host")

    status, failures, name, uid, created, duration = argv(result, "workflow-facts")
    assert status == ("Failed" if failing else "Succeeded")
    assert [(one["displayName"], one["message"], one["phase"]) for one in json.loads(failures)] == (
        [("fail", "ValueError: no data", "Failed")] if failing else []
    )
    assert (name, uid, created) == ("workflow", result.run.run_id, result.run.document["created_at"])
    assert float(duration) > 0


def test_workflow_facts_of_any_other_task_speak_of_the_run_so_far(harness: Harness) -> None:
    @dsl.pipeline(name="workflow-so-far")
    def pipeline() -> None:
        workflow_facts()

    status, failures, *_ = argv(run(harness, pipeline), "workflow-facts")

    assert (status, failures) == ("Running", "[]")


def test_placeholders_that_the_ir_writes_by_hand(harness: Harness) -> None:
    @dsl.pipeline(name="by-hand")
    def pipeline() -> None:
        echo(text="replaced below")

    def rewrite(ir: Ir) -> None:  # a constant input that only another one names: the SDK writes it into the text itself
        constant = tasks_of(ir)["echo"]["inputs"]["parameters"]["text"]["runtimeValue"]
        constant["constant"] = "{{$.pipeline_task_name}} {{$.inputs.parameters['other']}}"
        tasks_of(ir)["echo"]["inputs"]["parameters"]["other"] = {"runtimeValue": {"constant": "thing"}}

    assert run(harness, edited(pipeline, rewrite)).outputs("echo") == {"Output": "echo thing"}
