"""An executor over real engines, and the attempts that the tests run in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from container_image import IMAGE
from postlude.core.task import TaskPath
from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt


@pytest.fixture
def executor(container_engine: str, tmp_path: Path) -> Iterator[ContainerExecutor]:
    """An executor over the engine."""
    (tmp_path / "artifacts").mkdir()
    executor = ContainerExecutor(container_engine, roots=(tmp_path / "artifacts",), grace_s=0.2, pull_grace_s=0.0)
    yield executor
    executor.close()


@pytest.fixture
def run_id() -> str:
    """Of this test alone, also where several processes test at once."""
    return str(uuid4())


@pytest.fixture
def attempt_of(run_id: str, tmp_path: Path) -> Callable[..., Attempt]:
    """Builds attempts that run a shell script, unless other words are given."""

    def build(script: str = "true", **words: object) -> Attempt:
        directory = tmp_path / "attempt"
        (directory / "work").mkdir(parents=True, exist_ok=True)
        given = {
            "run_id": run_id,
            "path": TaskPath("exit-handler-1/train"),
            "attempt": 1,
            "image": IMAGE,
            "argv": ("sh", "-c", script),
            "executor_input": {},
            "directory": directory,
            "env": {"READY": str(directory / "work" / "ready")},
            "log": directory / "log",
        }
        return Attempt(**(given | words))  # type: ignore[arg-type]  # a test names what it changes

    return build
