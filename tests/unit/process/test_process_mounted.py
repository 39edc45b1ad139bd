"""What components see of artifacts in buckets: URLs as URIs, files of this machine as paths."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from kfp import dsl
from kfp.dsl import executor_main
from postlude.executors.process.supervisor.mounted import show_mounts
show_mounts(sys.argv[1])
artifact = getattr(dsl, sys.argv[2])(uri=sys.argv[3])
print(artifact.path)
artifact.path = artifact.path + "-2"
print(artifact.uri)
"""


@pytest.mark.parametrize("kind", ["Artifact", "Dataset", "Model"])
@pytest.mark.parametrize(
    ("uri", "path"),
    [("s3://b/k", "s3/b/k"), ("gs://b/k", "gcs/b/k"), ("minio://b/k", "minio/b/k"), ("az://c/k", "az/c/k")],
)
def test_a_path_is_below_the_mounts_and_a_path_set_is_a_uri_again(
    tmp_path: Path, kind: str, uri: str, path: str
) -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path, kind, uri], check=True, capture_output=True)
    assert said.stdout.decode().splitlines() == [f"{tmp_path}/{path}", f"{uri}-2"]


@pytest.mark.parametrize("uri", ["/data/x", "oci://r/x"])
def test_other_artifacts_are_where_the_sdk_says(tmp_path: Path, uri: str) -> None:
    ask = [sys.executable, "-c", PROGRAM]
    shown, given = (
        subprocess.run([*ask, place, "Dataset", uri], check=True, capture_output=True).stdout.decode().splitlines()[0]
        for place in (tmp_path, tmp_path / "none")
    )
    assert shown == given
