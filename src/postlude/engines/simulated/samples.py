"""Values for outputs that nobody produced: such that the tasks behind them can go on.

A value is made for whoever consumes it: a literal where literals are declared, an object with the keys that are
followed into it, a list of one item where a loop iterates over it. Elsewhere it is the plainest value of its type.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from postlude.core.conform import MisfitError, conform
from postlude.spec.types import (
    Component,
    Dag,
    Json,
    ParameterBinding,
    ParameterIterator,
    ParameterType,
    ParentInput,
    Pipeline,
    Task,
    TaskOutput,
)

PLAIN: Final[Mapping[ParameterType, Json]] = {
    ParameterType.STRING: "",
    ParameterType.NUMBER_INTEGER: 0,
    ParameterType.NUMBER_DOUBLE: 0.0,
    ParameterType.BOOLEAN: False,
    ParameterType.LIST: [],
    ParameterType.STRUCT: {},
    ParameterType.TASK_FINAL_STATUS: {},
    ParameterType.TASK_CONFIG: {},
}
"""The plainest value of each type."""

_Source = TaskOutput | ParentInput


class _Use(msgspec.Struct, frozen=True, kw_only=True):
    """A task's input that is fed by a value, through the keys that are followed into it."""

    task: Task
    name: str
    keys: tuple[str, ...]


class Samples:
    """Makes up the output parameters of a pipeline's tasks."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._components = pipeline.components
        self._uses: dict[int, Mapping[_Source, Sequence[_Use]]] = {}
        self._made: dict[tuple[int, str, str], Json] = {}

    def sample(self, dag: Dag | None, key: str, output: str, declared: ParameterType) -> Json:
        """A value for an output of the task `key`.

        Args:
            dag: The DAG that the task stands in; None for an iteration, whose value nobody consumes alone.
            key: The task's key there.
            output: The output.
            declared: Its type.
        """
        if dag is None:
            return PLAIN[declared]
        place = (id(dag), key, output)
        if place not in self._made:
            self._made[place] = _fitting(self._wanted(dag, TaskOutput(task=key, output=output)), declared)
        return self._made[place]

    def _wanted(self, dag: Dag, source: _Source) -> Json | UnsetType:
        """What the tasks of a DAG that consume a value want it to be; UNSET where none does."""
        found: Json | UnsetType = UNSET
        for use in self._uses_of(dag).get(source, ()):
            value = self._wanted_by(use)
            found = _merged(found, _nested(use.keys, value)) if use.keys or value is not UNSET else found
        return found

    def _wanted_by(self, use: _Use) -> Json | UnsetType:
        component = self._components[use.task.component]
        iterator = use.task.iterator
        if isinstance(iterator, ParameterIterator) and iterator.input == use.name:
            return [self._input(component, iterator.item_input)]
        return self._input(component, use.name)

    def _input(self, component: Component, name: str) -> Json | UnsetType:
        """What a component wants one of its inputs to be."""
        inside = self._wanted(component.dag, ParentInput(name=name)) if component.dag is not None else UNSET
        declared = component.inputs.parameters.get(name)
        if inside is not UNSET or declared is None:
            return inside
        return declared.literals[0] if declared.literals else PLAIN[declared.type]

    def _uses_of(self, dag: Dag) -> Mapping[_Source, Sequence[_Use]]:
        if id(dag) not in self._uses:
            found: dict[_Source, list[_Use]] = {}
            for task, name, binding in _bindings(dag):
                if isinstance(binding.source, TaskOutput | ParentInput):
                    use = _Use(task=task, name=name, keys=binding.keys)
                    found.setdefault(binding.source, []).append(use)
            self._uses[id(dag)] = found
        return self._uses[id(dag)]


def _bindings(dag: Dag) -> Iterator[tuple[Task, str, ParameterBinding]]:
    return ((task, name, binding) for task in dag.tasks.values() for name, binding in task.inputs.parameters.items())


def _nested(keys: tuple[str, ...], value: Json | UnsetType) -> Json:
    inner = "" if value is UNSET else value
    for key in reversed(keys):
        inner = {key: inner}
    return inner


def _merged(one: Json | UnsetType, other: Json) -> Json:
    """Both, where they are objects; a literal, a list or an object before a plain value; else the first."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _merged(one.get(key, UNSET), other[key]) if key in other else one[key] for key in {**one, **other}}
    return other if one is UNSET or (not one and other) else one


def _fitting(wanted: Json | UnsetType, declared: ParameterType) -> Json:
    try:
        return PLAIN[declared] if wanted is UNSET else conform(wanted, declared)
    except MisfitError:
        return PLAIN[declared]
