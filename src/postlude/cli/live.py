"""The live view of a run on a terminal, and colour."""

from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from postlude.cli.rows import Row, rows
from postlude.cli.tree import Tree, facts_of, tree_of
from postlude.cli.visible import visible_row
from postlude.core.run_state import Run
from postlude.core.task import Task
from postlude.spec.types import Json

REFRESHES_PER_SECOND: Final = 8
_SPARE_ROWS: Final = 2


class LiveView:
    """Draws the run while it goes on. The engine only hands over what changed; a thread of the view draws it."""

    def __init__(self, title: str, console: Console | None = None, *, before: Json | None = None) -> None:
        """A view of the run of the pipeline called `title`, which stood like `before` when it was gone on with."""
        self._console = console or Console()
        self._tree = Tree(title) if before is None else tree_of(before)
        self._changes: deque[tuple[Run, Sequence[Task]]] = deque()
        self._notes: deque[tuple[str, str]] = deque()
        self._said: list[str] = []
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def watch(self, run: Run, changed: Sequence[Task]) -> None:
        """Take note of what a step changed."""
        self._changes.append((run, changed))

    def note(self, path: str, doing: str) -> None:
        """Take note of what is got ready for a task."""
        self._notes.append((path, doing))

    def say(self, text: str) -> None:
        """Show a line below the tree."""
        self._said.append(text)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()
        for text in self._said:
            self._console.print(Text(text, style="yellow"))

    def _draw(self) -> Text:
        while self._changes:
            run, changed = self._changes.popleft()
            for task in changed:
                self._tree.update(facts_of(task, run))
        while self._notes:
            self._tree.note(*self._notes.popleft())
        height = max(self._console.height - _SPARE_ROWS - len(self._said), 3)
        said: list[Row] = [((text, "yellow"),) for text in self._said]
        return _joined([*rows(self._tree, limit=height), *said])


def print_rows(all_rows: Iterable[Row], *, wrap: bool) -> None:
    """Print rows in colour (unless NO_COLOR is set), each cut to the terminal's width or continued on the next line."""
    console = Console(highlight=False)
    for row in all_rows:
        if wrap:
            _print_wrapped(console, row)
        else:
            console.print(_text(row), no_wrap=True, overflow="ellipsis")


def _print_wrapped(console: Console, row: Row) -> None:
    """Continue a long text below its beginning; a path, which has no spaces, stays one piece for the clipboard."""
    label, rest = row[0], _text(row[1:])
    if " " not in rest.plain:
        console.print(_text(row), soft_wrap=True)
        return
    for position, line in enumerate(rest.wrap(console, max(console.width - len(label[0]), 20))):
        console.print(_text((label if position == 0 else (" " * len(label[0]), ""),)) + line, soft_wrap=True)


def _joined(all_rows: Sequence[Row]) -> Text:
    text = Text("\n", no_wrap=True, overflow="ellipsis").join(_text(row) for row in all_rows)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _text(row: Row) -> Text:
    return Text.assemble(*((visible_row(piece), style) for piece, style in row))
