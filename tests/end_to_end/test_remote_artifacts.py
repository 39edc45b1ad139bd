"""Runs whose artifacts are in a bucket, on a server that speaks S3."""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from feature_components import counted, every_type, read_all, read_data, write_data, write_elsewhere
from harness import Harness, Result, compile_ir
from kfp import dsl
from s3_server import S3, SECRET

import postlude


@pytest.fixture
def bucket(s3: S3) -> str:
    return s3.new_bucket()


@dsl.component
def write_tree(model: dsl.Output[dsl.Model]):
    import os

    os.makedirs(f"{model.path}/layers/empty")
    for name in ("config", "layers/0"):
        with open(f"{model.path}/{name}", "w") as file:
            file.write(name)
    os.symlink("layers", f"{model.path}/latest")


@dsl.component
def read_tree(model: dsl.Input[dsl.Model]) -> list:
    import os

    root = model.path
    return sorted(
        os.path.relpath(os.path.join(at, one), root) for at, dirs, files in os.walk(root) for one in dirs + files
    )


@dsl.component
def where(data: dsl.Input[dsl.Dataset], made: dsl.Output[dsl.Dataset]) -> dict:
    import os

    with open(made.path, "w") as file:
        file.write("made")
    credentials = [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]
    return {"in": data.uri, "out": made.uri, "there": os.path.exists(data.path), "credentials": credentials}


@dsl.component
def renamed(data: dsl.Output[dsl.Dataset]):
    data.uri = data.uri + ".csv"
    with open(data.path, "w") as file:
        file.write("of another name")


@dsl.component
def at_a_uri() -> dsl.Dataset:
    data = dsl.Dataset(uri=dsl.get_uri("chosen.txt"))
    with open(data.path, "w") as file:
        file.write("at a URI")
    return data


@dsl.component
def path_set(data: dsl.Output[dsl.Dataset]):
    data.path = data.path + "-set"
    with open(data.path, "w") as file:
        file.write("set")


@dsl.component
def elsewhere(data: dsl.Output[dsl.Dataset]):
    data.uri = "s3://no-such-bucket-here/x"


@dsl.component
def uri_of(data: dsl.Input[dsl.Dataset]) -> str:
    return data.uri


@dsl.component
def large(text: str, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(text * 1024 * 1024 * 20)


def text_read(result: Result, path: str = "read-data") -> object:
    return result.outputs(path)["Output"]["text"]


@dsl.pipeline(name="chain")
def chain(text: str) -> None:
    read_data(data=write_data(text=text).outputs["data"])


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


# --- importers --------------------------------------------------------------------------------------------------------


@dsl.pipeline(name="import")
def importing(uri: str) -> None:
    read_data(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, metadata={"a": 1}).output)


def test_import_from_a_bucket(harness: Harness, s3: S3, bucket: str) -> None:
    s3.client.put_object(Bucket=bucket, Key="given/words.txt", Body=b"words")
    results = [harness.run(importing, {"uri": f"s3://{bucket}/given/words.txt"}) for _ in range(2)]

    assert [result.outputs("read-data")["Output"] for result in results] == [
        {"text": "words", "metadata": {"a": 1}}
    ] * 2
    assert [result.run.tasks["importer"].cached for result in results] == [False, True]


def test_an_import_is_new_once_the_object_changed(harness: Harness, s3: S3, bucket: str) -> None:
    texts = []
    for content in (b"one", b"two"):
        s3.client.put_object(Bucket=bucket, Key="words.txt", Body=content)
        texts.append(text_read(harness.run(importing, {"uri": f"s3://{bucket}/words.txt"})))

    assert texts == ["one", "two"]


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("s3://{bucket}/none", (5, "nothing to import: 's3://{bucket}/none' does not exist")),
        (
            "s3://not-a-bucket/x",
            (
                14,
                "nothing was imported: s3://not-a-bucket/x: there is no such bucket, or the object is gone (NoSuchBucket)",
            ),
        ),
        ("s3://{bucket}", (3, "s3://{bucket}: names a whole bucket, and no artifact in it")),
        (
            "s3://{bucket}/../x",
            (3, "s3://{bucket}/../x: is no plain address of an object: settings belong in environment variables"),
        ),
    ],
)
def test_import_of_what_is_not_there(harness: Harness, bucket: str, uri: str, error: tuple[int, str]) -> None:
    result = harness.run(importing, {"uri": uri.format(bucket=bucket)})

    assert result.error("importer") == (error[0], error[1].format(bucket=bucket))
    assert (result.states["read-data"], result.state) == ("UPSTREAM_FAILED", "FAILED")


def test_import_into_the_workspace(harness: Harness, s3: S3, bucket: str) -> None:
    s3.client.put_object(Bucket=bucket, Key="given/words.txt", Body=b"words")

    @dsl.pipeline(name="to-workspace", pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi")))
    def pipeline(uri: str) -> None:
        imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, download_to_workspace=True)
        read_data(data=imported.output)

    result = harness.run(pipeline, {"uri": f"s3://{bucket}/given/words.txt"})

    assert text_read(result) == "words"
    inside = (
        harness.home / "runs" / result.run.run_id / "workspace" / ".artifacts" / "s3" / bucket / "given" / "words.txt"
    )
    assert result.inputs("read-data")["data"][0]["uri"] == str(inside)


