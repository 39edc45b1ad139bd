"""Matrix F, second half: importers, outputs and inputs that are missing or do not fit, programs that cannot run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from components import (
    echo,
    fail,
    forgets_its_artifact,
    forgets_its_output,
    in_an_image,
    killed,
    number,
    ok,
    read_data,
    report,
    report_with,
)
from harness import Harness, Ir, Result, edited, tasks_of
from kfp import dsl

import postlude
from postlude.executors.container.engine import find_engine
from postlude.wiring.stores import open_catalog

BODY = "exit-handler-1"


def assert_told_failed(result: Result, code: int, *causes: str) -> None:
    """The exit task ran once and was told this; the run failed with the same error."""
    message = "; ".join(f"{BODY}/{cause}" for cause in causes)
    told = result.told("report")
    assert (told["state"], told["code"], told["message"], told["task"]) == ("FAILED", code, message, BODY)
    assert (result.states[BODY], result.states["report"], result.run.tasks["report"].attempts) == (
        "FAILED",
        "SUCCEEDED",
        1,
    )
    assert (result.state, result.code, result.message) == ("FAILED", code, message)


def assert_told_complete(result: Result) -> None:
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("COMPLETE", None, None)
    assert (result.state, result.code) == ("SUCCEEDED", None)


def assert_never_ran(result: Result, path: str) -> None:
    task = result.run.tasks[path]
    assert (task.attempts, task.log) == (0, None)


# --- importers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_F11_importer_of_a_missing_file(harness: Harness, tmp_path: Path, scheme: str) -> None:
    uri = f"{scheme}{tmp_path}/missing.csv"

    @dsl.pipeline(name="f11")
    def pipeline(uri: str) -> None:
        with dsl.ExitHandler(report()):
            dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset)

    result = harness.run(pipeline, {"uri": uri})

    assert_told_failed(result, 5, f"importer: nothing to import: '{uri}' does not exist")


def test_F12_importer_of_an_empty_runtime_uri(harness: Harness) -> None:
    @dsl.pipeline(name="f12")
    def pipeline(uri: str = "") -> None:
        with dsl.ExitHandler(report()):
            dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset)

    result = harness.run(pipeline)

    assert_told_failed(result, 3, "importer: nothing to import: the URI is empty")


def test_F13_importer_as_the_last_task_of_the_body(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1,2")

    @dsl.pipeline(name="f13")
    def pipeline(uri: str) -> None:
        with dsl.ExitHandler(report()):
            dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).after(ok())

    result = harness.run(pipeline, {"uri": str(tmp_path / "data.csv")})

    (artifact,) = result.outputs(f"{BODY}/importer")["artifact"]
    assert (artifact["uri"], artifact["type"]) == (str(tmp_path / "data.csv"), "system.Dataset")
    assert result.states[f"{BODY}/importer"] == "SUCCEEDED"
    assert_told_complete(result)


# --- outputs that were not written ------------------------------------------------------------------------------------


def test_F14_an_output_that_was_not_written_fails_its_producer(harness: Harness) -> None:
    @dsl.pipeline(name="f14")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            echo(text=forgets_its_output().outputs["out"])

    result = harness.run(pipeline)

    assert result.states[f"{BODY}/echo"] == "UPSTREAM_FAILED"
    assert_told_failed(result, 5, "forgets-its-output: output 'out' was not written")


def test_F15_an_artifact_that_was_not_written_is_its_readers_trouble(harness: Harness) -> None:
    @dsl.pipeline(name="f15")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            read_data(data=forgets_its_artifact().outputs["data"])

    result = harness.run(pipeline)

    (artifact,) = result.inputs(f"{BODY}/read-data")["data"]
    assert result.states[f"{BODY}/forgets-its-artifact"] == "SUCCEEDED"
    missing = f"FileNotFoundError: [Errno 2] No such file or directory: '{artifact['uri']}'"
    assert_told_failed(result, 2, f"read-data: {missing}")


# --- inputs that do not fit -------------------------------------------------------------------------------------------


def test_F16_a_value_of_another_type_fails_the_consumer_before_it_starts(harness: Harness) -> None:
    # The SDK compares the types of outputs and inputs, so the consumer is bound to the text in the IR.
    @dsl.pipeline(name="f16")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            ok()
            number(value=1)

    def bind(ir: Ir) -> None:
        task = tasks_of(ir, "comp-exit-handler-1")["number"]
        task["dependentTasks"] = ["ok"]
        task["inputs"]["parameters"]["value"] = {
            "taskOutputParameter": {"producerTask": "ok", "outputParameterKey": "Output"}
        }

    result = harness.run(edited(pipeline, bind))

    assert_never_ran(result, f"{BODY}/number")
    assert_told_failed(result, 3, "number: input 'value': expected NUMBER_INTEGER, got \"ok\"")


def test_F17_a_missing_required_parameter_is_refused_before_any_run(harness: Harness) -> None:
    @dsl.pipeline(name="f17")
    def pipeline(text: str) -> None:
        with dsl.ExitHandler(report()):
            echo(text=text)

    with pytest.raises(postlude.SpecError) as refused:
        harness.run(pipeline)

    assert str(refused.value) == "arguments has 1 problem:\n  $.text: is missing, and required. Give it text."
    assert open_catalog(harness.home).runs() == []


def test_F18_a_value_that_is_no_allowed_literal_fails_the_consumer(harness: Harness) -> None:
    # The SDK has no way to write literals, which the IR has.
    @dsl.pipeline(name="f18")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            echo(text=ok().output)

    def restrict(ir: Ir) -> None:
        ir["components"]["comp-echo"]["inputDefinitions"]["parameters"]["text"]["literals"] = ["fast", "slow"]

    result = harness.run(edited(pipeline, restrict))

    assert_never_ran(result, f"{BODY}/echo")
    assert_told_failed(result, 3, 'echo: input \'text\': "ok" is not one of "fast", "slow"')


# --- programs that end badly, or never begin --------------------------------------------------------------------------


def test_F19_killed_user_code_is_resource_exhausted(harness: Harness) -> None:
    @dsl.pipeline(name="f19")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            killed()

    result = harness.run(pipeline)

    assert [one["exitCode"] for one in result.payload("report")["failures"]] == [-9]
    assert_told_failed(result, 8, "killed: killed by SIGKILL")


@pytest.fixture
def no_container_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine on which no container engine is found, whatever the real one has."""
    monkeypatch.setenv("PATH", str(tmp_path))
    find_engine.cache_clear()
    yield
    find_engine.cache_clear()


