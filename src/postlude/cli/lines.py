"""A run as one line an event, for output that is piped."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from postlude.cli.words import duration, first_line, wall_time
from postlude.core.run_state import Run
from postlude.core.task import ROOT, State, Task


class LinesView:
    """Prints when a task starts an attempt and when a task or group ends."""

    def __init__(self) -> None:
        self._printed: dict[str, str] = {}

    def watch(self, run: Run, changed: Sequence[Task]) -> None:  # noqa: ARG002 - a watcher's signature
        """Print what a step changed."""
        for task in changed:
            said = f"{task.state.value} {task.attempt}"
            if self._printed.get(task.path) != said and (line := _line(task)):
                self._printed[task.path] = said
                _print(line)

    def say(self, text: str) -> None:
        """Tell the operator something, on standard error."""
        click.echo(text, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return


class SilentView(LinesView):
    """Prints nothing on standard output."""

    def watch(self, run: Run, changed: Sequence[Task]) -> None:
        """Print nothing."""


def _line(task: Task) -> str:
    if task.path == ROOT:
        return ""
    if task.state.is_final:
        return f"{wall_time(task.finished_at or time.time())} {task.path} {task.state.value}{_details(task)}"
    if task.state is State.RUNNING and task.kind.is_leaf and not task.terminating:
        attempt = f" attempt {task.attempt}" if task.attempt > 1 else ""
        return f"{wall_time(task.started_at or time.time())} {task.path} {task.state.value}{attempt}"
    return ""


def _details(task: Task) -> str:
    ran = task.started_at is not None and task.finished_at is not None
    took = [duration((task.finished_at or 0) - (task.started_at or 0))] if ran else []
    cached = ["cached"] if task.cached else []
    message = [first_line(task.error.message)] if task.error and task.kind.is_leaf else []
    return "".join(f" {part}" for part in (*took, *cached, *message))


def _print(line: str) -> None:
    try:
        click.echo(line)
    except BrokenPipeError:
        # The reader has seen enough; the run goes on, and so does everything that is still to be printed.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
