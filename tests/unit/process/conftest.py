from collections.abc import Iterator
from pathlib import Path

import pytest
from process_lab import Lab

from postlude.executors.process.executor import ProcessExecutor


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("process")
    executor = ProcessExecutor(home=home / "home")
    yield Lab(executor, home)
    executor.close()


@pytest.fixture(scope="session")
def pipelines() -> Path:
    found = Path(__file__).parents[3].parent / "shared" / "kfp" / "pipelines"
    if not found.is_dir():
        pytest.skip(f"the real pipelines are not beside the repository: {found}")
    return found
