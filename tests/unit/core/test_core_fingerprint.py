"""What makes a task another one for the cache, and what does not."""

import copy
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from postlude.core.fingerprint import fingerprint
from postlude.core.task import Artifact, Inputs, Task, TaskPath
from run_lab import Rehearsal, constant, dag, exit_task, integer, leaf, pipeline, task

CACHED = {"cachingOptions": {"enableCache": True}}
DATASET = Artifact(name="data", uri="/a/1", schema_title="system.Dataset", digest="sha256:1", producer="t")
DESCRIBED = leaf(
    inputs={"parameters": {"n": integer()}, "artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}}},
    outputs={"parameters": {"out": integer()}},
)
PROGRAM: dict[str, Any] = {
    "image": "python",
    "command": ["run", "pip install a==1"],
    "args": ["{{$.inputs.parameters['n']}}"],
    "env": [{"name": "MODE", "value": "fast"}],
}
ONE = {
    "program": PROGRAM,
    "component": DESCRIBED,
    "task": CACHED,
    "inputs": Inputs(parameters={"n": 1}, artifacts={"data": (DATASET,)}),
    "settings": {},
}


def key_of(**changes: Any) -> str | None:
    """The key of a task that differs from `ONE` in these parts."""
    parts = ONE | changes
    spec = task("described", given={"n": constant(1)}, artifacts={}, **parts["task"])
    component = copy.deepcopy(parts["component"])
    component["inputDefinitions"]["artifacts"]["data"]["isOptional"] = True
    loaded = pipeline(
        {"other": task(), parts.get("named", "t"): spec},
        {"described": component},
        executors={"exec": {"container": parts["program"]}},
    )
    run = Rehearsal.of(loaded, **parts["settings"]).run
    found = structs.replace(run.tasks[TaskPath(parts.get("named", "t"))], inputs=parts["inputs"])
    return fingerprint(run, found)


def inputs(**changes: Any) -> Inputs:
    return Inputs(parameters={"n": 1}, artifacts={"data": (replace(DATASET, **changes),)})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"named": "another"}, id="the task's name"),
        pytest.param({"inputs": inputs(uri="/b/2")}, id="where an artifact lies"),
        pytest.param({"inputs": inputs(producer="x", name="y")}, id="who made an artifact"),
        pytest.param({"settings": {"run_id": "run-2", "created_at": 5.0}}, id="the run"),
        pytest.param({"task": CACHED | {"retryPolicy": {"maxRetryCount": 3}}}, id="retries"),
        pytest.param({"task": CACHED | {"taskInfo": {"name": "Shown"}}}, id="the display name"),
    ],
)
def test_the_key_stays(changes: dict[str, Any]) -> None:
    assert key_of(**changes) == key_of()
    assert key_of() is not None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"program": PROGRAM | {"image": "python:3.12"}}, id="the image"),
        pytest.param({"program": PROGRAM | {"command": ["run", "pip install a==2"]}}, id="packages"),
        pytest.param({"program": PROGRAM | {"args": ["--n={{$.inputs.parameters['n']}}"]}}, id="an argument"),
        pytest.param({"program": PROGRAM | {"command": [], "args": ["run", "pip install a==1"]}}, id="command or args"),
        pytest.param({"program": PROGRAM | {"env": [{"name": "MODE", "value": "slow"}]}}, id="a variable"),
        pytest.param({"program": PROGRAM | {"args": ["{{$.pipeline_job_uuid}}"]}}, id="a fact in the command"),
        pytest.param({"inputs": replace(inputs(), parameters={"n": 2})}, id="a parameter"),
        pytest.param({"inputs": replace(inputs(), parameters={})}, id="a parameter left out"),
        pytest.param({"inputs": inputs(digest="sha256:2")}, id="an artifact's content"),
        pytest.param({"inputs": inputs(metadata={"rows": 1})}, id="an artifact's metadata"),
        pytest.param({"inputs": inputs(schema_title="system.Model")}, id="an artifact's type"),
        pytest.param(
            {"component": DESCRIBED | {"outputDefinitions": {"parameters": {"out": {"parameterType": "STRING"}}}}},
            id="an output's type",
        ),
        pytest.param(
            {"component": DESCRIBED | {"outputDefinitions": {"artifacts": {"m": {"artifactType": {}}}}}},
            id="an output artifact",
        ),
    ],
)
def test_the_key_changes(changes: dict[str, Any]) -> None:
    assert key_of(**changes) not in (key_of(), None)


def test_a_program_that_is_told_of_its_run_has_a_key_for_each_run() -> None:
    told = {"program": PROGRAM | {"args": ["{{$.pipeline_job_uuid}}"]}}
    assert key_of(**told) != key_of(**told, settings={"run_id": "run-2"})


def test_an_artifact_without_a_digest_counts_by_its_place() -> None:
    assert key_of(inputs=inputs(digest="")) != key_of(inputs=inputs(digest="", uri="/b/2"))


BY_HAND = {"cachingOptions": {"enableCache": True, "cacheKey": "mine"}}


def test_the_author_s_key_stands_in_for_program_and_inputs() -> None:
    other = {"program": PROGRAM | {"image": "other"}, "inputs": Inputs(parameters={"n": 9})}
    assert key_of(task=BY_HAND) == key_of(task=BY_HAND, **other) != key_of()


def test_another_key_of_the_author_s_is_another_key() -> None:
    another = {"cachingOptions": {"enableCache": True, "cacheKey": "yours"}}
    assert key_of(task=another) != key_of(task=BY_HAND)


@pytest.mark.parametrize("options", [{}, {"cachingOptions": {}}, {"cachingOptions": {"cacheKey": "mine"}}])
def test_without_caching_there_is_no_key(options: dict[str, Any]) -> None:
    assert key_of(task=options) is None


def in_exit_pipeline(caching: dict[str, Any]) -> str | None:
    """The key of a task inside an exit task that is a pipeline (R9)."""
    loaded = pipeline(
        {"body": task("group"), "tell": exit_task("body", "exits")},
        {"group": dag({"work": task()}), "exits": dag({"inner": task(**caching)})},
    )
    run = Rehearsal.of(loaded)
    run.succeed("body/work")
    found: Task = run.run.tasks[TaskPath("tell/inner")]
    return fingerprint(run.run, found)


def test_what_runs_whatever_happens_is_not_cached() -> None:
    assert in_exit_pipeline(CACHED) is None


def test_unless_its_author_gives_it_a_key() -> None:
    assert in_exit_pipeline(BY_HAND) is not None


def test_an_importer_has_no_key() -> None:
    importer = {"importer": {"artifactUri": {"constant": "/x"}, "typeSchema": {"schemaTitle": "system.Dataset"}}}
    imported = leaf(outputs={"artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Dataset"}}}})
    loaded = pipeline(
        {"get": task("importer", **CACHED)},
        {"importer": imported | {"executorLabel": "import"}},
        executors={"import": importer},
    )
    run = Rehearsal.of(loaded).run
    assert fingerprint(run, run.tasks[TaskPath("get")]) is None
