"""What a function is called with that stands in for a component."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Optional

import pytest
from kfp import dsl

from postlude.spec.types import (
    ArtifactInput,
    ArtifactOutput,
    Component,
    InputDefinitions,
    OutputDefinitions,
    ParameterInput,
    ParameterOutput,
    ParameterType,
)
from postlude.testing import Artifact
from postlude.testing.given import given_to, keywords, misfit

STATUS = {
    "state": "FAILED", "pipelineJobResourceName": "p/1", "pipelineTaskName": "exit-handler-1",
    "error": {"code": 2, "message": "boom"},
}  # fmt: skip
COMPONENT = Component(
    name="c",
    inputs=InputDefinitions(
        parameters=dict.fromkeys(
            ("text", "left_out", "status"), ParameterInput(type=ParameterType.STRING, optional=True)
        ),
        artifacts={"data": ArtifactInput(), "parts": ArtifactInput(is_list=True)},
    ),
    outputs=OutputDefinitions(
        parameters={"note": ParameterOutput(type=ParameterType.STRING)}, artifacts={"model": ArtifactOutput()}
    ),
)  # fmt: skip


def entry(name: str, uri: str) -> dict[str, Any]:
    return {"name": name, "uri": uri, "type": {"schemaTitle": "system.Artifact"}, "metadata": {"rows": 1}}


def artifact(name: str, uri: str, path: str) -> Artifact:
    return Artifact(name=name, uri=uri, path=path, metadata={"rows": 1})


EXECUTOR_INPUT = {
    "inputs": {
        "parameterValues": {"text": "hello", "status": STATUS},
        "artifacts": {
            "data": {"artifacts": [entry("data", "s3://bucket/data")]},
            "parts": {"artifacts": [entry("part", "/parts/1")]},
        },
    },
    "outputs": {
        "parameters": {"note": {"outputFile": "/out/note"}},
        "artifacts": {"model": {"artifacts": [entry("model", "/artifacts/model")]}},
        "outputFile": "/out/report.json",
    },
}
DATA = artifact("data", "s3://bucket/data", "/mounts/s3/bucket/data")
PART = artifact("part", "/parts/1", "/parts/1")
MODEL = artifact("model", "/artifacts/model", "/artifacts/model")


def plain(text, data, parts, model, note): ...
def of_its_choice(text, *, left_out): ...
def with_defaults(left_out="mine", unknown=3): ...
def everything(**given): ...
def everything_and(text, **given): ...
def nothing(): ...
def paths(data_path: dsl.InputPath("Dataset"), model_file: dsl.OutputPath("Model"), note: dsl.OutputPath(str)): ...
def quoted(status: "NoSuchName"): ...


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (plain, {"text": "hello", "data": DATA, "parts": [PART], "model": MODEL, "note": "/out/note"}),
        (of_its_choice, {"text": "hello", "left_out": None}),
        (with_defaults, {}),
        (everything, {"text": "hello", "status": STATUS, "data": DATA, "parts": [PART], "model": MODEL}),
        (everything_and, {"text": "hello", "status": STATUS, "data": DATA, "parts": [PART], "model": MODEL}),
        (nothing, {}),
        (paths, {"data_path": "/mounts/s3/bucket/data", "model_file": "/artifacts/model", "note": "/out/note"}),
        (quoted, {"status": STATUS}),
        (SimpleNamespace, {"text": "hello", "status": STATUS, "data": DATA, "parts": [PART], "model": MODEL}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_is_given_what_it_names(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    assert keywords(function, given_to(EXECUTOR_INPUT, COMPONENT, "/mounts")) == arguments


def of_old(status: Optional[dsl.PipelineTaskFinalStatus]): ...  # noqa: UP045 - as authors write it, too
def of_today(status: dsl.PipelineTaskFinalStatus | None): ...
def of_kfp(status: dsl.PipelineTaskFinalStatus): ...


@pytest.mark.parametrize("notify", [of_old, of_today, of_kfp], ids=lambda function: function.__name__)
def test_a_final_status_is_an_object_where_it_is_annotated_so(notify: Callable[..., Any]) -> None:
    assert keywords(notify, given_to(EXECUTOR_INPUT, COMPONENT, "/mounts")) == {
        "status": dsl.PipelineTaskFinalStatus("FAILED", "p/1", "exit-handler-1", 2, "boom")
    }


def test_artifacts_are_the_objects_of_the_sdk_where_they_are_annotated_so() -> None:
    def train(data: dsl.Input[dsl.Dataset], parts: dsl.Input[list[dsl.Model]], model: dsl.Output[dsl.Metrics]): ...

    found = keywords(train, given_to(EXECUTOR_INPUT, COMPONENT, "/mounts"))
    shown = {name: (type(one), one.name, one.uri, one.metadata) for name, one in found.items() if name != "parts"}
    assert shown == {
        "data": (dsl.Dataset, "data", "s3://bucket/data", {"rows": 1}),
        "model": (dsl.Metrics, "model", "/artifacts/model", {"rows": 1}),
    }
    assert [(type(one), one.uri) for one in found["parts"]] == [(dsl.Model, "/parts/1")]


def test_what_is_given_shares_nothing_with_the_run() -> None:
    given = given_to(EXECUTOR_INPUT, COMPONENT, "/mounts")
    given.inputs["status"]["error"].clear()
    given.outputs["model"].metadata.clear()
    assert STATUS["error"] == {"code": 2, "message": "boom"}
    assert given_to(EXECUTOR_INPUT, COMPONENT, "/mounts").outputs["model"].metadata == {"rows": 1}


async def waiting(): ...
def by_position(text, /): ...
def misspelt(txet): ...
def not_a_path(data_path): ...


HAS = "It has: text, left_out, status, data, parts, model, note."


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (plain, ""),
        (with_defaults, ""),
        (everything, ""),
        (paths, ""),
        (quoted, ""),
        (dict, ""),  # says nothing of what it takes
        (waiting, "is async. Give a function that returns its result."),
        (by_position, "takes 'text' by position, and inputs are given by name. Wrap it in a function with **kwargs."),
        ([].append, "takes 'object' by position, and inputs are given by name. Wrap it in a function with **kwargs."),
        (misspelt, f"takes 'txet', which is neither input nor output of the task. {HAS}"),
        (not_a_path, f"takes 'data_path', which is neither input nor output of the task. {HAS}"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_that_cannot_be_called_is_refused(function: Callable[..., Any], said: str) -> None:
    assert misfit(function, COMPONENT) == said
