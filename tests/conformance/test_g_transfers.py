"""Matrix G and R8 where a task moves bytes: nothing waits for a server that is stuck."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from components import ok, report
from conductor import Conductor, cancel, is_in
from harness import Result
from kfp import compiler, dsl

from postlude.core.final_status import CANCELED_MESSAGE
from s3_server import S3

SOON_S = 40
"""For processes of their own on a busy machine; a held request waits for ever."""


@dsl.component
def read(data: dsl.Input[dsl.Dataset]) -> str:
    from pathlib import Path

    return Path(data.path).read_text()


@dsl.component
def write(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "wb") as file:  # noqa: PTH123 - written as authors of pipelines write
        file.truncate(20 * 1024 * 1024)


@dsl.component
def write_late(data: dsl.Output[dsl.Dataset], status: dsl.PipelineTaskFinalStatus):
    from pathlib import Path

    Path(data.path).write_text(status.state)


@dsl.pipeline(name="moves", pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi")))
def moves(uri: str, what: str) -> None:
    """One task that moves bytes, another way for each `what`."""
    with dsl.ExitHandler(report()):
        with dsl.If(what == "fetch"):
            read(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).output)
        with dsl.If(what == "send"):
            write()
        with dsl.If(what == "import"):
            dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, download_to_workspace=True)


@dsl.pipeline(name="sends-late")
def sends_late() -> None:
    with dsl.ExitHandler(write_late()):
        ok()


WAYS = {
    "fetch": ("GET", "exit-handler-1/condition-2/read"),
    "send": ("PUT", "exit-handler-1/condition-3/write"),
    "import": ("GET", "exit-handler-1/condition-4/importer-2"),
}


@pytest.fixture
def conductor(tmp_path: Path) -> Conductor:
    return Conductor(home=tmp_path / "home")


@pytest.fixture(scope="session")
def moves_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("ir") / "moves.yaml"
    compiler.Compiler().compile(moves, str(target))
    return target


@pytest.fixture
def bucket(s3: S3) -> Iterator[str]:
    name = s3.new_bucket()
    s3.client.put_object(Bucket=name, Key="given/words.txt", Body=b"words")
    yield name
    (s3.directory / "hold").unlink(missing_ok=True)


def hold(s3: S3, bucket: str, what: str) -> tuple[dict[str, Any], str]:
    """Have the server be stuck in what the task asks of it; the arguments of the run, and the task."""
    method, path = WAYS[what]
    s3.hold(rf"{method} /{bucket}/(given/words.txt$|.*partNumber=1)")
    return {"uri": f"s3://{bucket}/given/words.txt", "what": what}, path


def verdict(result: Result, path: str) -> tuple[str, str, str, str, int | None]:
    told = result.told("report")
    return (result.state, result.states[path], result.states["report"], told["state"], told["code"])


@pytest.mark.parametrize("what", WAYS)
def test_G1_cancel_from_elsewhere_while_a_task_moves_bytes(
    conductor: Conductor, s3: S3, bucket: str, moves_yaml: Path, what: str
) -> None:
    arguments, path = hold(s3, bucket, what)
    with conductor.start(moves_yaml, arguments, "--pipeline-root", f"s3://{bucket}/root").popen as engine:
        s3.await_held()
        asked = [sys.executable, "-m", "postlude", "cancel", conductor.run_id(), "--home", str(conductor.home)]
        subprocess.run(asked, check=True, capture_output=True)
        try:
            engine.communicate(timeout=SOON_S)
        finally:
            engine.kill()
    left = s3.keys(bucket)
    s3.go()

    result = conductor.stored()
    assert verdict(result, path) == ("CANCELED", "CANCELED", "SUCCEEDED", "CANCELED", 1)
    assert result.error(path) == (1, CANCELED_MESSAGE)
    assert (left, engine.returncode) == (["given/words.txt"], 130)


def test_G3_a_cancel_lets_an_exit_task_send_its_outputs(conductor: Conductor, s3: S3, bucket: str) -> None:
    canceled = [(is_in("write-late", "RUNNING"), cancel)]
    result = conductor.run(sends_late, when=canceled, pipeline_root=f"s3://{bucket}")

    (artifact,) = result.outputs("write-late")["data"]
    sent = s3.text(bucket, artifact["uri"].removeprefix(f"s3://{bucket}/"))
    assert (result.state, result.states["write-late"], sent) == ("CANCELED", "SUCCEEDED", "COMPLETE")


def test_G12_the_deadline_of_a_run_while_a_task_moves_bytes(conductor: Conductor, s3: S3, bucket: str) -> None:
    arguments, path = hold(s3, bucket, "fetch")
    result = conductor.run(moves, arguments, timeout_s=3.0)
    s3.await_held()
    s3.go()

    assert verdict(result, path) == ("FAILED", "FAILED", "SUCCEEDED", "FAILED", 4)
