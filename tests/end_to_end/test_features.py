"""Inputs and outputs of every kind, end to end: artifacts, lists, loops, workspaces, variables."""

from pathlib import Path
from typing import NamedTuple

import pytest
from feature_components import (
    as_they_are,
    configured,
    every_type,
    pairs,
    product,
    read_all,
    read_data,
    read_file,
    square,
    two,
    variable,
    write_data,
    write_elsewhere,
    write_shared,
)
from harness import Harness, Ir, edited
from kfp import dsl

# --- artifacts --------------------------------------------------------------------------------------------------------


def test_artifacts_of_every_system_type(harness: Harness) -> None:
    @dsl.pipeline(name="types")
    def pipeline() -> None:
        every_type()

    outputs = harness.run(pipeline).outputs("every-type")

    assert {name: artifact["type"] for name, (artifact,) in outputs.items()} == {
        "thing": "system.Artifact",
        "data": "system.Dataset",
        "model": "system.Model",
        "page": "system.HTML",
        "note": "system.Markdown",
        "scores": "system.Metrics",
        "classes": "system.ClassificationMetrics",
    }
    assert [Path(outputs[name][0]["uri"]).read_text() for name in ("thing", "page")] == ["thing", "page"]
    assert outputs["model"][0]["metadata"]["framework"] == "none"
    assert (outputs["data"][0]["producer"], outputs["data"][0]["digest"][:7]) == ("every-type", "sha256:")


def test_metrics_are_metadata(harness: Harness) -> None:
    @dsl.pipeline(name="metrics")
    def pipeline() -> None:
        every_type()

    outputs = harness.run(pipeline).outputs("every-type")

    assert outputs["scores"][0]["metadata"] == {"accuracy": 0.9}
    classes = outputs["classes"][0]["metadata"]
    assert [one["confidenceThreshold"] for one in classes["confidenceMetrics"]] == [0.9, 0.1]
    assert classes["confusionMatrix"]["rows"] == [{"row": [3, 1]}, {"row": [0, 4]}]


def test_metadata_travels_with_the_artifact(harness: Harness) -> None:
    @dsl.pipeline(name="metadata")
    def pipeline() -> None:
        read_data(data=write_data(text="four").outputs["data"])

    result = harness.run(pipeline)

    assert result.outputs("read-data")["Output"]["text"] == "four"
    assert result.outputs("read-data")["Output"]["metadata"]["length"] == 4


@pytest.mark.parametrize("place", ["{home}/elsewhere.txt", "elsewhere.txt"], ids=["absolute", "relative"])
def test_a_custom_path_is_collected(harness: Harness, tmp_path: Path, place: str) -> None:
    @dsl.pipeline(name="custom-path")
    def pipeline(place: str) -> None:
        read_data(data=write_elsewhere(place=place).outputs["data"])

    result = harness.run(pipeline, {"place": place.format(home=tmp_path)})

    assert result.outputs("read-data")["Output"]["text"] == "from elsewhere"
    (artifact,) = result.outputs("write-elsewhere")["data"]
    assert (artifact["uri"], artifact["digest"][:7]) == (result.inputs("read-data")["data"][0]["uri"], "sha256:")
    assert Path(artifact["uri"]).is_relative_to(harness.home)


def test_a_value_that_is_an_allowed_literal(harness: Harness) -> None:
    # The SDK has no way to write literals, which the IR has.
    @dsl.pipeline(name="literals")
    def pipeline() -> None:
        square(value=3)

    def restrict(ir: Ir) -> None:
        ir["components"]["comp-square"]["inputDefinitions"]["parameters"]["value"]["literals"] = [2.0, 3.0]

    assert harness.run(edited(pipeline, restrict)).outputs("square") == {"Output": 9}


# --- lists and loops --------------------------------------------------------------------------------------------------


def test_collected_artifacts_of_a_loop(harness: Harness) -> None:
    @dsl.pipeline(name="collected-artifacts")
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b", "c"]) as text:
            written = write_data(text=text)
        read_all(data=dsl.Collected(written.outputs["data"]))

    result = harness.run(pipeline)

    assert result.outputs("read-all") == {"Output": ["a", "b", "c"]}
    assert [one["producer"] for one in result.inputs("read-all")["data"]] == [
        f"for-loop-2[{index}]/write-data" for index in range(3)
    ]


def test_collected_parameters_of_nested_loops(harness: Harness) -> None:
    @dsl.pipeline(name="nested")
    def pipeline() -> None:
        with dsl.ParallelFor([1, 2]) as first, dsl.ParallelFor([10, 20]) as second:
            multiplied = product(a=first, b=second)
        as_they_are(values=dsl.Collected(multiplied.output))

    result = harness.run(pipeline)

    assert result.outputs("as-they-are") == {"Output": [10, 20, 20, 40]}


def test_collected_artifacts_of_nested_loops(harness: Harness) -> None:
    @dsl.pipeline(name="nested")
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]), dsl.ParallelFor(["c", "d"]) as text:
            written = write_data(text=text)
        read_all(data=dsl.Collected(written.outputs["data"]))

    assert harness.run(pipeline).outputs("read-all") == {"Output": ["c", "d", "c", "d"]}


