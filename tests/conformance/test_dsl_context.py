"""The payload: what constants of `postlude.dsl` and the words of KFP v1 tell tasks about their run."""

import json
from typing import Any, NamedTuple

import pytest
from components import cleanup, echo, fail, ok
from harness import Harness

from postlude import dsl

BODY = "exit-handler-1"


@dsl.component
def told(status: str, failures: str, outputs: str) -> dict:
    """What it was told: the status, and the other two as the JSON texts that they are."""
    import json

    return {"status": status, "failures": json.loads(failures), "outputs": json.loads(outputs)}


def context() -> Any:
    """A task that gives back the context of its run."""
    return told(status=dsl.STATUS, failures=dsl.FAILURES, outputs=dsl.OUTPUTS)


@dsl.container_component
def told_in_commands(argv: dsl.OutputPath(list)):
    script = 'import json, os, sys; os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True); json.dump(sys.argv[2:], open(sys.argv[1], "w"))'  # noqa: E501 - one program
    facts = [dsl.STATUS, dsl.FAILURES, dsl.OUTPUTS, f"see {dsl.RUN_URL}", "{{workflow.status}}", "{{workflow.outputs}}"]
    return dsl.ContainerSpec(image="python", command=["python3", "-c", script, argv], args=facts)


class Told(NamedTuple):
    status: str
    failed: list[str]
    outputs: dict[str, Any]


def of(given: dict[str, Any]) -> Told:
    return Told(given["status"], [each["displayName"] for each in given["failures"]], given["outputs"])


def test_payload_constants_speak_of_the_exit_tasks_own_group(harness: Harness) -> None:
    @dsl.pipeline(name="context")
    def pipeline() -> None:
        fail()
        with dsl.ExitHandler(context()):
            echo(text="outer")
            with dsl.ExitHandler(context()):
                ok()
            with dsl.ExitHandler(context()):
                fail()
                echo(text="inner")

    result = harness.run(pipeline)

    assert of(result.told(f"{BODY}/told-2")) == Told("Succeeded", [], {"ok.Output": "ok"})
    assert of(result.told(f"{BODY}/told-3")) == Told("Failed", ["fail-2"], {"echo-2.Output": "inner"})
    outer = of(result.told("told"))
    assert outer[:2] == ("Failed", ["fail-2"])
    assert {name: outer.outputs[name] for name in ("echo.Output", "exit-handler-2/ok.Output")} == {
        "echo.Output": "outer",
        "exit-handler-2/ok.Output": "ok",
    }
    assert outer.outputs["told-2.Output"]["status"] == "Succeeded"


def test_payload_constants_elsewhere_speak_of_the_run_so_far(harness: Harness) -> None:
    @dsl.pipeline(name="context")
    def pipeline() -> None:
        made, failed = echo(text="made"), fail()
        context().after(made)
        context().after(made, failed).ignore_upstream_failure()

    result = harness.run(pipeline, workers=1)

    first, second = of(result.told("told")), of(result.told("told-2"))
    assert first.outputs["echo.Output"] == "made"
    assert second[:2] == ("Failed", ["fail"])
    assert result.run.tasks["told"].inputs["status"] in ("Running", "Failed")


def test_payload_constants_in_an_exit_pipeline_speak_of_the_group_that_it_is_the_exit_of(harness: Harness) -> None:
    @dsl.pipeline(name="notify")
    def notify() -> None:
        context()

    @dsl.pipeline(name="context")
    def pipeline() -> None:
        with dsl.ParallelFor([1]), dsl.ExitHandler(notify()):
            ok()

    result = harness.run(pipeline)

    assert of(result.told("for-loop-2[0]/notify/told")) == Told("Succeeded", [], {"ok.Output": "ok"})


def test_payload_constants_in_container_commands(harness: Harness) -> None:
    @dsl.pipeline(name="commands")
    def pipeline(mode: str = "on") -> None:
        with dsl.If(mode == "on"), dsl.ExitHandler(told_in_commands()):
            fail()
            ok()

    result = harness.run(pipeline, containers="host", run_url="https://runs.example/{run_id}/view")

    argv = result.outputs("condition-1/told-in-commands")["argv"]
    outputs = {"ok.Output": "ok"}
    assert (argv[0], argv[3], argv[4]) == (
        "Failed",
        f"see https://runs.example/{result.run.run_id}/view",
        "Failed",
    )
    assert [one["message"] for one in json.loads(argv[1])] == ["ValueError: boom"]
    assert (json.loads(argv[2]), json.loads(argv[5])) == (outputs, outputs)


@pytest.mark.parametrize(
    ("constant", "v1"),
    [
        (dsl.STATUS, "{{workflow.status}}"),
        (dsl.FAILURES, "{{workflow.failures}}"),
        (dsl.OUTPUTS, "{{workflow.outputs}}"),
        (dsl.RUN_NAME, "{{workflow.name}}"),
        (dsl.RUN_ID, "{{workflow.uid}}"),
        (dsl.RUN_CREATED_AT, "{{workflow.creationTimestamp}}"),
        (dsl.DURATION, "{{workflow.duration}}"),
        (dsl.RUN_URL, "{{workflow.run_url}}"),
    ],
)
def test_payload_constants_mean_what_the_words_of_kfp_v1_mean(harness: Harness, constant: str, v1: str) -> None:
    @dsl.pipeline(name="words")
    def pipeline() -> None:
        with dsl.ExitHandler(echo(text=f"{constant} {v1}")):
            ok()

    text = harness.run(pipeline).outputs("echo")["Output"]

    assert text[: len(text) // 2] == text[len(text) // 2 + 1 :]
    assert "{{" not in text


def test_payload_facts_of_the_run(harness: Harness) -> None:
    @dsl.pipeline(name="facts")
    def pipeline() -> None:
        echo(text=f"{dsl.RUN_NAME} {dsl.RUN_ID} {dsl.RUN_CREATED_AT} {dsl.RUN_URL}")

    result = harness.run(pipeline, name="nightly")

    run_id = result.run.run_id
    url = (harness.home / "runs" / run_id).as_uri()
    assert result.outputs("echo")["Output"].split() == ["nightly", run_id, result.run.document["created_at"], url]


def test_payload_a_list_becomes_json_text_for_a_text_input(harness: Harness) -> None:
    @dsl.pipeline(name="defaults")
    def pipeline() -> None:
        with dsl.ExitHandler(echo(text=dsl.FAILURES)):
            cleanup()

    assert harness.run(pipeline).outputs("echo") == {"Output": "[]"}
