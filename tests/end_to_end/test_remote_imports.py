"""Importers of what is in buckets and on the web."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from bucket_components import text_read
from feature_components import read_data
from harness import Harness
from kfp import dsl

from s3_server import S3, SECRET


@pytest.fixture
def bucket(s3: S3) -> str:
    return s3.new_bucket()


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


NO_BUCKET = "there is no such bucket, or the object is gone (NoSuchBucket)"


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("s3://{bucket}/none", (5, "nothing to import: 's3://{bucket}/none' does not exist")),
        (
            "s3://not-a-bucket/x",
            (
                14,
                f"nothing was imported: s3://not-a-bucket/x: {NO_BUCKET}",
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
def web() -> Iterator[str]:
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


def test_an_endpoint_that_refuses_is_said_without_secrets(
    harness: Harness, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = harness.run(importing, {"uri": "s3://bucket/x"})

    words = "nothing was imported: s3://bucket/x: the server refuses connections: look at the endpoint"
    assert result.error("importer") == (14, words)
    assert SECRET not in json.dumps(result.run.document)
