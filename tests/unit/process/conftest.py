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


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose supervisor may be harmed."""
    executor = ProcessExecutor(home=tmp_path / "home")
    yield Lab(executor, tmp_path)
    executor.close()


@pytest.fixture(scope="session")
def pipelines() -> Path:
    found = Path(__file__).parents[3].parent / "shared" / "kfp" / "pipelines"
    if not found.is_dir():
        pytest.skip(f"the real pipelines are not beside the repository: {found}")
    return found
