"""What each pipeline-level placeholder says."""

import json
import uuid
from typing import Any

import pytest
from msgspec import UNSET

from postlude.core.facts import fact
from postlude.core.task import Code, TaskPath
from run_lab import Rehearsal, constant, dag, exit_task, leaf, loop, pipeline, task

GUARDED = pipeline(
    {"body": task("group"), "tell": exit_task("body"), "other": task()},
    {"group": dag({"work": task(taskInfo={"name": "The work"}), "more": task()})},
)


def rehearsal() -> Rehearsal:
    return Rehearsal.of(GUARDED, name="nightly", pipeline_root="/artifacts", workspace="/workspace")


def asked(run: Rehearsal, path: str, name: str) -> Any:
    return fact(run.run, run.run.tasks[TaskPath(path)], name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pipeline_job_name", "nightly"),
        ("pipeline_job_resource_name", "demo/run-1"),
        ("pipeline_job_uuid", "run-1"),
        ("pipeline_job_create_time_utc", "1970-01-01T00:16:40.000000Z"),
        ("pipeline_job_schedule_time_utc", "1970-01-01T00:16:40.000000Z"),
        ("pipeline_root", "/artifacts"),
        ("pipeline_task_name", "work"),
        ("workspace_path", "/workspace"),
        ("workflow.name", "nightly"),
        ("workflow.uid", "run-1"),
        ("workflow.creationTimestamp", "1970-01-01T00:16:40.000000Z"),
        ("workflow.status", "Running"),
        ("workflow.failures", []),
        ("workflow.duration", "0.000000"),
        ("workflow.outputs", {}),
        ("workflow.run_url", ""),
        ("workflow.mainEntrypoint", UNSET),
    ],
)
def test_fact(name: str, value: Any) -> None:
    assert asked(rehearsal(), "body/work", name) == value


def test_a_task_s_id_is_a_uuid_of_its_own() -> None:
    run = rehearsal()
    found = [asked(run, path, "pipeline_task_uuid") for path in ("body/work", "body/more", "body/work")]
    assert found[0] == found[2] != found[1]
    assert str(uuid.UUID(found[0])) == found[0]


# --- status and failures: of the group for its exit task, else of the run so far --------------------------------------


@pytest.mark.parametrize(
    ("end", "status"),
    [
        pytest.param(lambda run: run.succeed("body/work"), "Succeeded", id="succeeded"),
        pytest.param(lambda run: run.fail("body/work"), "Failed", id="failed"),
        pytest.param(lambda run: run.cancel(), "Failed", id="canceled"),
    ],
)
def test_an_exit_task_asks_after_its_group(end: Any, status: str) -> None:
    run = rehearsal()
    run.succeed("other", "body/more")
    end(run)
    if run.run.cancel is not None:
        run.fail("body/work", code=Code.CANCELLED)
    assert asked(run, "tell", "workflow.status") == status


def test_any_other_task_asks_after_the_run_so_far() -> None:
    run = rehearsal()
    run.fail("other")
    assert asked(run, "body/work", "workflow.status") == "Failed"


def test_the_failures_have_argo_s_keys() -> None:
    run = rehearsal()
    run.fail("other", "not of the group")
    run.succeed("body/more")
    run.fail("body/work", "boom")
    assert asked(run, "tell", "workflow.failures") == [
        {
            "displayName": "The work",
            "message": "boom",
            "templateName": "leaf",
            "phase": "Failed",
            "podName": "",
            "finishedAt": "1970-01-01T00:16:43.000000Z",
        }
    ]
    assert len(asked(run, "body/work", "workflow.failures")) == 2


def test_the_duration_ends_with_the_latest_task() -> None:
    run = rehearsal()
    run.succeed("body/more", "body/work")
    assert asked(run, "tell", "workflow.duration") == "2.000000"


def test_a_task_inside_an_exit_pipeline_asks_after_the_group() -> None:
    exits = pipeline(
        {"body": task("group"), "tell": exit_task("body", "exits")},
        {"group": dag({"work": task()}), "exits": dag({"for": loop("item", "[1]")})},
    )
    run = Rehearsal.of(exits)
    run.fail("body/work")
    assert asked(run, "tell/for[0]", "workflow.status") == "Failed"


# --- where they are written -------------------------------------------------------------------------------------------


def test_facts_stand_in_for_placeholders_of_constants() -> None:
    text = leaf(inputs={"parameters": {"text": {"parameterType": "STRING"}}})
    written = "{{$.pipeline_job_name}} {{$.pipeline_task_name}} {{workflow.status}} {{$.nobody_knows}}"
    run = Rehearsal.of(pipeline({"t": task("text", given={"text": constant(written)})}, {"text": text}))
    found = run.run.tasks[TaskPath("t")].inputs.parameters["text"]
    assert found == "demo t Running {{$.nobody_knows}}"


def test_failures_inside_a_text_are_json() -> None:
    text = leaf(inputs={"parameters": {"text": {"parameterType": "STRING"}}})
    given = {"text": constant("failures: {{workflow.failures}}")}
    exits = pipeline(
        {"body": task("group"), "tell": exit_task("body", "text") | {"inputs": {"parameters": given}}},
        {"group": dag({"work": task()}), "text": text},
    )
    run = Rehearsal.of(exits)
    run.fail("body/work")
    found = run.run.tasks[TaskPath("tell")].inputs.parameters["text"]
    assert json.loads(found.removeprefix("failures: "))[0]["message"] == "boom"
