"""A run as one line an event, for output that is piped."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from postlude.cli.visible import visible_row
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

    def note(self, path: str, doing: str) -> None:
        """Print what is got ready for a task."""
        if doing:
            _print(f"{wall_time(time.time())} {path} {doing}")

    def say(self, text: str) -> None:
        """Tell the operator something, on standard error."""
        _tell(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return


class SilentView(LinesView):
    """Prints nothing on standard output."""

    def watch(self, run: Run, changed: Sequence[Task]) -> None:
        """Print nothing."""

    def note(self, path: str, doing: str) -> None:
        """Print nothing."""


def _line(task: Task) -> str:
    if task.path == ROOT:
        return ""
    if task.state.is_final:
        return f"{wall_time(task.finished_at or time.time())} {task.path} {task.state.value}{_details(task)}"
    if task.state is State.RUNNING and task.kind.is_leaf and task.stopping is None:
        attempt = f" attempt {task.attempt}" if task.attempt > 1 else ""
        return f"{wall_time(_attempt_began(task))} {task.path} {task.state.value}{attempt}"
    return ""


def _attempt_began(task: Task) -> float:
    """When this attempt began; `started_at` is the first one's."""
    return task.started_at if task.attempt == 1 and task.started_at else time.time()


def _details(task: Task) -> str:
    ran = task.started_at is not None and task.finished_at is not None
    took = [duration((task.finished_at or 0) - (task.started_at or 0))] if ran else []
    cached = ["cached"] if task.cached else []
    message = [first_line(task.error.message)] if task.error and task.kind.is_leaf else []
    return "".join(f" {part}" for part in (*took, *cached, *message))


def _print(line: str) -> None:
    try:
        click.echo(visible_row(line))
    except OSError as error:
        # The reader has seen enough, the terminal is closed or the disk is full: what is printed must not decide how
        # the run goes. It goes on, and so does everything that is still to be printed.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _tell(f"standard output cannot be written: {error.strerror}.")


def _tell(text: str) -> None:
    """Say something on standard error, if anybody is there: the run must come to its end."""
    with suppress(OSError):
        click.echo(text, err=True)
