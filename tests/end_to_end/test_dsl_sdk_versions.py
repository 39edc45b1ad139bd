"""Nested exit handlers as `postlude.dsl` has them compiled by several SDK releases: the same run from each.

`scripts/compile_with_sdks.py` writes the compiled pipelines; `scripts/nested_handlers_pipeline.py` is their source.
The installed release compiles the source itself.
"""

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from harness import Harness, Result
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "scripts" / "nested_handlers_pipeline.py"
RELEASES = ("2.0.1", "2.7.0", "2.13.0", "2.17.0")
OUTER = "exit-handler-1"
LOOP = f"{OUTER}/for-loop-3"
TOLD = {
    f"{LOOP}[0]/report-2": "COMPLETE exit-handler-4 0 nothing",
    f"{LOOP}[1]/report-2": "FAILED exit-handler-4 1 nothing",
    f"{LOOP}[2]/report-2": "COMPLETE exit-handler-4 2 nothing",
    f"{OUTER}/report-3": "COMPLETE exit-handler-5 7 inner",
    f"{OUTER}/condition-6/report-4": "COMPLETE exit-handler-7 -1 in a condition",
    f"{OUTER}/guarded/condition-1/report": "FAILED exit-handler-2 -1 nothing",
    "report": "FAILED exit-handler-1 -1 before: Failed",
    "for-loop-8[0]/report-5": "COMPLETE exit-handler-9 9 to a",
    "for-loop-8[1]/report-5": "COMPLETE exit-handler-9 9 to b",
}
SAID = {
    "say": "before",
    f"{OUTER}/say-2": "later",
    f"{OUTER}/condition-6/say-3": "COMPLETE exit-handler-7 -1 in a condition",
    "for-loop-8[0]/exit-handler-9/say-4": "a of 9",
    "for-loop-8[1]/exit-handler-9/say-4": "b of 9",
}


def compiled(release: str, directory: Path) -> Path:
    """The IR that a release made; that of the installed one is made now."""
    if release != "installed":
        return ROOT / "tests" / "data" / "nested" / f"{release}.yaml"
    target = directory / "nested.yaml"
    subprocess.run([sys.executable, "-W", "ignore", SOURCE, target], check=True, timeout=120)
    return target


@pytest.fixture(params=[*RELEASES, "installed"])
def ir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return compiled(request.param, tmp_path)


def said(result: Result, wanted: dict[str, str]) -> dict[str, Any]:
    return {path: result.told(path) for path in wanted}


def test_every_release_gives_the_same_run(harness: Harness, ir: Path) -> None:
    result = harness.run(ir)
    assert said(result, TOLD) == TOLD
    assert said(result, SAID) == SAID
    failed = [f"{LOOP}[1]/exit-handler-4/fail-if", f"{OUTER}/guarded/condition-1/exit-handler-2/fail-if"]
    leaves = {path: state for path, state in result.states.items() if result.run.tasks[path].kind == "task"}
    assert sorted(path for path, state in leaves.items() if state != "SUCCEEDED") == failed
    assert result.started(f"{OUTER}/say-2") >= result.finished(f"{OUTER}/report-3")
    assert (result.state, result.code) == ("FAILED", 2)


def test_the_ir_is_of_kfps_own_schema(ir: Path) -> None:
    document = yaml.safe_load(ir.read_text())
    message = json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
    assert json_format.MessageToDict(message) == document


def test_the_sdk_loads_the_ir_as_a_component(ir: Path) -> None:
    component = components.load_component_from_text(ir.read_text())
    assert (component.name, sorted(component.component_spec.inputs)) == ("nested", ["bad", "n", "names"])


def test_the_ir_recorded_of_the_installed_release_is_that_of_this_source(tmp_path: Path) -> None:
    recorded = ROOT / "tests" / "data" / "nested" / f"{importlib.metadata.version('kfp')}.yaml"
    if not recorded.exists():
        pytest.fail(f"{recorded.stem} is not among {', '.join(RELEASES)}: add it to scripts/compile_with_sdks.py")
    assert compiled("installed", tmp_path).read_bytes() == recorded.read_bytes()
