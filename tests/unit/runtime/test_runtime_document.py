"""The run document of a small run, word for word."""

from typing import Any

from postlude.core.task import Artifact, Outputs, TaskPath
from postlude.runtime.document import TaskFacts, exit_of, run_document, task_document
from run_lab import Rehearsal, dag, exit_task, integer, loop, pipeline, selected, task

DATA = Artifact(name="data", uri="/a", schema_title="system.Dataset", metadata={"rows": 1}, digest="sha256:1",
                producer="body/make")  # fmt: skip
SMALL = pipeline(
    {"body": task("group", taskInfo={"name": "The body"}), "tell": exit_task("body", "leaf"),
     "for": loop("item", "[5]"), "make": task("maker", retryPolicy={"maxRetryCount": 1})},
    {"group": dag({"work": task()})},
    outputs={"parameters": {"result": integer()}},
    selected={"parameters": {"result": selected("make")}},
)  # fmt: skip


HISTORY = {
    "attempt": 1,
    "error": {"code": 2, "message": "first"},
    "ended_at": "1970-01-01T00:16:42.000000Z",
}


def rehearsed() -> Rehearsal:
    run = Rehearsal.of(SMALL, name="nightly")
    run.start("make")
    run.fail("make", "first")
    run.succeed("make", outputs=Outputs(parameters={"out": 7}, artifacts={"data": (DATA,)}))
    run.succeed("for[0]")
    run.fail("body/work")
    return run


def document(run: Rehearsal, path: str) -> Any:
    found = run.run.tasks[TaskPath(path)]
    return task_document(found, TaskFacts(exit_of=exit_of(run.run, found), log=f"{path}.log"))


def test_a_run_under_way() -> None:
    assert run_document(rehearsed().run) == {
        "schema": "postlude.run/v1",
        "run_id": "run-1",
        "name": "nightly",
        "pipeline": "demo",
        "state": "RUNNING",
        "error": None,
        "outputs": {},
        "created_at": "1970-01-01T00:16:40.000000Z",
        "started_at": "1970-01-01T00:16:40.000000Z",
        "finished_at": None,
    }


def test_a_finished_run() -> None:
    run = rehearsed()
    run.succeed("tell")
    assert run_document(run.run) == {
        "schema": "postlude.run/v1",
        "run_id": "run-1",
        "name": "nightly",
        "pipeline": "demo",
        "state": "FAILED",
        "error": {"code": 2, "message": "body/work: boom"},
        "outputs": {"result": 7},
        "created_at": "1970-01-01T00:16:40.000000Z",
        "started_at": "1970-01-01T00:16:40.000000Z",
        "finished_at": "1970-01-01T00:16:46.000000Z",
    }


def test_a_task() -> None:
    assert document(rehearsed(), "make") == {
        "path": "make",
        "order": 4,
        "kind": "task",
        "display_name": "make",
        "state": "SUCCEEDED",
        "attempts": 2,
        "history": [HISTORY],
        "cached": False,
        "error": None,
        "exit_of": None,
        "inputs": {"parameters": {}, "artifacts": {}},
        "outputs": {
            "parameters": {"out": 7},
            "artifacts": {
                "data": [
                    {
                        "name": "data",
                        "uri": "/a",
                        "type": "system.Dataset",
                        "metadata": {"rows": 1},
                        "digest": "sha256:1",
                        "producer": "body/make",
                    }
                ]
            },
        },
        "started_at": "1970-01-01T00:16:41.000000Z",
        "finished_at": "1970-01-01T00:16:43.000000Z",
        "log": "make.log",
    }


def test_a_failed_group() -> None:
    found = document(rehearsed(), "body")
    assert {key: found[key] for key in ("kind", "display_name", "state", "attempts", "error")} == {
        "kind": "group",
        "display_name": "The body",
        "state": "FAILED",
        "attempts": 0,
        "error": {"code": 2, "message": "body/work: boom"},
    }


def test_an_exit_task_names_its_group() -> None:
    run = rehearsed()
    assert [document(run, path)["exit_of"] for path in ("tell", "body", "for", "for[0]", "body/work")] == [
        "body", None, None, None, None,
    ]  # fmt: skip


def test_an_iteration_shows_its_item() -> None:
    found = document(rehearsed(), "for[0]")
    assert (found["kind"], found["inputs"]) == ("task", {"parameters": {"item": 5}, "artifacts": {}})
