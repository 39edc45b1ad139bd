"""What a program in a container cannot have the engine do for it, in real containers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from container_lab import log_lines

from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt, Ending, Exit

AttemptOf = Callable[..., Attempt]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[dict[str, object]]:
    """What an attempt is told of its outputs, with a secret of this machine beside its directory."""
    outputs, own = tmp_path / "attempt" / "outputs", tmp_path / "artifacts" / "mine"
    outputs.mkdir(parents=True)
    own.mkdir(parents=True)
    (tmp_path / "secret").write_text('{"parameterValues": {"out": "secret"}}')
    yield {
        "outputs": {
            "parameters": {"out": {"outputFile": f"{outputs}/out"}},
            "artifacts": {"model": {"artifacts": [{"uri": f"{own}/model"}]}},
            "outputFile": f"{outputs}/executor_output.json",
        }
    }
    assert (tmp_path / "secret").read_text() == '{"parameterValues": {"out": "secret"}}'


def ran(executor: ContainerExecutor, attempt_of: AttemptOf, told: object, script: str) -> Exit:
    return executor.run(attempt_of(script, executor_input=told))


@pytest.mark.parametrize(
    ("link", "what"),
    [
        pytest.param("attempt/outputs/out", "output 'out'", id="parameter"),
        pytest.param("attempt/outputs/executor_output.json", "its executor output", id="executor-output"),
        pytest.param("artifacts/mine/model", "output artifact 'model'", id="artifact"),
    ],
)
@pytest.mark.parametrize("target", ["{root}/secret", "../../secret"], ids=["absolute", "relative"])
def test_a_link_out_of_its_places_is_not_followed(
    executor: ContainerExecutor, attempt_of: AttemptOf, told: object, tmp_path: Path, link: str, what: str, target: str
) -> None:
    ended = ran(executor, attempt_of, told, f"busybox ln -s {target.format(root=tmp_path)} {tmp_path}/{link}")
    assert ended == Exit(
        ending=Ending.REFUSED,
        message=f"{what} is a link to {tmp_path}/secret, which is not the task's own: write {tmp_path}/{link} itself",
    )


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        pytest.param({"uri": "{root}/secret"}, "{root}/secret", id="uri"),
        pytest.param({"uri": "file://{root}/secret"}, "{root}/secret", id="file-url"),
        pytest.param({"uri": "s3://../../../secret"}, "{root}/attempt/mounts/s3/../../../secret", id="out-of-a-bucket"),
        pytest.param({"custom_path": "{root}/secret"}, "{root}/secret", id="custom-path"),
        pytest.param({"customPath": "{root}/secret"}, "{root}/secret", id="custom-path-in-the-other-spelling"),
        pytest.param({"custom_path": "../../secret"}, "{root}/attempt/work/../../secret", id="custom-path-that-climbs"),
        pytest.param({"custom_path": "link"}, "{root}/attempt/work/link", id="custom-path-that-is-a-link"),
        pytest.param({"uri": "{root}/artifacts/mine/up/secret"}, "{root}/artifacts/mine/up/secret", id="uri-by-a-link"),
    ],
)
def test_a_place_that_the_container_does_not_see_is_not_read(
    executor: ContainerExecutor,
    attempt_of: AttemptOf,
    told: object,
    tmp_path: Path,
    entry: dict[str, str],
    path: str,
) -> None:
    said = {key: text.format(root=tmp_path) for key, text in entry.items()}
    report = json.dumps({"artifacts": {"model": {"artifacts": [said]}}})
    script = (
        f"busybox ln -s {tmp_path}/secret {tmp_path}/attempt/work/link; "
        f"busybox ln -s {tmp_path} {tmp_path}/artifacts/mine/up; "
        f"echo '{report}' > {tmp_path}/attempt/outputs/executor_output.json"
    )
    ended = ran(executor, attempt_of, told, script)
    assert ended == Exit(
        ending=Ending.REFUSED,
        message=f"output artifact 'model' is said to be at {path.format(root=tmp_path)}, which is not a place that "
        "the container shares with this machine: write to the path that is given",
    )


def test_a_report_of_another_shape_is_refused(
    executor: ContainerExecutor, attempt_of: AttemptOf, told: object, tmp_path: Path
) -> None:
    report = json.dumps({"artifacts": {"model": {"artifacts": [{"uri": ["/etc"]}]}}})
    ended = ran(executor, attempt_of, told, f"echo '{report}' > {tmp_path}/attempt/outputs/executor_output.json")
    assert ended == Exit(
        ending=Ending.REFUSED,
        message="its executor output cannot be read: Expected `str | null`, got `array` - "
        "at `$.artifacts[...].artifacts[0].uri`",
    )


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"uri": "{root}/artifacts/mine/model"}, id="its-own"),
        pytest.param({"uri": "{root}/artifacts/theirs/rows"}, id="what-it-was-given"),
        pytest.param({"uri": "s3://bucket/model"}, id="elsewhere"),
        pytest.param({"custom_path": "model"}, id="its-working-directory"),
    ],
)
def test_places_that_the_container_sees_are_fine(
    executor: ContainerExecutor, attempt_of: AttemptOf, told: object, tmp_path: Path, entry: dict[str, str]
) -> None:
    said = {key: text.format(root=tmp_path) for key, text in entry.items()}
    report = json.dumps({"artifacts": {"model": {"artifacts": [said]}}})
    ended = ran(executor, attempt_of, told, f"echo '{report}' > {tmp_path}/attempt/outputs/executor_output.json")
    assert ended == Exit(ending=Ending.EXITED, code=0)


def test_a_link_within_its_places_is_fine(
    executor: ContainerExecutor, attempt_of: AttemptOf, told: object, tmp_path: Path
) -> None:
    script = 'echo 7 > "$0/work/out"; busybox ln -s "$0/work/out" "$0/outputs/out"'
    attempt = attempt_of(argv=("sh", "-c", script, str(tmp_path / "attempt")), executor_input=told)
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)


def test_artifacts_of_others_can_be_read_and_not_changed(
    executor: ContainerExecutor, attempt_of: AttemptOf, told: object, tmp_path: Path
) -> None:
    theirs = tmp_path / "artifacts" / "theirs"
    theirs.mkdir()
    (theirs / "rows").write_text("rows")
    script = f"cat {theirs}/rows; echo > {theirs}/rows; busybox rm -f {theirs}/rows; busybox mkdir {theirs}/new; true"
    attempt = attempt_of(script, executor_input=told)
    executor.run(attempt)
    assert sum("Read-only file system" in line for line in log_lines(attempt)) >= 2
    assert [path.name for path in theirs.iterdir()] == ["rows"]


def test_the_log_and_the_attempt_s_directory_are_out_of_reach(
    executor: ContainerExecutor, attempt_of: AttemptOf, told: object, tmp_path: Path
) -> None:
    directory = tmp_path / "attempt"
    script = f"busybox ls {directory}; busybox mv {directory}/outputs {directory}/x || echo kept"
    attempt = attempt_of(script, executor_input=told)
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    printed = [line for line in log_lines(attempt) if line.startswith("stdout")]
    assert printed == ["stdout F outputs", "stdout F work", "stdout F kept"]


def test_a_fork_bomb_ends_in_its_container(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    attempt = attempt_of("cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max")
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert "stdout F 4096" in log_lines(attempt)
