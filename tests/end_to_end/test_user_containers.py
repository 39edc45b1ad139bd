"""What a container of a run reaches of this machine: its own files, artifacts, and nothing else of the home."""

from pathlib import Path

from harness import Harness
from kfp import dsl
from kfp.dsl import Artifact, Input, Output

from container_image import IMAGE
from s3_server import S3


@dsl.container_component
def make(out: Output[Artifact]):
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", 'echo made > "$0"'], args=[out.path])


@dsl.container_component
def read(given: Input[Artifact], out: dsl.OutputPath(str)):
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", 'cat "$0" > "$1"'], args=[given.path, out])


@dsl.container_component
def reach(home: str, out: dsl.OutputPath(str)):
    script = 'for name in postlude.db environments cache; do [ -e "$0/$name" ] && printf "$name "; done > "$1"; true'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", script], args=[home, out])


@dsl.container_component
def mounted(given: Input[Artifact], out: Output[Artifact]):
    script = 'sed s/made/mounted/ "/s3/${0#s3://}" > "/s3/${1#s3://}"'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", script], args=[given.uri, out.uri])


@dsl.pipeline(name="in-a-bucket")
def in_a_bucket():
    read(given=mounted(given=make().outputs["out"]).outputs["out"])


@dsl.container_component
def spoil(given: Input[Artifact], out: dsl.OutputPath(str)):
    script = '{ echo spoilt >> "$0"; echo spoilt >> "/s3/${1#s3://}"; rm -f "$0"; } 2>&1; cat "$0" > "$2"'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", script], args=[given.path, given.uri, out])


@dsl.pipeline(name="spoilt")
def spoilt():
    spoil(given=make().outputs["out"])


@dsl.container_component
def leak(secret: str, out: Output[Artifact]):
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", 'busybox ln -s "$0" "$1"'], args=[secret, out.path])


@dsl.pipeline(name="leaking")
def leaking(secret: str):
    leak(secret=secret)


@dsl.pipeline(name="contained")
def contained(home: str):
    read(given=make().outputs["out"])
    reach(home=home)


def test_a_container_sees_artifacts_and_not_the_rest_of_the_home(container_engine: str, harness: Harness) -> None:
    result = harness.run(contained, {"home": str(harness.home)}, containers=container_engine)
    assert (result.state, result.message) == ("SUCCEEDED", "")
    assert [result.outputs(path)["out"] for path in ("read", "reach")] == ["made\n", ""]


def test_a_container_finds_artifacts_of_buckets_where_kfp_mounts_them(
    container_engine: str, harness: Harness, s3: S3
) -> None:
    result = harness.run(in_a_bucket, containers=container_engine, pipeline_root=f"s3://{s3.new_bucket()}/root")
    assert (result.state, result.message) == ("SUCCEEDED", "")
    assert result.outputs("read")["out"] == "mounted\n"


def test_a_container_cannot_change_what_it_reads_from_a_bucket(container_engine: str, harness: Harness, s3: S3) -> None:
    result = harness.run(spoilt, containers=container_engine, pipeline_root=f"s3://{s3.new_bucket()}/root")
    assert (result.state, result.message) == ("SUCCEEDED", "")
    assert result.outputs("spoil")["out"] == "made\n"


def test_a_link_in_a_container_s_output_brings_nothing_of_this_machine_into_a_bucket(
    container_engine: str, harness: Harness, s3: S3, tmp_path: Path
) -> None:
    secret, bucket = tmp_path / "secret", s3.new_bucket()
    secret.write_text("of this machine")
    result = harness.run(
        leaking, {"secret": str(secret)}, containers=container_engine, pipeline_root=f"s3://{bucket}/root"
    )
    assert (result.state, s3.keys(bucket)) == ("FAILED", [])
    assert f"output artifact 'out' is a link to {secret}, which is not the task's own" in result.message


def test_a_container_reads_and_writes_below_a_directory_that_is_the_root(
    container_engine: str, harness: Harness, tmp_path: Path
) -> None:
    result = harness.run(
        contained, {"home": "/none"}, containers=container_engine, pipeline_root=f"{tmp_path}/elsewhere"
    )
    assert (result.state, result.message, result.outputs("read")["out"]) == ("SUCCEEDED", "", "made\n")
