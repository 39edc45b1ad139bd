"""What artifacts take on this machine: large ones once, copies of what is elsewhere until they are not wanted."""

import json
import subprocess
import sys
from pathlib import Path

from bucket_components import chain, text_read
from feature_components import read_data, write_elsewhere
from harness import Harness
from kfp import dsl

from postlude.stores.artifacts.copy import _clone
from s3_server import S3


def gc(harness: Harness, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "postlude", "gc", "--home", str(harness.home), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True)


def test_gc_removes_copies_when_asked_and_never_what_is_in_a_bucket(harness: Harness, s3: S3) -> None:
    bucket = s3.new_bucket()
    result = harness.run(chain, {"text": "kept"}, pipeline_root=f"s3://{bucket}")
    keys, (artifact,) = s3.keys(bucket), result.outputs("write-data")["data"]

    shown = json.loads(gc(harness, "--keep", "0", "--copies", "--json").stdout)
    removed = gc(harness, "--keep", "0", "--copies", "--yes")

    assert (shown["copies"]["size_bytes"] >= len("kept"), shown["removed"]) == (True, None)
    assert removed.stderr == f"1 artifacts stay where they are, outside of the home: {artifact['uri']}, ...\n"
    assert (s3.keys(bucket), (harness.home / "cache" / "artifacts").exists()) == (keys, False)


def test_a_run_goes_on_without_its_copies(harness: Harness, s3: S3) -> None:
    root = f"s3://{s3.new_bucket()}"
    harness.run(chain, {"text": "again"}, pipeline_root=root)
    gc(harness, "--copies", "--yes")
    assert "Nothing" in gc(harness, "--copies", "--yes").stdout

    @dsl.pipeline(name="reader")
    def reader(uri: str) -> None:
        read_data(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).output)

    (uri,) = [f"{root}/{key}" for key in s3.keys(root.removeprefix("s3://")) if key.endswith("/data")]
    assert text_read(harness.run(reader, {"uri": uri})) == "again"


def test_verify_knows_runs_whose_artifacts_are_elsewhere(harness: Harness, s3: S3) -> None:
    result = harness.run(chain, {"text": "x"}, pipeline_root=f"s3://{s3.new_bucket()}")
    command = [sys.executable, "-m", "postlude", "verify", result.run.run_id, "--home", str(harness.home), "--json"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert (said["ok"], said["differences"]) == (True, [])


def test_a_file_at_a_place_that_the_component_chose_is_not_copied(harness: Harness, tmp_path: Path) -> None:
    @dsl.pipeline(name="custom-path")
    def pipeline() -> None:
        write_elsewhere(place="elsewhere.txt")

    result = harness.run(pipeline)

    (artifact,) = result.outputs("write-elsewhere")["data"]
    chosen = harness.home / "runs" / result.run.run_id / "tasks" / "write-elsewhere" / "1" / "work" / "elsewhere.txt"
    kept = Path(artifact["uri"])
    assert kept.read_text() == "from elsewhere"
    assert kept.samefile(chosen) or _clone(chosen, tmp_path / "probe")
