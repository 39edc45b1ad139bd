"""Inputs that are elsewhere: which must come before a task starts, and what is said of those that do not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from postlude.core.task import Artifact, Code, Inputs, Task, TaskError, TaskPath
from postlude.ports.artifacts import TransferError, UnsupportedUriError
from postlude.ports.stop import NEVER, Stop
from postlude.runtime.staging import Staged, stage
from postlude.stores.artifacts.local import LocalArtifacts
from run_lab import Rehearsal, leaf, pipeline, task


class Refusing(LocalArtifacts):
    """A store that fetches nothing."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:  # noqa: ARG002 - the port's
        raise self.fault


class Giving(LocalArtifacts):
    """A store that has everything."""

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:  # noqa: ARG002 - the port's
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(uri)
        return target


def given(*artifacts: Artifact) -> Task:
    run = Rehearsal.of(pipeline({"a": task("one")}, {"one": leaf()})).run
    return replace(run.tasks[TaskPath("a")], inputs=Inputs(artifacts={"data": artifacts}))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FileNotFoundError("s3://b/x: gone"), Code.NOT_FOUND),
        (TransferError("s3://b/x: no answer"), Code.UNAVAILABLE),
        (UnsupportedUriError("s3://b/x: no package"), Code.INVALID_ARGUMENT),
    ],
)
def test_an_input_that_has_bytes_must_come(tmp_path: Path, fault: Exception, code: Code) -> None:
    error = TaskError(code=code, message=f"input 'data' cannot be had: {fault}")
    known = Artifact(name="data", uri="s3://b/x", digest="sha256:1")
    assert stage(given(known), Refusing(fault), str(tmp_path)) == Staged(error=error)


def test_an_input_of_which_nobody_knows_bytes_may_be_missing(tmp_path: Path) -> None:
    staged = stage(
        given(Artifact(name="data", uri="s3://b/x")), Refusing(TransferError("s3://b/x: why")), str(tmp_path)
    )
    assert staged == Staged(notes=("input 'data' is not on this machine: s3://b/x: why",))


def test_inputs_are_where_programs_look_for_them(tmp_path: Path) -> None:
    uris = ["s3://b/x", "gs://b/y/z", "az://c/x", "minio://b/x", "https://h/x", "s3://b/x"]
    assert stage(given(*(Artifact(name="data", uri=uri) for uri in uris)), Giving(), str(tmp_path)) == Staged()
    there = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert there == ["az/c/x", "gcs/b/y/z", "https/h/x", "minio/b/x", "s3/b/x"]


def test_local_inputs_are_left_where_they_are(tmp_path: Path) -> None:
    local = given(Artifact(name="data", uri="/data/x"), Artifact(name="data", uri="file:///data/x"))
    assert stage(local, Refusing(AssertionError("nobody asks")), str(tmp_path)) == Staged()


@pytest.mark.parametrize("uri", ["s3://b/../../../x", "oci://registry/x"])
def test_an_input_that_has_no_place_of_its_own_is_not_fetched(tmp_path: Path, uri: str) -> None:
    staged = stage(given(Artifact(name="data", uri=uri)), Giving(), str(tmp_path / "mounts"))
    words = f"input 'data' is not on this machine: {uri}: is no address that can be read on this machine"
    assert (staged, list(tmp_path.iterdir())) == (Staged(notes=(words,)), [])


def test_a_part_of_another_input_comes_after_it(tmp_path: Path) -> None:
    came: list[str] = []

    class Noting(Giving):
        def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:  # noqa: ARG002 - the port's
            came.append(uri)
            return target

    uris = ["s3://b/x/y/z", "s3://b/x/y", "s3://b/x", "s3://b/xx"]
    stage(given(*(Artifact(name="data", uri=uri) for uri in uris)), Noting(), str(tmp_path))
    assert (set(came[:2]), came[2:]) == ({"s3://b/x", "s3://b/xx"}, ["s3://b/x/y", "s3://b/x/y/z"])
