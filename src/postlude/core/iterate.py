"""Loops and what groups pass out: items to iterations, Collected, OneOf."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from postlude.core.conform import preview
from postlude.core.facts import fact
from postlude.core.resolve import fit_parameter
from postlude.core.run_state import Run, children, is_passed_on
from postlude.core.task import NO_OUTPUTS, Artifact, Code, Inputs, Kind, Outputs, Task, TaskError, child_path
from postlude.spec import placeholders
from postlude.spec.types import ArtifactIterator, Json, ParameterIterator, TaskOutput

T = TypeVar("T")


# --- items ------------------------------------------------------------------------------------------------------------


def items(run: Run, loop: Task) -> Sequence[Json] | TaskError:
    """What the loop iterates over: JSON values, or artifacts for an artifact iterator."""
    match loop.spec.iterator:
        case ParameterIterator(items=tuple() as given):
            return list(placeholders.substitute(list(given), lambda one: _part(run, loop, one)))
        case ParameterIterator(input=name):
            return _listed(name, loop)
        case ArtifactIterator(input=name):
            return loop.inputs.artifacts.get(name) or _no_items(name, loop, loop.inputs.artifacts)
        case None:
            return ()


def iteration_inputs(loop: Task, item: Json) -> Inputs | TaskError:
    """The inputs of one iteration: the loop's own and the item."""
    iterator = loop.spec.iterator
    if isinstance(iterator, ArtifactIterator):
        return replace(loop.inputs, artifacts={**loop.inputs.artifacts, iterator.item_input: (item,)})
    name = "" if iterator is None else iterator.item_input
    declared = loop.component.inputs.parameters.get(name)
    value = item if declared is None or item is None else fit_parameter(name, declared, item)
    if isinstance(value, TaskError):
        return value
    if value is None:
        return replace(loop.inputs, missing={**loop.inputs.missing, name: "the item is null"})
    return replace(loop.inputs, parameters={**loop.inputs.parameters, name: value})


def _part(run: Run, loop: Task, placeholder: placeholders.Placeholder) -> Json:
    match placeholder:
        case placeholders.InputParameter(name=name):
            return loop.inputs.parameters.get(name)
        case placeholders.PipelineValue(name=name):
            return fact(run, loop, name)
        case _:
            return msgspec.UNSET


def _listed(name: str, loop: Task) -> Sequence[Json] | TaskError:
    if name not in loop.inputs.parameters:
        return _no_items(name, loop, loop.inputs.parameters)
    value = loop.inputs.parameters[name]
    if isinstance(value, str):
        value = _decoded(value)
    if isinstance(value, list | tuple):
        return value
    message = f"the loop's items '{name}': expected a LIST, got {preview(value)}"
    return TaskError(code=Code.INVALID_ARGUMENT, message=message)


def _decoded(text: str) -> Json:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _no_items(name: str, loop: Task, given: Mapping[str, Json]) -> Sequence[Json] | TaskError:
    if name in given:
        return ()
    why = loop.inputs.missing.get(name, "no value was given")
    return TaskError(code=Code.NOT_FOUND, message=f"the loop's items '{name}' are missing: {why}")


# --- what groups pass out ---------------------------------------------------------------------------------------------


def passed_out(run: Run, group: Task) -> Outputs:
    """The outputs of a group, loop or iteration whose children are final."""
    if group.kind is Kind.LOOP:
        return _collected(run, group)
    dag = group.component.dag
    if dag is None:
        return NO_OUTPUTS
    return Outputs(
        parameters=_selected(run, group, dag.outputs.parameters, lambda producer: producer.outputs.parameters),
        artifacts=_selected(run, group, dag.outputs.artifacts, lambda producer: producer.outputs.artifacts),
    )


def _selected(
    run: Run,
    group: Task,
    selectors: Mapping[str, tuple[TaskOutput, ...]],
    values: Callable[[Task], Mapping[str, T]],
) -> Mapping[str, T]:
    """For each output the first selected value that was produced (OneOf); an output that none produced is left out."""
    found: dict[str, T] = {}
    for name, candidates in selectors.items():
        for candidate in candidates:
            produced = values(run.tasks[child_path(group.path, candidate.task)])
            if candidate.output in produced:
                found[name] = produced[candidate.output]
                break
    return found


def _collected(run: Run, loop: Task) -> Outputs:
    """Every output of the loop's body as a list over the iterations, in index order.

    A parameter that an iteration did not produce is None in its place, so that indexes stay aligned (C9); an artifact
    is left out, since a list of artifacts cannot hold nothing. Lists collected by loops inside are joined into one
    (C8).
    """
    iterations = [run.tasks[path] for path in children(loop)]
    outputs = loop.component.outputs
    return Outputs(
        parameters={name: _values(run, loop, iterations, name) for name in outputs.parameters},
        artifacts={name: _joined(iterations, name) for name in outputs.artifacts},
    )


def _values(run: Run, loop: Task, iterations: Sequence[Task], name: str) -> list[Json]:
    values = [iteration.outputs.parameters.get(name) for iteration in iterations]
    if not _is_collected(run, loop, name):
        return values
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _joined(iterations: Sequence[Task], name: str) -> tuple[Artifact, ...]:
    return tuple(artifact for iteration in iterations for artifact in iteration.outputs.artifacts.get(name, ()))


def _is_collected(run: Run, loop: Task, name: str) -> bool:
    """Whether the body's output is itself the list of a loop inside, passed through groups only."""
    component = loop.component
    while component.dag is not None and is_passed_on(name):
        selectors = component.dag.outputs.parameters.get(name, ())
        if not selectors:
            return False
        inner = component.dag.tasks[selectors[0].task]
        if inner.iterator is not None:
            return True
        component, name = run.pipeline.components[inner.component], selectors[0].output
    return False
