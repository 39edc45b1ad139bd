"""Runs whose artifacts are in a bucket, on a server that speaks S3."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bucket_components import (
    at_a_uri,
    chain,
    elsewhere,
    large,
    path_set,
    read_tree,
    renamed,
    text_read,
    uri_of,
    where,
    write_tree,
)
from feature_components import counted, every_type, read_all, read_data, write_data, write_elsewhere
from harness import Harness, compile_ir
from kfp import dsl

from s3_server import S3


@pytest.fixture
def bucket(s3: S3) -> str:
    return s3.new_bucket()


# --- what a run leaves, and what tasks see ----------------------------------------------------------------------------


def test_artifacts_are_in_the_bucket_as_kfp_lays_them_out(harness: Harness, s3: S3, bucket: str) -> None:
    result = harness.run(chain, {"text": "hello"}, pipeline_root=f"s3://{bucket}/root/")

    key = f"root/chain/{result.run.run_id}/write-data/1/data"
    (artifact,) = result.outputs("write-data")["data"]
    assert (artifact["uri"], text_read(result)) == (f"s3://{bucket}/{key}", "hello")
    assert artifact["digest"] == "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert s3.text(bucket, key) == "hello"
    assert s3.keys(bucket) == [key.replace("data/1/data", "data/1/.postlude/data.json"), key]


def test_tasks_see_urls_as_uris_local_files_as_paths_and_no_credentials(harness: Harness, bucket: str) -> None:
    @dsl.pipeline(name="seen")
    def pipeline() -> None:
        where(data=write_data(text="x").outputs["data"])

    result = harness.run(pipeline, pipeline_root=f"s3://{bucket}")

    root = f"s3://{bucket}/seen/{result.run.run_id}"
    told = {"in": f"{root}/write-data/1/data", "out": f"{root}/where/1/made", "there": True, "credentials": []}
    assert result.outputs("where")["Output"] == told


def test_a_directory_comes_back_as_it_was(harness: Harness, bucket: str, tmp_path: Path) -> None:
    @dsl.pipeline(name="tree")
    def pipeline() -> None:
        read_tree(model=write_tree().outputs["model"])

    harness.run(pipeline, pipeline_root=f"s3://{bucket}")
    second = Harness(home=tmp_path / "another-machine").run(pipeline, pipeline_root=f"s3://{bucket}", cache=False)

    assert second.outputs("read-tree")["Output"] == ["config", "latest", "layers", "layers/0", "layers/empty"]


@pytest.mark.parametrize(
    ("component", "name", "text"),
    [
        pytest.param(renamed, "data.csv", "of another name", id="uri-changed"),
        pytest.param(path_set, "data-set", "set", id="path-changed"),
        pytest.param(at_a_uri, "chosen.txt", "at a URI", id="get_uri"),
    ],
)
def test_a_component_may_choose_the_name(
    harness: Harness, s3: S3, bucket: str, component: object, name: str, text: str
) -> None:
    @dsl.pipeline(name="names")
    def pipeline() -> None:
        read_data(data=component().output)

    result = harness.run(pipeline, pipeline_root=f"s3://{bucket}")

    (path,) = set(result.states) - {"", "read-data"}
    key = f"names/{result.run.run_id}/{path}/1/{name}"
    (artifact,) = result.inputs("read-data")["data"]
    assert (artifact["uri"], text_read(result), s3.text(bucket, key)) == (f"s3://{bucket}/{key}", text, text)


@pytest.mark.parametrize("place", ["{home}/elsewhere.txt", "elsewhere.txt"], ids=["absolute", "relative"])
def test_a_custom_path_is_sent(harness: Harness, bucket: str, tmp_path: Path, place: str) -> None:
    @dsl.pipeline(name="custom-path")
    def pipeline(place: str) -> None:
        read_data(data=write_elsewhere(place=place).outputs["data"])

    result = harness.run(pipeline, {"place": place.format(home=tmp_path)}, pipeline_root=f"s3://{bucket}")

    assert text_read(result) == "from elsewhere"
    assert result.outputs("write-elsewhere")["data"][0]["uri"].startswith(f"s3://{bucket}/custom-path/")


def test_artifacts_without_files_and_lists_travel_too(harness: Harness, bucket: str) -> None:
    @dsl.pipeline(name="kinds")
    def pipeline() -> None:
        kinds = every_type()
        uri_of(data=kinds.outputs["data"])
        with dsl.ParallelFor(["a", "b", "c"]) as text:
            written = write_data(text=text)
        read_all(data=dsl.Collected(written.outputs["data"]))

    result = harness.run(pipeline, pipeline_root=f"s3://{bucket}")

    assert (result.state, result.outputs("read-all")["Output"]) == ("SUCCEEDED", ["a", "b", "c"])
    assert result.outputs("every-type")["scores"][0]["metadata"] == {"accuracy": 0.9}


def test_a_uri_of_somebody_else_is_passed_on_although_it_cannot_be_read(harness: Harness, bucket: str) -> None:
    @dsl.pipeline(name="foreign")
    def pipeline() -> None:
        uri_of(data=elsewhere().outputs["data"])

    result = harness.run(pipeline, pipeline_root=f"s3://{bucket}")

    missing = "input 'data' is not on this machine: s3://no-such-bucket-here/x: there is no such bucket"
    assert result.outputs("uri-of")["Output"] == "s3://no-such-bucket-here/x"
    assert f"postlude: {missing}" in result.log("uri-of")


def test_a_container_component_gets_url_and_path(harness: Harness, s3: S3, bucket: str) -> None:
    @dsl.container_component
    def copy(source: dsl.Input[dsl.Dataset], target: dsl.Output[dsl.Dataset]):
        script = 'cp "$0" "$1" && echo " and $2" >> "$1"'
        return dsl.ContainerSpec(image="any", command=["sh", "-c", script], args=[source.path, target.path, target.uri])

    @dsl.pipeline(name="container")
    def pipeline() -> None:
        read_data(data=copy(source=write_data(text="hello").outputs["data"]).outputs["target"])

    result = harness.run(pipeline, pipeline_root=f"s3://{bucket}", containers="host")

    uri = f"s3://{bucket}/container/{result.run.run_id}/copy/1/target"
    assert text_read(result) == f"hello and {uri}\n"


# --- the cache and other machines -------------------------------------------------------------------------------------


@dsl.pipeline(name="cached")
def caching(log: str, text: str) -> None:
    read_data(data=counted(log=log, text=text).outputs["data"])


def test_a_second_run_reuses_what_is_in_the_bucket(harness: Harness, s3: S3, bucket: str, tmp_path: Path) -> None:
    arguments = {"log": str(tmp_path / "log"), "text": "a"}
    results = [harness.run(caching, arguments, pipeline_root=f"s3://{bucket}") for _ in range(2)]

    assert [result.run.tasks["counted"].cached for result in results] == [False, True]
    assert len({result.outputs("counted")["data"][0]["uri"] for result in results}) == 1


def test_a_task_whose_object_was_changed_runs_again(harness: Harness, s3: S3, bucket: str, tmp_path: Path) -> None:
    arguments = {"log": str(tmp_path / "log"), "text": "a"}
    first = harness.run(caching, arguments, pipeline_root=f"s3://{bucket}")
    key = first.outputs("counted")["data"][0]["uri"].removeprefix(f"s3://{bucket}/")
    s3.client.put_object(Bucket=bucket, Key=key, Body=b"spoiled")
    second = harness.run(caching, arguments, pipeline_root=f"s3://{bucket}")

    assert (second.run.tasks["counted"].cached, text_read(second)) == (False, "a")


def test_what_this_machine_made_is_not_fetched_again(harness: Harness, s3: S3, bucket: str) -> None:
    result = harness.run(chain, {"text": "once"}, pipeline_root=f"s3://{bucket}")

    reads = [
        one for one in s3.requests() if one.startswith("GET") and one.endswith(f"{result.run.run_id}/write-data/1/data")
    ]
    assert (text_read(result), reads) == ("once", [])


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_fails_the_task_that_writes(harness: Harness, s3: S3) -> None:
    result = harness.run(chain, {"text": "x"}, pipeline_root="s3://not-a-bucket/root")

    uri = f"s3://not-a-bucket/root/chain/{result.run.run_id}/write-data/1/data"
    words = "there is no such bucket, or the object is gone (NoSuchBucket)"
    assert result.error("write-data") == (14, f"its outputs cannot be kept: {uri}: {words}")


def test_a_server_that_stumbles_is_asked_again(harness: Harness, s3: S3, bucket: str) -> None:
    s3.refuse(f"PUT /{bucket}/", 2)
    assert text_read(harness.run(chain, {"text": "x"}, pipeline_root=f"s3://{bucket}")) == "x"
    assert (s3.directory / "fault").read_text() == f"PUT /{bucket}/ 0"


def test_an_engine_killed_in_an_upload_leaves_nothing_that_counts(
    s3: S3, bucket: str, tmp_path: Path, harness: Harness
) -> None:
    @dsl.pipeline(name="killed")
    def pipeline() -> None:
        large(text="x")

    compiled = tmp_path / "pipeline.yaml"
    compiled.write_text(yaml.safe_dump(compile_ir(pipeline)))
    command = [sys.executable, "-m", "postlude", "run", str(compiled), "--home", str(harness.home), "--json"]
    s3.hold(rf"PUT /{bucket}/.*partNumber=2")
    with subprocess.Popen([*command, "--pipeline-root", f"s3://{bucket}"], stdout=subprocess.DEVNULL) as engine:
        s3.await_held()
        os.kill(engine.pid, signal.SIGKILL)
    left = s3.keys(bucket)
    s3.go()
    resume = [sys.executable, "-m", "postlude", "resume", "--home", str(harness.home), "--json"]
    (document,) = json.loads(subprocess.run(resume, check=True, capture_output=True, text=True).stdout)

    (artifact,) = next(task for task in document["tasks"] if task["path"] == "large")["outputs"]["artifacts"]["data"]
    key = artifact["uri"].removeprefix(f"s3://{bucket}/")
    assert (left, document["state"]) == ([], "SUCCEEDED")
    assert s3.keys(bucket) == [key.replace("/data", "/.postlude/data.json"), key]
    assert s3.client.head_object(Bucket=bucket, Key=key)["ContentLength"] == 20 * 1024 * 1024
