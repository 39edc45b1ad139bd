"""Prints rows of text: in colour and cut to the width on a terminal, plain and whole elsewhere."""

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from types import TracebackType
from typing import Final, Protocol, Self

import click

from postlude.cli.lines import LinesView, SilentView
from postlude.cli.rows import Row, plain
from postlude.core.run_state import Run
from postlude.core.task import Task
from postlude.spec.types import Json

# It imports rich, which costs 50 ms that piped output need not pay.
_LIVE: Final = "postlude.cli.live"


class View(Protocol):
    """Shows a run while it goes on."""

    def watch(self, run: Run, changed: Sequence[Task]) -> None:
        """Take note of what a step of the run changed."""
        ...

    def note(self, path: str, doing: str) -> None:
        """Take note of what is got ready for a task, "" once it is; called from other threads."""
        ...

    def say(self, text: str) -> None:
        """Tell the operator something; safe to call from a signal handler."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def is_terminal() -> bool:
    """Whether standard output is a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def view(title: str, *, silent: bool, before: Json | None = None) -> View:
    """The view that suits standard output: nothing, a live tree on a terminal, one line an event elsewhere.

    Args:
        title: What the run is called.
        silent: Whether nothing is to be shown.
        before: The document of a run that is gone on with, where there is one.
    """
    if silent:
        return SilentView()
    if not is_terminal():
        return LinesView()
    live: View = import_module(_LIVE).LiveView(title, before=before)
    return live


def print_rows(rows: Iterable[Row], *, wrap: bool = False) -> None:
    """Print rows to standard output.

    Args:
        rows: What to print, a line each.
        wrap: Whether a long row continues on the next line of a terminal; else it is cut.
    """
    if is_terminal():
        import_module(_LIVE).print_rows(rows, wrap=wrap)
        return
    for row in rows:
        click.echo(plain(row))
