"""Images where nothing may be pulled."""

from collections.abc import Callable
from pathlib import Path

import pytest
from container_lab import attempt, put_on_path

from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt, Ending, Exit


def test_an_image_that_is_not_here_is_not_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    put_on_path("docker", f'echo "$1" >> {asked}; exit 1', tmp_path, monkeypatch)
    executor = ContainerExecutor("docker", pull=False)
    ended = executor.run(attempt(image="registry.example/train:1", directory=tmp_path, log=tmp_path / "log.txt"))
    executor.close()
    assert ended == Exit(
        ending=Ending.NOT_STARTED,
        message="image 'registry.example/train:1' is not on this machine, and --offline forbids to pull it. "
        "Get it with `docker pull registry.example/train:1`",
    )
    assert "pull" not in asked.read_text().split()


def test_an_image_that_is_here_runs(container_engine: str, attempt_of: Callable[..., Attempt]) -> None:
    executor = ContainerExecutor(container_engine, pull=False)
    ended = executor.run(attempt_of("exit 0"))
    executor.close()
    assert (ended.ending, ended.code) == (Ending.EXITED, 0)
