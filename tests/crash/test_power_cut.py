"""A power cut takes the newest steps that were not flushed; what tasks left on the disk must not be taken for news."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from postlude.runtime.checkpoint import VARIABLE

FORGETFUL = Path(__file__).with_name("forgetful.py")


def postlude(*arguments: object, kill_at: str = "nowhere") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "postlude", *map(str, arguments)],
        env={**os.environ, VARIABLE: kill_at},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )


def test_outputs_of_an_attempt_whose_record_is_lost_are_not_taken(tmp_path: Path) -> None:
    home, mark, source = tmp_path / "home", tmp_path / "mark", tmp_path / "pipeline.yaml"
    subprocess.run([sys.executable, "-W", "ignore", FORGETFUL, source], check=True)
    common = ["--home", home, "--containers", "host", "--json"]
    begun = postlude("run", source, "-p", f"mark={mark}", *common, kill_at="performed:1")
    before = _database(home, tmp_path / "before")
    went_on = postlude("resume", *common, kill_at="exited:1")
    assert (begun.returncode, went_on.returncode, mark.exists()) == (-signal.SIGKILL, -signal.SIGKILL, True)

    _restore(home, before)
    (run,) = json.loads(postlude("resume", *common).stdout)

    (task,) = run["tasks"]
    assert (task["state"], task["attempts"], task["error"]["code"]) == ("FAILED", 1, 5)
    assert "'out' was not written" in task["error"]["message"]


def _database(home: Path, target: Path) -> Path:
    """A copy of the database's files as they are."""
    target.mkdir()
    for file in home.glob("postlude.db*"):
        shutil.copy2(file, target)
    return target


def _restore(home: Path, copy: Path) -> None:
    for file in home.glob("postlude.db*"):
        file.unlink()
    for file in copy.iterdir():
        shutil.copy2(file, home)
