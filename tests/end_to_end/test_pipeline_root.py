"""Where a run's artifacts go when somebody chooses."""

import threading
from pathlib import Path

import pytest
from bucket_components import chain, text_read
from feature_components import write_data
from harness import Harness
from kfp import dsl

import postlude
from s3_server import S3


@pytest.fixture
def bucket(s3: S3) -> str:
    return s3.new_bucket()


def test_a_directory_as_root(harness: Harness, tmp_path: Path) -> None:
    result = harness.run(chain, {"text": "x"}, pipeline_root=f"{tmp_path}/all artifacts")

    (artifact,) = result.outputs("write-data")["data"]
    uri = f"{tmp_path}/all artifacts/chain/{result.run.run_id}/write-data/1/data"
    assert (artifact["uri"], text_read(result), Path(uri).read_text()) == (uri, "x", "x")


def test_nothing_of_a_bucket_stays_in_the_process(harness: Harness, bucket: str) -> None:
    before = set(threading.enumerate())
    harness.run(chain, {"text": "x"}, pipeline_root=f"s3://{bucket}/root")
    assert [one.name for one in set(threading.enumerate()) - before if one.name.startswith("transfer")] == []


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


NOT_PLAIN = "is no plain address of an object: settings belong in environment variables"
CHOICES = "give s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, file:///DIRECTORY or a directory"


@pytest.mark.parametrize(
    ("root", "text"),
    [
        ("oci://host/x", f"pipeline root 'oci://host/x': artifacts cannot be kept there: {CHOICES}"),
        ("", f"pipeline root '': artifacts cannot be kept there: {CHOICES}"),
        ("s3://", "pipeline root s3://: names no bucket: write s3://BUCKET/KEY"),
        (
            "s3://b/x?region=r",
            f"pipeline root s3://b/x?region=r: {NOT_PLAIN}",
        ),
        ("s3://key:secret@b/x", "pipeline root s3://…: has credentials in it: give them in environment variables"),
    ],
)
def test_a_root_that_is_none_is_refused(harness: Harness, root: str, text: str) -> None:
    with pytest.raises(postlude.ConfigError) as refused:
        harness.run(chain, {"text": "x"}, pipeline_root=root)
    assert str(refused.value) == text