def test_collected_from_an_empty_loop_is_empty(harness: Harness) -> None:
    @dsl.pipeline(name="empty")
    def pipeline(values: list) -> None:
        with dsl.ParallelFor(values) as value:
            squared = square(value=value)
            written = write_data(text="x")
        as_they_are(values=dsl.Collected(squared.output))
        read_all(data=dsl.Collected(written.outputs["data"]))

    result = harness.run(pipeline, {"values": []})

    assert (result.outputs("as-they-are"), result.outputs("read-all")) == ({"Output": []}, {"Output": []})
    assert result.inputs("read-all") == {"data": []}
    assert result.state == "SUCCEEDED"


def test_loop_over_a_list_of_artifacts(harness: Harness) -> None:
    @dsl.pipeline(name="make")
    def make() -> list[dsl.Dataset]:
        with dsl.ParallelFor(["a", "b"]) as text:
            written = write_data(text=text)
        return dsl.Collected(written.outputs["data"])

    @dsl.pipeline(name="artifact-iterator")
    def pipeline() -> None:
        with dsl.ParallelFor(make().output) as data:
            read_data(data=data)

    result = harness.run(pipeline)

    reads = [path for path in result.paths() if path.endswith("/read-data")]
    assert sorted(reads) == ["for-loop-1[0]/read-data", "for-loop-1[1]/read-data"]
    assert [result.outputs(path)["Output"]["text"] for path in sorted(reads)] == ["a", "b"]


def test_loop_over_dicts_reads_their_keys(harness: Harness) -> None:
    @dsl.pipeline(name="dicts")
    def pipeline() -> None:
        with dsl.ParallelFor([{"a": 1, "b": 3}, {"a": 2, "b": 5}]) as item:
            multiplied = product(a=item.a, b=item.b)
        as_they_are(values=dsl.Collected(multiplied.output))

    assert harness.run(pipeline).outputs("as-they-are") == {"Output": [3, 10]}


def test_loop_over_dicts_that_a_task_made(harness: Harness) -> None:
    @dsl.pipeline(name="made-dicts")
    def pipeline() -> None:
        with dsl.ParallelFor(pairs(count=3).output) as item:
            squared = square(value=item.a)
        as_they_are(values=dsl.Collected(squared.output))

    assert harness.run(pipeline).outputs("as-they-are") == {"Output": [0, 1, 4]}


# --- what surrounds a task --------------------------------------------------------------------------------------------


def test_workspace_is_shared_by_the_tasks_of_a_run(harness: Harness) -> None:
    workspace = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi"))

    @dsl.pipeline(name="workspace", pipeline_config=workspace)
    def pipeline() -> None:
        written = write_shared(directory=dsl.WORKSPACE_PATH_PLACEHOLDER, text="shared")
        read_file(path=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/shared.txt").after(written)

    results = [harness.run(pipeline), harness.run(pipeline)]

    assert [result.outputs("read-file") for result in results] == [{"Output": "shared"}] * 2
    first, second = (result.outputs("write-shared")["Output"] for result in results)
    assert first != second
    assert results[0].run.run_id in first


def test_task_config_receives_what_is_passed_through(harness: Harness) -> None:
    @dsl.pipeline(name="task-config")
    def pipeline() -> None:
        configured().set_env_variable("MODE", "fast").set_cpu_limit("1").set_memory_request("1Gi")

    assert harness.run(pipeline).outputs("configured")["Output"] == {
        "resources": {"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}},
        "env": [{"name": "MODE", "value": "fast"}],
    }


def test_env_variables_are_set_and_secrets_are_not_passed_on(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")

    @dsl.pipeline(name="env")
    def pipeline() -> None:
        variable(name="MODE").set_env_variable("MODE", "fast")
        variable(name="SOME_TOKEN")

    result = harness.run(pipeline)

    assert [result.outputs(path)["Output"] for path in ("variable", "variable-2")] == ["fast", "absent"]


def test_embedded_artifacts_are_unpacked(harness: Harness, tmp_path: Path) -> None:
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "words.txt").write_text("embedded words")

    @dsl.component(embedded_artifact_path=str(folder))
    def reads_assets(assets: dsl.EmbeddedInput[dsl.Dataset]) -> str:
        from pathlib import Path

        return Path(assets.path, "words.txt").read_text()

    @dsl.pipeline(name="embedded")
    def pipeline() -> None:
        reads_assets()

    assert harness.run(pipeline).outputs("reads-assets") == {"Output": "embedded words"}


def test_pipeline_outputs(harness: Harness) -> None:
    class Outputs(NamedTuple):
        number: int
        data: dsl.Dataset

    @dsl.pipeline(name="outputs")
    def pipeline() -> Outputs:
        return Outputs(number=two().outputs["number"], data=write_data(text="out").outputs["data"])

    result = harness.run(pipeline)

    assert result.run.outputs["number"] == 2
    assert Path(result.run.outputs["data"]["uri"]).read_text() == "out"
    assert set(result.run.outputs) == {"number", "data"}
