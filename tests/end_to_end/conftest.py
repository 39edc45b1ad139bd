"""End-to-end tests run pipelines through the harness of the conformance tests."""

import sys
from pathlib import Path

import pytest
from kfp import compiler
from reliability_lab import Lab, nightly

CONFORMANCE = Path(__file__).parent.parent / "conformance"
sys.path.insert(0, str(CONFORMANCE))

from harness import Harness  # noqa: E402 - found through the path above


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """Runs pipelines in a home of the test's own."""
    return Harness(home=tmp_path / "home")


@pytest.fixture(scope="session")
def nightly_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline of `reliability_lab`, compiled."""
    target = tmp_path_factory.mktemp("ir") / "nightly.yaml"
    compiler.Compiler().compile(nightly, str(target))
    return target


@pytest.fixture
def lab(tmp_path: Path, nightly_yaml: Path) -> Lab:
    """The command line on a home of the test's own."""
    return Lab(home=tmp_path / "home", pipeline=nightly_yaml)
