"""Where the tasks of a pipeline stand: their paths before anything has run, with "[*]" for the iterations of a loop."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

import msgspec

from postlude.spec.types import Component, Dag, Importer, Pipeline

ANY: Final = "[*]"
_INDEX: Final = re.compile(r"\[\d+\]")
_NAMED: Final = 8


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A task or group of a pipeline.

    Attributes:
        path: As in a run, each iteration as "[*]": "exit-handler-1/for-loop-2[*]/train".
        leaf: Whether it runs by itself; else it is made of other places.
        importer: Whether it is a leaf that registers an artifact and runs no program.
    """

    path: str
    component: Component
    leaf: bool
    importer: bool = False


def places(pipeline: Pipeline) -> Mapping[str, Place]:
    """Every task and group of a pipeline by path, in the IR's order; the root is left out."""
    return {place.path: place for place in _below(pipeline, "", pipeline.root.dag or Dag())}


def pattern_of(path: str) -> str:
    """The path of a run's task as it stands in the pipeline: "loop[3]/train" is "loop[*]/train"."""
    return _INDEX.sub(ANY, path)


def covers(pattern: str, path: str) -> bool:
    """Whether a path that may hold "[*]" means the task of a run at `path`."""
    return pattern == path or (ANY in pattern and _compiled(pattern).fullmatch(path) is not None)


def refusal(known: Mapping[str, Place], path: str) -> str:
    """Why `path` names no leaf of these places, and what to write instead; "" where it names one."""
    place = known.get(pattern_of(path))
    if place is not None:
        return "" if place.leaf else f"is a group. Name a leaf: {_leaves_in(known, place.path)}."
    leaves = [each.path for each in known.values() if each.leaf]
    if not leaves:
        return "the pipeline has no tasks."
    close = _close(leaves, path)
    advice = f"Use {' or '.join(close)}." if close else f"It has: {_some(leaves)}."
    return f"the pipeline has no such task. {advice}"


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(re.escape(ANY), r"\[\d+\]"))


def _close(leaves: Sequence[str], path: str) -> Sequence[str]:
    """The leaves that were probably meant: without their indices, misspelt, or by the end of their path."""
    bare = _INDEX.sub("", path.replace(ANY, ""))
    same = [each for each in leaves if each.replace(ANY, "") == bare]
    by_end = {each.rpartition("/")[2]: each for each in reversed(leaves)}
    ends = get_close_matches(path.rpartition("/")[2], by_end, n=3)
    return same or get_close_matches(path, leaves, n=3) or [by_end[end] for end in ends]


def _leaves_in(known: Mapping[str, Place], group: str) -> str:
    inside = [each.path for each in known.values() if each.leaf and each.path.startswith((f"{group}/", f"{group}["))]
    return _some(inside)


def _some(paths: Sequence[str]) -> str:
    return ", ".join([*paths[:_NAMED], *(["…"] if len(paths) > _NAMED else [])])


def _below(pipeline: Pipeline, prefix: str, dag: Dag) -> Iterator[Place]:
    for key, task in dag.tasks.items():
        path = f"{prefix}/{key}" if prefix else key
        component = pipeline.components[task.component]
        if task.iterator is not None:
            yield Place(path=path, component=component, leaf=False)
            path += ANY
        if component.dag is None:
            importer = isinstance(pipeline.executors[component.executor], Importer)
            yield Place(path=path, component=component, leaf=True, importer=importer)
        else:
            yield Place(path=path, component=component, leaf=False)
            yield from _below(pipeline, path, component.dag)
