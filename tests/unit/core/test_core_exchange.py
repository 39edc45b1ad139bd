"""What an attempt is given, and what is made of what it wrote."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from postlude.core.exchange import Places, Program, local_path, outputs_of, program
from postlude.core.task import Artifact, Code, Outputs, Task, TaskError, TaskPath
from run_lab import Rehearsal, constant, leaf, pipeline, task

TYPES = {
    "text": "STRING",
    "number": "NUMBER_DOUBLE",
    "count": "NUMBER_INTEGER",
    "flag": "BOOLEAN",
    "list": "LIST",
    "object": "STRUCT",
}
WRITTEN = {"text": "a", "number": 2, "count": 3.0, "flag": True, "list": [1], "object": {"a": 1}}
TYPED = Outputs(parameters={"text": "a", "number": 2.0, "count": 3, "flag": True, "list": [1], "object": {"a": 1}})
FILES = {"text": "a\n", "number": "2", "count": "3.0", "flag": "true", "list": "[1]", "object": '{"a": 1}\n'}


def maker(parameters: Mapping[str, str], artifacts: Mapping[str, str] | None = None) -> Task:
    """A task with these outputs."""
    outputs = {
        "parameters": {name: {"parameterType": kind} for name, kind in parameters.items()},
        "artifacts": {name: {"artifactType": {"schemaTitle": kind}} for name, kind in (artifacts or {}).items()},
    }
    run = Rehearsal.of(pipeline({"make": task("made")}, {"made": leaf(outputs=outputs)}))
    return run.run.tasks[TaskPath("make")]


def given(names: Mapping[str, str]) -> dict[str, Any]:
    """The part of an ExecutorInput that outputs are collected by."""
    artifacts = {
        name: {
            "artifacts": [{"name": name, "uri": f"/out/{name}", "type": {"schemaTitle": kind}, "metadata": {"a": 1}}]
        }
        for name, kind in names.items()
    }
    return {"outputs": {"artifacts": artifacts}}


# --- parameters -------------------------------------------------------------------------------------------------------


def test_values_of_the_report_are_typed() -> None:
    found = outputs_of(maker(TYPES), given({}), {"parameterValues": WRITTEN}, {})
    assert found == TYPED
    assert isinstance(found, Outputs)
    assert [type(found.parameters[name]) for name in ("number", "count")] == [float, int]


def test_texts_of_files_are_typed() -> None:
    found = outputs_of(maker(TYPES), given({}), {}, FILES)
    assert found == Outputs(parameters={**TYPED.parameters, "text": "a\n"})


def test_the_report_counts_before_the_file() -> None:
    found = outputs_of(maker({"count": "NUMBER_INTEGER"}), given({}), {"parameterValues": {"count": 1}}, {"count": "2"})
    assert found == Outputs(parameters={"count": 1})


def test_what_is_not_declared_is_left_out() -> None:
    assert outputs_of(maker({}), given({}), {"parameterValues": {"more": 1}}, {"more": "1"}) == Outputs()


@pytest.mark.parametrize(
    ("kind", "written", "files", "code", "message"),
    [
        pytest.param("STRING", {}, {}, Code.NOT_FOUND, "output 'out' was not written", id="missing (F14)"),
        pytest.param("STRING", {"out": None}, {}, Code.NOT_FOUND, "output 'out' was not written", id="null"),
        pytest.param(
            "NUMBER_INTEGER", {"out": "7"}, {}, Code.INVALID_ARGUMENT,
            "output 'out': expected NUMBER_INTEGER, got \"7\"", id="wrong type in the report",
        ),
        pytest.param(
            "NUMBER_INTEGER", {}, {"out": "seven"}, Code.INVALID_ARGUMENT,
            "output 'out': expected NUMBER_INTEGER, got \"seven\"", id="wrong type in the file",
        ),
        pytest.param(
            "NUMBER_DOUBLE", {"out": math.nan}, {}, Code.INVALID_ARGUMENT,
            "output 'out': expected NUMBER_DOUBLE, got nan", id="not a number",
        ),
        pytest.param(
            "NUMBER_DOUBLE", {}, {"out": "inf"}, Code.INVALID_ARGUMENT,
            "output 'out': expected NUMBER_DOUBLE, got \"inf\"", id="infinity in the file",
        ),
        pytest.param(
            "LIST", {"out": {"a": 1}}, {}, Code.INVALID_ARGUMENT,
            "output 'out': expected LIST, got {\"a\":1}", id="an object for a list",
        ),
    ],
)  # fmt: skip
def test_an_output_that_is_not_there_or_not_right(
    kind: str, written: dict[str, Any], files: dict[str, str], code: Code, message: str
) -> None:
    found = outputs_of(maker({"out": kind}), given({}), {"parameterValues": written}, files)
    assert found == TaskError(code=code, message=message)


# --- artifacts --------------------------------------------------------------------------------------------------------


def artifact(said: Mapping[str, Any]) -> Artifact:
    """What becomes of a dataset of which the program says this."""
    names = {"data": "system.Dataset"}
    found = outputs_of(maker({}, names), given(names), {"artifacts": said}, {})
    assert isinstance(found, Outputs)
    (only,) = found.artifacts["data"]
    return only


UNTOLD = Artifact(
    name="data", uri="/out/data", schema_title="system.Dataset", metadata={"a": 1}, producer="make",
)  # fmt: skip


def test_an_artifact_nobody_spoke_of_is_as_it_was_told() -> None:
    assert artifact({}) == UNTOLD
    assert artifact({"data": {"artifacts": []}}) == UNTOLD


def test_what_the_program_says_of_an_artifact_goes_over_what_it_was_told() -> None:
    said = {
        "name": "mine",
        "uri": "s3://bucket/key",
        "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
        "metadata": {"b": 2},
        "custom_path": "/mine",
    }
    assert artifact({"data": {"artifacts": [said]}}) == Artifact(
        name="mine",
        uri="s3://bucket/key",
        schema_title="system.Model",
        schema_version="0.0.1",
        metadata={"a": 1, "b": 2},
        producer="make",
        custom_path="/mine",
    )


# --- into the program -------------------------------------------------------------------------------------------------


def program_of(*argv: str, **component: Any) -> Program:
    interface = {"inputs": {"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}}, **component}
    executors = {"exec": {"container": {"image": "python", "command": list(argv)}}}
    loaded = pipeline(
        {"t": task("c", given={"n": constant(7.0)})}, {"c": leaf(**interface)}, executors=executors
    )  # fmt: skip
    run = Rehearsal.of(loaded).run
    places = Places(outputs="/o", artifacts="/a")
    return program(run, run.tasks[TaskPath("t")], loaded.executors["exec"], places)  # type: ignore[arg-type]  # a container


OUTPUTS = {
    "parameters": {"out": {"parameterType": "STRING"}},
    "artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}},
}


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        ("{{$.inputs.parameters['n']}}", "7"),
        ("{{$.outputs.parameters['out'].output_file}}", "/o/out"),
        ("{{$.outputs.artifacts['data'].uri}}", "/a/data"),
        ("{{$.outputs.artifacts['data'].path}}", "/a/data"),
        ("{{$.outputs.output_file}}", "/o/executor_output.json"),
        ("{{$.outputs.output_metadata_uri}}", "/o/executor_output.json"),
        ("{{$.pipeline_task_name}}-{{$.pipeline_job_uuid}}", "t-run-1"),
        ("{{$.inputs.parameters['nobody']}}", "null"),
        ("no {placeholder} {{here}}", "no {placeholder} {{here}}"),
    ],
)
def test_placeholders_of_a_command(written: str, rendered: str) -> None:
    assert program_of(written, outputs=OUTPUTS).argv == (rendered,)


def test_the_executor_input() -> None:
    assert program_of("run", outputs=OUTPUTS).executor_input == {
        "inputs": {"parameterValues": {"n": 7}, "artifacts": {}},
        "outputs": {
            "parameters": {"out": {"outputFile": "/o/out"}},
            "artifacts": {
                "data": {
                    "artifacts": [
                        {
                            "name": "data",
                            "type": {"schemaTitle": "system.Dataset", "schemaVersion": ""},
                            "uri": "/a/data",
                            "metadata": {},
                        }
                    ]
                }
            },
            "outputFile": "/o/executor_output.json",
        },
    }


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/data/x", "/data/x"),
        ("file:///data/a%20b", "/data/a b"),
        ("gs://bucket/x", "/gcs/bucket/x"),
        ("s3://bucket/x", "/s3/bucket/x"),
        ("minio://bucket/x", "/minio/bucket/x"),
        ("https://host/x", "https://host/x"),
    ],
)
def test_local_path(uri: str, path: str) -> None:
    assert local_path(uri) == path
