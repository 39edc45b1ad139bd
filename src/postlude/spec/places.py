"""Where in a document: paths as errors show them, and the collection of faults found along them."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

import msgspec

from postlude.spec.problem import Problem
from postlude.spec.types import Component, Pipeline

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_FEW: Final = 5
_MANY: Final = 1000  # comparing with more takes longer than anybody waits, and every problem of a document does it


def member(where: str, key: str | int) -> str:
    """The path of one member of the object or list at `where`: "$.a", "$[0]", '$["a b"]'."""
    if isinstance(key, int):
        return f"{where}[{key}]"
    if _PLAIN.fullmatch(key):
        return f"{where}.{key}"
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{where}["{quoted}"]'


def below(where: str, *keys: str | int) -> str:
    """The path reached from `where` by following the keys."""
    for key in keys:
        where = member(where, key)
    return where


class Place(msgspec.Struct, frozen=True, gc=False):
    """A place in a document; its path is only spelled out for a fault.

    Attributes:
        problems: Where faults are recorded.
        parent: What it is a member of; None for the document, whose key is its path.
    """

    problems: list[Problem]
    parent: "Place | None" = None
    key: str | int = "$"

    def __truediv__(self, key: str | int) -> "Place":
        """The place of one member."""
        return Place(self.problems, self, key)

    def __str__(self) -> str:
        """The place as errors show it."""
        return str(self.key) if self.parent is None else member(str(self.parent), self.key)

    def fault(self, what: str) -> None:
        """Record a fault of this place."""
        self.problems.append(Problem(where=str(self), what=what))


def advice(name: str, known: Iterable[str]) -> str:
    """What to use instead of an unknown name: the closest known one, or the known ones where they are few."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1) if len(names) <= _MANY else []
    if close:
        return f"Use '{close[0]}'."
    if not names:
        return "There is none to name."
    shown = ", ".join(f"'{each}'" for each in names[:_FEW])
    return f"There is {shown}." if len(names) <= _FEW else f"There is {shown} and {len(names) - _FEW} more."


def components(pipeline: Pipeline) -> Iterator[tuple[Place, Component]]:
    """Every component with its place, the root first."""
    yield Place([], key="$.root"), pipeline.root
    at = Place([], key="$.components")
    for name, component in pipeline.components.items():
        yield at / name, component
