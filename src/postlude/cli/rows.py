"""A run's tree as rows of text: what both the live view and `show` draw."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from postlude.cli.tree import Node, Tree, ordered
from postlude.cli.visible import visible_row
from postlude.cli.words import COUNTED, LOOKS, duration, first_line
from postlude.core.task import Kind, State

Row = tuple[tuple[str, str], ...]
"""Pieces of one line of text, each with its style."""

_NAME_COLUMN_MAX: Final = 48
_OF_A_KIND: Final = 8
_NEVER_ENTERED: Final = (State.SKIPPED, State.UPSTREAM_FAILED)


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    prefix: str
    node: Node


class _More(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for children that are not shown one by one."""

    prefix: str
    text: str


def rows(tree: Tree, *, limit: int | None = None, now: float | None = None) -> list[Row]:
    """The tree as rows, root first.

    Loops show their failed iterations only. A tree of more than `limit` nodes is folded: of a group's tasks those that
    failed or run are shown, a few of each, and the rest is counted.

    Args:
        tree: The run as it stands.
        limit: The most rows to return; None for no limit.
        now: Seconds since the epoch, for what still runs; None for the time it is.
    """
    folded = limit is not None and len(tree) > limit
    lines = [_Line(prefix="", node=tree.root), *_below(tree.root, "", folded=folded)]
    column = min(_NAME_COLUMN_MAX, max((_width(line) for line in lines), default=0))
    at = time.time() if now is None else now
    return _cropped([_row(line, column, at) for line in lines], limit)


def plain(row: Row) -> str:
    """A row's text without its styles."""
    return visible_row("".join(text for text, _ in row)).rstrip()


def _cropped(all_rows: list[Row], limit: int | None) -> list[Row]:
    if limit is None or len(all_rows) <= limit:
        return all_rows
    left_out = len(all_rows) - max(limit - 1, 0)
    return [*all_rows[: max(limit - 1, 0)], ((f"… {left_out} more rows", "dim"),)]


# --- which nodes ------------------------------------------------------------------------------------------------------


def _below(node: Node, prefix: str, *, folded: bool) -> Iterator[_Line | _More]:
    shown, rest = _selected(node, folded=folded)
    for position, child in enumerate(shown):
        last = position == len(shown) - 1 and not rest
        yield _Line(prefix=prefix + ("└─ " if last else "├─ "), node=child)
        yield from _below(child, prefix + ("   " if last else "│  "), folded=folded)
    if rest:
        yield _More(prefix=f"{prefix}└─ ", text=rest)


def _selected(node: Node, *, folded: bool) -> tuple[Sequence[Node], str]:
    if node.facts.state in _NEVER_ENTERED:
        return (), ""
    if node.facts.kind is Kind.LOOP:
        return _some(node.bad.values()), _left_out(len(node.bad), "failed")
    if not folded:
        return list(ordered(node)), ""
    shown = [*_some(node.bad.values()), *_some(node.running.values())]
    return shown, _rest(node, shown)


def _some(nodes: Iterable[Node]) -> list[Node]:
    return [node for node, _ in zip(nodes, range(_OF_A_KIND), strict=False)]


def _left_out(count: int, word: str) -> str:
    return f"… {count - _OF_A_KIND} more {word}" if count > _OF_A_KIND else ""


def _rest(node: Node, shown: Sequence[Node]) -> str:
    counts = node.counts.copy()
    counts.subtract(child.facts.state for child in shown)
    said = [f"{counts[state]} {word}" for state, word in COUNTED.items() if counts[state] > 0]
    return f"… {', '.join(said)}" if said else ""


# --- how a node looks -------------------------------------------------------------------------------------------------


def _width(line: _Line | _More) -> int:
    return len(line.prefix) + len(line.node.name) + 2 if isinstance(line, _Line) else 0


def _row(line: _Line | _More, column: int, now: float) -> Row:
    if isinstance(line, _More):
        return ((line.prefix, "dim"), (line.text, "dim"))
    look = LOOKS[line.node.facts.state]
    name = line.node.name.ljust(column - len(line.prefix) - 2)
    named = "bold" if not line.prefix else look.style if look.style == "dim" else ""
    return ((line.prefix, "dim"), (f"{look.symbol} ", look.style), (name, named), *_details(line.node, now))


def _details(node: Node, now: float) -> Iterator[tuple[str, str]]:
    facts, look = node.facts, LOOKS[node.facts.state]
    if facts.started_at is not None and facts.state not in _NEVER_ENTERED:
        ended = now if facts.finished_at is None else facts.finished_at
        yield f"  {duration(ended - facts.started_at)}", "dim"
    if node.doing and facts.state is State.RUNNING:
        yield f"  {node.doing}", "cyan"
    if facts.kind is Kind.LOOP:
        yield f"  {_loop_counts(node)}", "red" if node.bad else ""
    if facts.attempts > 1:
        yield f"  {facts.attempts} attempts", "yellow"
    if facts.cached:
        yield "  cached", "blue"
    if facts.exit_of:
        yield f"  exit task of {facts.exit_of.rpartition('/')[2]}", "dim"
    if reason := _reason(node):
        yield f"  {reason}", look.style


def _reason(node: Node) -> str:
    """What went wrong, where the rows below do not say it."""
    if node.bad and node.facts.state not in _NEVER_ENTERED:
        return ""
    word = LOOKS[node.facts.state].word
    return word if node.facts.state is State.CANCELED else first_line(node.facts.message) or word


def _loop_counts(node: Node) -> str:
    counts, total = node.counts, sum(node.counts.values())
    others = [
        f"{counts[state]} {word}" for state, word in COUNTED.items() if counts[state] and state is not State.SUCCEEDED
    ]
    return ", ".join([f"{counts[State.SUCCEEDED]}/{total} ok", *others])
