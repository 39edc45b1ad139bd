"""End-to-end tests run pipelines through the harness of the conformance tests."""

import sys
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).parent.parent / "conformance"
sys.path.insert(0, str(CONFORMANCE))

from harness import Harness  # noqa: E402 - found through the path above


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """Runs pipelines in a home of the test's own."""
    return Harness(home=tmp_path / "home")
