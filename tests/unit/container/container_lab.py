"""What the container tests share beside fixtures."""

import os
from pathlib import Path

import pytest

from postlude.core.task import TaskPath
from postlude.ports.executor import Attempt


def put_on_path(program: str, script: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a shell script the first program of that name."""
    programs = directory / "programs"
    programs.mkdir(exist_ok=True)
    (programs / program).write_text(f"#!/bin/sh\n{script}\n")
    (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


def log_lines(attempt: Attempt) -> list[str]:
    """The log's entries without their times."""
    return [line.split(" ", 1)[1] for line in attempt.log.read_text().splitlines()]


def attempt(**words: object) -> Attempt:
    """An attempt as a value, for what never runs it."""
    given: dict[str, object] = {
        "run_id": "run-1",
        "path": TaskPath("loop[2]/train"),
        "attempt": 3,
        "image": "img",
        "argv": ("sh", "-c", "true"),
        "executor_input": {},
        "directory": Path("/a"),
        "log": Path("/a/log"),
    }
    return Attempt(**(given | words))  # type: ignore[arg-type]  # a test names what it changes
