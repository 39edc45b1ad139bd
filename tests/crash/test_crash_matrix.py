"""Kills a real engine at every crash point and at random moments; each run ends as if nobody had been killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "crash_matrix.py"
PARTS = 4
KILLS = 400
"""Of all parts together, at least."""

MAY_BE_ELSEWHERE = {"begun", "cached", "finished"}
"""Points that a run comes to once: one part has them, the others do not."""


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_survives_whatever_kills_its_engine(tmp_path: Path, part: int) -> None:
    figures = tmp_path / "figures.json"
    options = ["--jobs", "1", "--kills", str(KILLS), "--shard", f"{part}/{PARTS}", "--json", str(figures)]
    done = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False, timeout=500)

    assert figures.exists(), done.stderr
    report = json.loads(figures.read_text())
    assert report["faults"] == []
    assert report["survived"] == report["kills"]
    assert {*report["undisturbed"], "random moment"} - MAY_BE_ELSEWHERE <= {*report["kills"]}
    assert sum(report["kills"].values()) >= KILLS / PARTS
