"""Rules on names: they become directories, files and paths of a run."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from postlude.spec.places import below, components
from postlude.spec.problem import Problem
from postlude.spec.types import Component, Pipeline

_LONGEST: Final = 200
_UNSAFE: Final = re.compile(r"[/\\\[\]\x00-\x1f\x7f]|\.\.")
_SAFE: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
"""Most names, at one look."""
_FIX: Final = "Rename it: letters, digits, '-' and '_' are safe."


def names_are_safe(pipeline: Pipeline) -> Iterator[Problem]:
    """Keys of tasks and names of inputs and outputs are safe as parts of a path."""
    for where, component in components(pipeline):
        for place, names in _named(component):
            for name in names:
                if fault := _fault(name):
                    yield Problem(where=below(f"{where}.{place}", name), what=f"{fault}. {_FIX}")


def _named(component: Component) -> Iterator[tuple[str, Iterable[str]]]:
    """The names that a component gives, and where in it they stand."""
    if component.dag is not None:
        yield "dag.tasks", component.dag.tasks
    yield "inputDefinitions.parameters", component.inputs.parameters
    yield "inputDefinitions.artifacts", component.inputs.artifacts
    yield "outputDefinitions.parameters", component.outputs.parameters
    yield "outputDefinitions.artifacts", component.outputs.artifacts


def _fault(name: str) -> str:
    if _SAFE.fullmatch(name):
        return ""
    if not name.strip():
        return "has an empty name"
    if unsafe := _UNSAFE.search(name):
        return f"has {unsafe[0]!a} in its name"
    if len(name.encode(errors="replace")) > _LONGEST:
        return f"has a name of more than {_LONGEST} bytes"
    return ""
