"""Drives runs from the command line: a view while they run, signals that cancel them, the verdict, the exit code."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from postlude.cli.main import INTERRUPTED
from postlude.cli.signals import cancel_on_signals
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.wiring import RunOptions, starting_engine

if TYPE_CHECKING:
    from postlude.cli.screen import View
    from postlude.engines.local.engine import LocalEngine
    from postlude.ports.executor import Attempt
    from postlude.runtime.runner import Watcher

EXIT_CODES: Final = {"SUCCEEDED": 0, "FAILED": 1, "CANCELED": INTERRUPTED}
_WORST_FIRST: Final = (2, 1, INTERRUPTED, 0)
_TREE_ROWS_MAX: Final = 100

Act = Callable[["LocalEngine", "Watcher"], Json]
"""What the engine is to do; gives the document of the run that it drove to its end."""


class Audience:
    """Passes on what attempts wait for to the view of the run that is driven; a `Progress`."""

    def __init__(self) -> None:
        self._view: View | None = None

    def __call__(self, attempt: "Attempt", doing: str) -> None:
        """Tell the view, if there is one."""
        if self._view is not None:
            self._view.note(attempt.path, doing)

    @contextmanager
    def watching(self, shown: "View") -> Iterator[None]:
        """Tell this view until the end of the block."""
        self._view = shown
        try:
            yield
        finally:
            self._view = None


class Driver:
    """An engine, and the operator who watches it and may end what it does.

    Attributes:
        interrupted: Whether the operator asked for the end of a run.
    """

    def __init__(self, start: Callable[[], "LocalEngine"], audience: Audience, *, silent: bool) -> None:
        self._start, self._audience, self._silent = start, audience, silent
        self._started: LocalEngine | None = None
        self.interrupted = False

    def drive(self, title: str, act: Act, *, before: Json | None = None) -> Json:
        """Do it under the operator's eyes.

        Args:
            title: What the run is called in the view.
            act: What to do.
            before: The document of a run that is gone on with.

        Raises:
            ConfigError: The home or the database cannot be used.
        """
        from postlude.cli.screen import view  # noqa: PLC0415 - the engine's executor starts first, and loads meanwhile

        engine = self._engine()
        shown = view(title, silent=self._silent, before=before)
        with shown, self._audience.watching(shown), cancel_on_signals(self._cancel, shown.say):
            return act(engine, shown.watch)

    def _engine(self) -> "LocalEngine":
        if self._started is None:
            self._started = self._start()
            gc.freeze()  # what is imported stays to the end: a collection need not look at it
        return self._started

    def _cancel(self, *, force: bool = False) -> None:
        self.interrupted = True
        self._engine().cancel(force=force)


@contextmanager
def driver(options: RunOptions, *, silent: bool) -> Iterator[Driver]:
    """An engine to drive runs with; `silent` shows nothing of them on standard output.

    It gets ready at once, and makes nothing in the home that stays until there is something to drive.

    Raises:
        ConfigError: The home or the container engine cannot be used.
    """
    audience = Audience()
    with starting_engine(options, progress=audience) as start:
        yield Driver(start, audience, silent=silent)


def report(document: Json) -> None:
    """Print the verdict on a run; on a terminal, its tree before that."""
    from postlude.cli.screen import is_terminal, print_rows  # noqa: PLC0415 - as above
    from postlude.cli.verdict import verdict  # noqa: PLC0415 - as above

    if is_terminal():
        from postlude.cli.rows import rows  # noqa: PLC0415 - only a terminal shows the tree
        from postlude.cli.tree import tree_of  # noqa: PLC0415 - as above

        print_rows(rows(tree_of(document), limit=_TREE_ROWS_MAX))
        click.echo()
    print_rows(verdict(document), wrap=True)


def finish(document: Json, *, as_json: bool) -> None:
    """Print what became of the one run that a command drove, and end the command with the exit code that says it."""
    with _told(document):
        if as_json:
            from postlude.cli.document import print_document  # noqa: PLC0415 - as above

            print_document(document)
        else:
            report(document)
        sys.stdout.flush()
    raise click.exceptions.Exit(EXIT_CODES[document["state"]])


@contextmanager
def _told(document: Json) -> Iterator[None]:
    """Where the verdict cannot be printed, say at least what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        from postlude.stores.run_lookup import SHORT_ID  # noqa: PLC0415 - as above

        run, ended = document["run_id"][:SHORT_ID], document["state"]
        what = f"standard output cannot be written: {error.strerror}. The run ended {ended}"
        raise ConfigError(f"{what}; `postlude show {run}` shows it.") from error


def worst(codes: Iterable[int]) -> int:
    """The exit code that says the most of these: refused, FAILED, CANCELED, SUCCEEDED."""
    return min(codes, key=_WORST_FIRST.index, default=0)