class Web(BaseHTTPRequestHandler):
    """One file, at two addresses of which one says nothing to HEAD."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"from the web")

    def _answer(self, content: bytes) -> None:
        known = self.path.startswith("/words.txt") and not (self.path.endswith("?get") and self.command == "HEAD")
        self.send_response(200 if known else 405 if self.path.startswith("/words.txt") else 404)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(content) if self.command == "GET" else 12))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def web() -> object:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["words.txt", "words.txt?get"])
def test_import_from_the_web(harness: Harness, web: str, name: str) -> None:
    assert text_read(harness.run(importing, {"uri": f"{web}/{name}"})) == "from the web"


def test_import_of_what_the_web_does_not_have(harness: Harness, web: str) -> None:
    result = harness.run(importing, {"uri": f"{web}/none"})
    assert result.error("importer") == (5, f"nothing to import: '{web}/none' does not exist")


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_fails_the_task_that_writes(harness: Harness, s3: S3) -> None:
    result = harness.run(chain, {"text": "x"}, pipeline_root="s3://not-a-bucket/root")

    uri = f"s3://not-a-bucket/root/chain/{result.run.run_id}/write-data/1/data"
    words = "there is no such bucket, or the object is gone (NoSuchBucket)"
    assert result.error("write-data") == (14, f"its outputs cannot be kept: {uri}: {words}")


def test_an_endpoint_that_refuses_is_said_without_secrets(
    harness: Harness, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = harness.run(importing, {"uri": "s3://bucket/x"})

    words = "nothing was imported: s3://bucket/x: the server refuses connections: look at the endpoint"
    assert result.error("importer") == (14, words)
    assert SECRET not in json.dumps(result.run.document)


def test_an_object_that_is_gone_is_said_to_its_consumer(harness: Harness, s3: S3, bucket: str) -> None:
    @dsl.component
    def forget(keys: str, endpoint: str, data: dsl.Input[dsl.Dataset]):
        import urllib.request

    s3.client.put_object(Bucket=bucket, Key="x", Body=b"x")
    from postlude.core.task import Artifact, Inputs
    from postlude.runtime.staging import stage
    from postlude.stores.artifacts.anywhere import open_artifacts

    store = open_artifacts(harness.home / "cache")
    digest = store.digest(f"s3://{bucket}/x")
    s3.client.delete_object(Bucket=bucket, Key="x")
    from run_lab import Rehearsal, leaf, pipeline, task

    run = Rehearsal.of(pipeline({"a": task("a")}, {"a": leaf()})).run
    from dataclasses import replace

    gone = replace(
        run.tasks["a"], inputs=Inputs(artifacts={"d": (Artifact(name="d", uri=f"s3://{bucket}/x", digest=digest),)})
    )
    staged = stage(gone, store, harness.home / "mounts")
    assert staged.error is not None
    assert (staged.error.code.value, staged.error.message) == (
        5, f"input 'd' cannot be had: s3://{bucket}/x: there is no such object",
    )  # fmt: skip


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


# --- roots ------------------------------------------------------------------------------------------------------------


def test_a_directory_as_root(harness: Harness, tmp_path: Path) -> None:
    result = harness.run(chain, {"text": "x"}, pipeline_root=f"{tmp_path}/all artifacts")

    (artifact,) = result.outputs("write-data")["data"]
    uri = f"{tmp_path}/all artifacts/chain/{result.run.run_id}/write-data/1/data"
    assert (artifact["uri"], text_read(result), Path(uri).read_text()) == (uri, "x", "x")


@pytest.mark.parametrize(("asked", "below"), [("spec", "s3://{bucket}/own/rooted/"), (None, "{home}/artifacts/")])
def test_the_pipelines_own_root_is_used_when_asked_for(
    harness: Harness, bucket: str, asked: str | None, below: str
) -> None:
    @dsl.pipeline(name="rooted", pipeline_root=f"s3://{bucket}/own")
    def pipeline() -> None:
        write_data(text="x")

    result = harness.run(pipeline, pipeline_root=asked)

    uri = result.outputs("write-data")["data"][0]["uri"]
    assert uri.startswith(below.format(bucket=bucket, home=harness.home))


CHOICES = "give s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, file:///DIRECTORY or a directory"


@pytest.mark.parametrize(
    ("root", "text"),
    [
        ("oci://host/x", f"pipeline root 'oci://host/x': artifacts cannot be kept there: {CHOICES}"),
        ("", f"pipeline root '': artifacts cannot be kept there: {CHOICES}"),
        ("s3://", "pipeline root s3://: names no bucket: write s3://BUCKET/KEY"),
        (
            "s3://b/x?region=r",
            "pipeline root s3://b/x?region=r: is no plain address of an object: settings belong in environment variables",
        ),
        ("s3://key:secret@b/x", "pipeline root s3://…: has credentials in it: give them in environment variables"),
    ],
)
def test_a_root_that_is_none_is_refused(harness: Harness, root: str, text: str) -> None:
    with pytest.raises(postlude.ConfigError) as refused:
        harness.run(chain, {"text": "x"}, pipeline_root=root)
    assert str(refused.value) == text
