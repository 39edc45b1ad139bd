"""One pipeline as ten SDK releases compile it: the same states, outputs and final status from each.

`scripts/compile_with_sdks.py` writes the compiled pipelines; `scripts/sdk_matrix_pipeline.py` is their source.
"""

from pathlib import Path
from typing import Any

import pytest
from harness import Harness, Result

COMPILED = sorted((Path(__file__).parent.parent / "data" / "sdk").glob("*.yaml"))
BEFORE_BRANCHES = ("2.0.1",)
"""Releases without If, Elif, Else and OneOf."""

GUARDED = "exit-handler-1"
OUTPUTS: dict[str, Any] = {
    f"{GUARDED}/count-to": [1, 2, 3],
    f"{GUARDED}/for-loop-2[0]/double": 2,
    f"{GUARDED}/for-loop-2[1]/double": 4,
    f"{GUARDED}/for-loop-2[2]/double": 6,
    f"{GUARDED}/add-up": 12,
    f"{GUARDED}/for-loop-4[0]/label": "ann is 7",
    f"{GUARDED}/for-loop-4[1]/label": "bob is 8",
    f"{GUARDED}/choose": "tails",
    f"{GUARDED}/read": "imported",
    f"{GUARDED}/read-2": "kept",
    f"{GUARDED}/greet": "Dr. you",
    f"{GUARDED}/shout": "hello!",
    "add-up-2": 6,
    "greet-2": "dear outside",
    "report": f"FAILED 2 {GUARDED}: {GUARDED}/breaks: ValueError: on purpose (after 3 attempts)",
}
CONDITIONS = {f"{GUARDED}/condition-6/take-2": "second"}
BRANCHES = {f"{GUARDED}/condition-branches-5/condition-7/take-2": "second", f"{GUARDED}/relay": "SECOND"}
SKIPPED_CONDITIONS = {f"{GUARDED}/condition-5/take"}
SKIPPED_BRANCHES = {
    f"{GUARDED}/condition-branches-5/condition-6/take",
    f"{GUARDED}/condition-branches-5/condition-8/take-3",
}
UNCACHED = {"report", f"{GUARDED}/choose", f"{GUARDED}/breaks"}
"""The exit task (R9), the task whose caching is off, and the one that fails."""


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    path = tmp_path / "imported.txt"
    path.write_text("imported")
    return path


def run(harness: Harness, compiled: Path, imported: Path) -> Result:
    return harness.run(compiled, {"path": str(imported)}, containers="host")


def leaves(result: Result, *states: str) -> set[str]:
    """The tasks in one of these states."""
    tasks = result.run.tasks.items()
    return {path for path, task in tasks if task.kind in ("task", "importer") and task.state in states}


def made(result: Result) -> dict[str, Any]:
    """The one output parameter of each task that has one."""
    found = {path: task.outputs for path, task in result.run.tasks.items() if task.kind == "task"}
    artifacts = ("data",)
    return {path: value for path, given in found.items() for name, value in given.items() if name not in artifacts}


@pytest.mark.parametrize("compiled", COMPILED, ids=lambda path: path.stem)
def test_every_release_gives_the_same_run(harness: Harness, compiled: Path, imported: Path) -> None:
    has_branches = compiled.stem not in BEFORE_BRANCHES
    result = run(harness, compiled, imported)
    again = run(harness, compiled, imported)
    assert made(result) == OUTPUTS | (BRANCHES if has_branches else CONDITIONS)
    assert leaves(result, "SKIPPED") == (SKIPPED_BRANCHES if has_branches else SKIPPED_CONDITIONS)
    assert leaves(result, "FAILED", "UPSTREAM_FAILED", "CANCELED") == {f"{GUARDED}/breaks"}
    assert (result.state, result.code, result.run.outputs) == ("FAILED", 2, {"Output": 6})
    assert result.message == f"{GUARDED}/breaks: ValueError: on purpose (after 3 attempts)"
    assert result.run.tasks[f"{GUARDED}/breaks"].attempts == 3
    assert made(again) == made(result)
    assert {path for path in leaves(again, "SUCCEEDED", "FAILED") if not again.run.tasks[path].cached} == UNCACHED


def test_the_releases_of_the_matrix_are_all_there() -> None:
    assert [path.stem for path in COMPILED if path.stem.split(".")[1] in ("0", "17")] == ["2.0.1", "2.17.0"]
    assert len(COMPILED) == 10
