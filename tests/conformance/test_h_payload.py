"""Matrix H: the payload itself, as it reaches Python components, container components and placeholders."""

import json
from pathlib import Path

import pytest
from components import fail, note, ok, report, status_text
from harness import Harness
from kfp import components, dsl

YAML_COMPONENT = """
name: status-text
inputs:
- {name: status, type: PipelineTaskFinalStatus}
outputs:
- {name: text, type: String}
implementation:
  container:
    image: alpine
    command: [sh, -c, 'mkdir -p "$(dirname "$1")" && printf %s "$0" > "$1"', {inputValue: status}, {outputPath: text}]
"""
OF_BOTH_KINDS = pytest.mark.parametrize(
    "exit_component",
    [status_text, components.load_component_from_text(YAML_COMPONENT)],
    ids=["container-component", "yaml-component"],
)


@OF_BOTH_KINDS
def test_H9_a_container_component_is_given_json_text(
    harness: Harness, exit_component: dsl.base_component.BaseComponent
) -> None:
    @dsl.pipeline(name="h9")
    def pipeline() -> None:
        with dsl.ExitHandler(exit_component()):
            ok()
            fail()

    result = harness.run(pipeline, containers="host")

    group, failed, job = "exit-handler-1", "exit-handler-1/fail", f"h9/{result.run.run_id}"
    assert json.loads(result.outputs("status-text")["text"]) == {
        "state": "FAILED",
        "pipelineTaskName": group,
        "pipeline_task_name": group,
        "pipelineJobResourceName": job,
        "pipeline_job_resource_name": job,
        "error": {"code": 2, "message": f"{failed}: ValueError: boom"},
        "failures": [
            {
                "task": failed,
                "displayName": "fail",
                "state": "FAILED",
                "attempt": 1,
                "code": 2,
                "exitCode": 1,
                "message": "ValueError: boom",
                "startedAt": result.started(failed),
                "finishedAt": result.finished(failed),
            }
        ],
        "failureCount": 1,
        "tasks": {"FAILED": 1, "SUCCEEDED": 1},
        "outputs": {"ok.Output": "ok"},
        "outputsOmitted": 0,
        "startedAt": result.started(group),
        "finishedAt": result.finished(group),
    }


def test_H10_both_spellings_of_the_keys_are_there(harness: Harness) -> None:
    @dsl.pipeline(name="h10")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()

    payload = harness.run(pipeline).payload("report")

    assert payload["pipelineTaskName"] == payload["pipeline_task_name"] == "exit-handler-1"
    assert payload["pipelineJobResourceName"] == payload["pipeline_job_resource_name"]
    assert payload["pipelineJobResourceName"].startswith("h10/")


def test_H11_the_error_of_a_success_is_an_empty_object(harness: Harness) -> None:
    @dsl.pipeline(name="h11")
    def pipeline() -> None:
        with dsl.ExitHandler(status_text()):
            ok()

    text = harness.run(pipeline, containers="host").outputs("status-text")["text"]

    assert (json.loads(text)["error"], json.loads(text)["failures"]) == ({}, [])


def test_H12_the_error_code_is_a_json_integer(harness: Harness) -> None:
    @dsl.pipeline(name="h12")
    def pipeline() -> None:
        with dsl.ExitHandler(status_text()):
            fail()

    text = harness.run(pipeline, containers="host").outputs("status-text")["text"]

    code = json.loads(text)["error"]["code"]
    assert (type(code), code) == (int, 2)


def test_H14_the_payload_has_the_key_and_people_see_the_display_name(harness: Harness) -> None:
    @dsl.pipeline(name="h14")
    def pipeline() -> None:
        with dsl.ExitHandler(report(), name="x"):
            ok()

    result = harness.run(pipeline)

    assert result.told("report")["task"] == "exit-handler-1"
    assert result.run.tasks["exit-handler-1"].document["display_name"] == "x"


@pytest.mark.parametrize(
    ("words", "body", "state"),
    [
        ("kfp", ok, "COMPLETE"),
        ("kfp", fail, "FAILED"),
        ("sdk", ok, "SUCCEEDED"),
        ("sdk", fail, "FAILED"),
    ],
    ids=["kfp-success", "kfp-failure", "sdk-success", "sdk-failure"],
)
def test_payload_state_is_in_the_chosen_words(
    harness: Harness, words: str, body: dsl.base_component.BaseComponent, state: str
) -> None:
    @dsl.pipeline(name="words")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            body()

    assert harness.run(pipeline, status_words=words).told("report")["state"] == state


def test_payload_placeholders_speak_of_the_exit_tasks_own_group(harness: Harness, tmp_path: Path) -> None:
    failed, fine = tmp_path / "failed.txt", tmp_path / "fine.txt"

    @dsl.pipeline(name="placeholders")
    def pipeline() -> None:
        with dsl.ExitHandler(note(log=str(failed), word="{{workflow.status}} {{workflow.failures}}")):
            fail()
        with dsl.ExitHandler(note(log=str(fine), word="{{workflow.status}} {{workflow.failures}}")):
            ok()

    result = harness.run(pipeline)

    assert fine.read_text() == "Succeeded []\n"
    status, failures = failed.read_text().split(" ", 1)
    assert status == "Failed"
    assert json.loads(failures) == [
        {
            "displayName": "fail",
            "message": "ValueError: boom",
            "templateName": "comp-fail",
            "phase": "Failed",
            "podName": "",
            "finishedAt": result.finished("exit-handler-1/fail"),
        }
    ]


def test_payload_placeholders_elsewhere_speak_of_the_run_so_far(harness: Harness, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"

    @dsl.pipeline(name="placeholders")
    def pipeline() -> None:
        told = note(log=str(log), word="{{workflow.status}} {{workflow.name}} {{workflow.uid}}")
        told.after(fail()).ignore_upstream_failure()

    result = harness.run(pipeline)

    assert log.read_text() == f"Failed placeholders {result.run.run_id}\n"


def test_payload_placeholders_of_time(harness: Harness, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"

    @dsl.pipeline(name="placeholders")
    def pipeline() -> None:
        with dsl.ExitHandler(note(log=str(log), word="{{workflow.creationTimestamp}} {{workflow.duration}}")):
            ok()

    result = harness.run(pipeline)

    created, duration = log.read_text().split()
    assert created == result.run.document["created_at"]
    assert float(duration) > 0
