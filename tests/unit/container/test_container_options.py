"""An attempt as the engine's arguments."""

from itertools import product
from pathlib import Path

import pytest
from container_lab import attempt

from postlude.core.task import TaskPath
from postlude.executors.container.accelerators import accelerators
from postlude.executors.container.engine import Engine
from postlude.executors.container.environment import Variables
from postlude.executors.container.mounts import Mount, mounts
from postlude.executors.container.options import container_name, run_arguments
from postlude.executors.container.user import user_options
from postlude.ports.executor import Attempt
from postlude.spec.types import Resources


def test_arguments_of_a_whole_attempt() -> None:
    given = attempt(resources=Resources(cpu_limit="500m", memory_limit="1Ki"))
    variables = Variables(options=("--env-file", "/a/env"))
    arguments = run_arguments(
        given,
        engine=Engine.PODMAN,
        name="n-1",
        mounts=(Mount(path=Path("/a")),),
        variables=variables,
        user=("--user=0:0",),
    )
    assert arguments == (
        "run",
        "--pull=never",
        "--log-driver=none",
        "--sig-proxy=false",
        "--pids-limit=4096",
        "--userns=host",
        "--security-opt=label=disable",
        "--name=n-1",
        "--label=postlude.run=run-1",
        "--label=postlude.task=loop[2]/train",
        "--label=postlude.attempt=3",
        "--mount=type=bind,source=/a,target=/a",
        "--user=0:0",
        "--env-file",
        "/a/env",
        "--cpus=0.5",
        "--memory=1024",
        "--memory-swap=1024",
        "--env=CUDA_VISIBLE_DEVICES=",
        "--env=NVIDIA_VISIBLE_DEVICES=void",
        "--entrypoint=sh",
        "--",
        "img",
        "-c",
        "true",
    )


def test_names_are_of_one_attempt_each_and_fit_the_engines() -> None:
    owned = product(("a", "a[1]/ö"), (1, 11), ("me", "you"))
    names = {container_name("r", TaskPath(path), number, owner=owner) for path, number, owner in owned}
    assert len(names) == 8
    assert all(name.isascii() and name.removeprefix("postlude-r-").isalnum() for name in names)


@pytest.mark.parametrize(
    ("path", "option"),
    [
        ("/a b", "type=bind,source=/a b,target=/a b"),
        ("/a,b", 'type=bind,"source=/a,b","target=/a,b"'),
        ('/a"b', 'type=bind,"source=/a""b","target=/a""b"'),
    ],
)
def test_any_path_can_be_mounted(path: str, option: str) -> None:
    assert Mount(path=Path(path)).option == option


def places(directory: Path, *names: str) -> tuple[Path, ...]:
    made = tuple(directory / name for name in names)
    for place in made:
        place.mkdir(parents=True, exist_ok=True)
    return made


def test_a_container_writes_what_is_its_own_and_reads_the_rest(tmp_path: Path) -> None:
    outputs, work, own, other, workspace = places(
        tmp_path, "run/outputs", "run/work", "artifacts/mine", "artifacts/other", "ws"
    )
    told = {
        "inputs": {"artifacts": {"rows": {"artifacts": [{"uri": str(other / "rows")}]}}},
        "outputs": {"artifacts": {"model": {"artifacts": [{"uri": str(own / "model")}]}}},
    }
    given = attempt(directory=tmp_path / "run", workspace=workspace, executor_input=told)
    assert mounts(given, (tmp_path / "artifacts",)) == (
        Mount(path=tmp_path / "artifacts", writable=False),
        Mount(path=own),
        Mount(path=outputs),
        Mount(path=work),
        Mount(path=workspace),
    )


def test_a_path_inside_a_writable_one_is_not_mounted_again(tmp_path: Path) -> None:
    places(tmp_path, "ws/run/work")
    given = attempt(directory=tmp_path / "ws" / "run", workspace=tmp_path / "ws")
    assert mounts(given, (tmp_path / "ws" / "artifacts",)) == (Mount(path=tmp_path / "ws"),)


@pytest.mark.parametrize("uri", ["/", "/usr", "gs://bucket/a", "", "relative", "/no/such/file", "file:///etc"])
def test_what_is_no_file_of_its_own_is_not_mounted(uri: str, tmp_path: Path) -> None:
    given = attempt(directory=tmp_path, executor_input={"inputs": {"artifacts": {"a": {"artifacts": [{"uri": uri}]}}}})
    assert mounts(given, ()) == ()


def test_an_artifact_s_own_path_is_what_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "own, path").touch()
    artifact = {"uri": "gs://bucket/a", "customPath": str(tmp_path / "own, path")}
    given = attempt(
        directory=tmp_path / "attempt", executor_input={"inputs": {"artifacts": {"a": {"artifacts": [artifact]}}}}
    )
    assert Mount(path=tmp_path / "own, path", writable=False) in mounts(given, ())


GPU = Resources(accelerator_type="nvidia.com/gpu", accelerator_count="2")
RADEON = Resources(accelerator_type="amd.com/gpu", accelerator_count="2")


@pytest.mark.parametrize(
    ("engine", "resources", "options"),
    [
        pytest.param(
            Engine.DOCKER, GPU, ('--gpus="device=1,3"', "--env=CUDA_VISIBLE_DEVICES=0,1"), id="docker-names-them-in-csv"
        ),
        pytest.param(
            Engine.PODMAN,
            GPU,
            ("--device=nvidia.com/gpu=1", "--device=nvidia.com/gpu=3", "--env=CUDA_VISIBLE_DEVICES=0,1"),
            id="podman-takes-one-by-one",
        ),
        pytest.param(
            Engine.PODMAN,
            RADEON,
            ("--device=/dev/kfd", "--device=/dev/dri", "--env=HIP_VISIBLE_DEVICES=1,3"),
            id="amd",
        ),
    ],
)
def test_accelerators(engine: Engine, resources: Resources, options: tuple[str, ...]) -> None:
    assert tuple(accelerators(attempt(resources=resources, devices=("1", "3")), engine)) == options


def test_what_the_author_says_of_accelerators_stays() -> None:
    given = attempt(env={"CUDA_VISIBLE_DEVICES": "0", "NVIDIA_VISIBLE_DEVICES": "all"})
    assert tuple(accelerators(given, Engine.DOCKER)) == ()


@pytest.mark.parametrize(
    ("uid", "rootless", "env", "options"),
    [
        pytest.param(0, False, {}, ("--user=0:0",), id="root"),
        pytest.param(1000, True, {}, ("--user=0:0",), id="root-inside-is-the-user-outside"),
        pytest.param(1000, False, {}, ("--user=1000:100", "--env=HOME={directory}/home"), id="user-with-a-home"),
        pytest.param(1000, False, {"HOME": "/h"}, ("--user=1000:100",), id="the-component-s-home"),
    ],
)
def test_user(uid: int, rootless: bool, env: dict[str, str], options: tuple[str, ...], tmp_path: Path) -> None:  # noqa: FBT001 - a column of the table
    given: Attempt = attempt(directory=tmp_path, env=env)
    expected = tuple(option.format(directory=tmp_path) for option in options)
    assert user_options(given, uid=uid, gid=100, rootless=rootless) == expected
    assert (tmp_path / "home").exists() == (len(options) == 2)
