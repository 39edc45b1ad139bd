"""The surface of the conformance tests: real pipelines, compiled by the SDK, run by the engine in real processes."""

from pathlib import Path

import pytest
from harness import Harness


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """Runs pipelines in a home of the test's own."""
    return Harness(home=tmp_path / "home")
