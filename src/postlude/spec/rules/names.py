"""Rules on names: they become directories, files and paths of a run."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from postlude.spec.places import below, components
from postlude.spec.problem import Problem
from postlude.spec.types import Component, Pipeline

_LONGEST: Final = 200
_UNSAFE: Final = re.compile(r"[/\\\[\]\x00-\x1f\x7f]|\.\.")
_FIX: Final = "Rename it: letters, digits, '-' and '_' are safe."


def names_are_safe(pipeline: Pipeline) -> Iterator[Problem]:
    """Keys of tasks and names of inputs and outputs are safe as parts of a path."""
    for where, component in components(pipeline):
        for place, names in _named(where, component):
            for name in names:
                if fault := _fault(name):
                    yield Problem(where=below(place, name), what=f"{fault}. {_FIX}")


def _named(where: str, component: Component) -> Iterator[tuple[str, Iterable[str]]]:
    if component.dag is not None:
        yield f"{where}.dag.tasks", component.dag.tasks
    yield f"{where}.inputDefinitions.parameters", component.inputs.parameters
    yield f"{where}.inputDefinitions.artifacts", component.inputs.artifacts
    yield f"{where}.outputDefinitions.parameters", component.outputs.parameters
    yield f"{where}.outputDefinitions.artifacts", component.outputs.artifacts


def _fault(name: str) -> str:
    if not name.strip():
        return "has an empty name"
    if unsafe := _UNSAFE.search(name):
        return f"has {unsafe[0]!a} in its name"
    if len(name.encode(errors="replace")) > _LONGEST:
        return f"has a name of more than {_LONGEST} bytes"
    return ""