@pytest.mark.usefixtures("no_container_engine")
def test_F20_an_image_that_nobody_can_run(harness: Harness) -> None:
    @dsl.pipeline(name="f20")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            in_an_image()

    result = harness.run(pipeline, containers="auto")

    advice = (
        "the task runs in image 'registry.invalid/no/such:image', and no Docker or Podman answers on this machine: "
        "start one of them, or use --containers host to run its command as a local process"
    )
    assert_told_failed(result, 14, f"in-an-image: {advice}")


# --- inputs of groups and exit tasks ----------------------------------------------------------------------------------


def test_F21_a_body_whose_inputs_do_not_fit_fails_and_the_exit_task_runs(harness: Harness) -> None:
    # The SDK compares types, so the group's input is declared as another one in the IR.
    @dsl.pipeline(name="f21")
    def pipeline() -> None:
        text = ok().output
        with dsl.ExitHandler(report()):
            echo(text=text)

    def mistype(ir: Ir) -> None:
        inputs = ir["components"]["comp-exit-handler-1"]["inputDefinitions"]["parameters"]
        inputs["pipelinechannel--ok-Output"]["parameterType"] = "NUMBER_INTEGER"

    result = harness.run(edited(pipeline, mistype))

    assert result.states == {
        "ok": "SUCCEEDED",
        BODY: "FAILED",
        f"{BODY}/echo": "UPSTREAM_FAILED",
        "report": "SUCCEEDED",
    }
    message = f"{BODY}: input 'pipelinechannel--ok-Output': expected NUMBER_INTEGER, got \"ok\""
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("FAILED", 3, message)
    assert (result.state, result.code, result.message) == ("FAILED", 3, message)


@pytest.mark.parametrize(
    ("body", "state", "code"),
    [pytest.param(ok, "SUCCEEDED", 3, id="body-ok"), pytest.param(fail, "FAILED", 2, id="body-failed")],
)
def test_F22_an_exit_task_whose_inputs_do_not_fit_fails_the_run(
    harness: Harness, body: dsl.base_component.BaseComponent, state: str, code: int
) -> None:
    @dsl.pipeline(name="f22")
    def pipeline() -> None:
        with dsl.ExitHandler(report_with(value=1)):
            body()

    def mistype(ir: Ir) -> None:
        ir["root"]["dag"]["tasks"]["report-with"]["inputs"]["parameters"]["value"] = {
            "runtimeValue": {"constant": "one"}
        }

    result = harness.run(edited(pipeline, mistype))

    assert result.states_of(BODY, "report-with") == [state, "FAILED"]
    assert result.error("report-with") == (3, "input 'value': expected NUMBER_INTEGER, got \"one\"")
    assert_never_ran(result, "report-with")
    assert (result.state, result.code) == ("FAILED", code)
    assert "report-with: input 'value': expected NUMBER_INTEGER" in result.message
