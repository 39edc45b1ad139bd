"""Find the inputs of a task: from constants, its DAG's inputs, its siblings' outputs, and final statuses.

The final status of an upstream (`taskFinalStatus.producerTask`) is one kind of source among the others: that is all the
support that exit handlers need here. What is missing falls back to the input's default (R10); what cannot be found or
does not fit is an error of the task, decided before its code starts (R11).
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType

from postlude.core.conform import MisfitError, conform, preview
from postlude.core.facts import fact
from postlude.core.final_status import payload
from postlude.core.run_state import Run, is_passed_on
from postlude.core.task import Artifact, Code, Inputs, Kind, Task, TaskError, child_path
from postlude.spec import placeholders
from postlude.spec.types import (
    ArtifactBinding,
    ArtifactInput,
    Constant,
    FinalStatusOf,
    Json,
    ParameterBinding,
    ParameterInput,
    ParameterType,
    ParentInput,
    TaskOutput,
)


class _Missing(Exception):  # noqa: N818 - not an error: a default may stand in
    """There is no value; the text says why."""


class _Unresolvable(Exception):  # noqa: N818 - carries a TaskError, is none
    """The task cannot start."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.error = TaskError(code=code, message=message)


def resolve(run: Run, task: Task) -> Inputs | TaskError:
    """The inputs of a task whose upstreams are final, or why it cannot have them.

    The item of a loop is not among them; each iteration adds its own.
    """
    missing: dict[str, str] = {}
    try:
        parameters = _parameters(run, task, missing)
        artifacts = _artifacts(run, task, missing)
    except _Unresolvable as fault:
        return fault.error
    return Inputs(parameters=parameters, artifacts=artifacts, missing=missing)


def fit_parameter(name: str, declared: ParameterInput, value: Json) -> Json | TaskError:
    """The value as the input declares it, or why it does not fit."""
    try:
        return _fit(name, declared, value)
    except _Unresolvable as fault:
        return fault.error


# --- parameters -------------------------------------------------------------------------------------------------------


def _parameters(run: Run, task: Task, missing: dict[str, str]) -> Mapping[str, Json]:
    """All input parameters; constants last, since their placeholders may name the others."""
    declared = {name: spec for name, spec in task.component.inputs.parameters.items() if not _is_item(task, name)}
    values: dict[str, Json] = {}
    for name in sorted(declared, key=lambda name: _is_constant(task.spec.inputs.parameters.get(name))):
        value = _parameter(run, task, name, declared[name], values, missing)
        if value is not UNSET:
            values[name] = value
    return {name: values[name] for name in declared if name in values}


def _is_item(task: Task, name: str) -> bool:
    return task.kind is Kind.LOOP and task.spec.iterator is not None and task.spec.iterator.item_input == name


def _is_constant(binding: ParameterBinding | None) -> bool:
    return binding is not None and isinstance(binding.source, Constant)


def _parameter(
    run: Run, task: Task, name: str, declared: ParameterInput, known: Mapping[str, Json], missing: dict[str, str]
) -> Json | UnsetType:
    binding = task.spec.inputs.parameters.get(name)
    try:
        if binding is None:
            raise _Missing("nothing feeds it")
        value = _follow(name, binding.keys, _source(run, task, binding, known))
        if value is None:
            raise _Missing("its value is null")
    except _Missing as why:
        return _default(task, name, declared, str(why), missing)
    return _fit(name, declared, value)


def _default(
    task: Task, name: str, declared: ParameterInput, why: str, missing: dict[str, str]
) -> Json | UnsetType:
    if declared.default is not UNSET and declared.default is not None:
        return _fit(name, declared, declared.default)
    if declared.optional or declared.default is None or declared.type is ParameterType.TASK_CONFIG:
        return UNSET
    _pass_on(task, name, why, missing)
    return UNSET


def _pass_on(task: Task, name: str, why: str, missing: dict[str, str]) -> None:
    """A group that only passes the input on leaves the decision to the task inside that consumes it."""
    if task.kind.is_leaf or not is_passed_on(name):
        raise _Unresolvable(Code.NOT_FOUND, f"input '{name}' has no value and no default: {why}")
    missing[name] = why


def _source(run: Run, task: Task, binding: ParameterBinding, known: Mapping[str, Json]) -> Json:
    match binding.source:
        case Constant(value=value):
            return placeholders.substitute(value, lambda placeholder: _constant_part(run, task, placeholder, known))
        case ParentInput(name=name):
            parent = run.tasks[task.parent]
            return _found(parent.inputs.parameters, name, parent)
        case TaskOutput(task=producer, output=output):
            sibling = _sibling(run, task, producer)
            if output not in sibling.outputs.parameters:
                raise _Missing(_not_produced(sibling, output))
            return sibling.outputs.parameters[output]
        case FinalStatusOf(task=producer):
            return payload(run, _sibling(run, task, producer))


def _found(values: Mapping[str, Json], name: str, parent: Task) -> Json:
    if name not in values:
        group = f"group '{parent.path}'" if parent.path else "the pipeline"
        raise _Missing(parent.inputs.missing.get(name, f"{group} was given no '{name}'"))
    return values[name]


def _sibling(run: Run, task: Task, key: str) -> Task:
    return run.tasks[child_path(task.parent, key)]


def _not_produced(sibling: Task, output: str) -> str:
    return f"'{sibling.path}' ended {sibling.state.value} without output '{output}'"


def _constant_part(
    run: Run, task: Task, placeholder: placeholders.Placeholder, known: Mapping[str, Json]
) -> Json | UnsetType:
    match placeholder:
        case placeholders.InputParameter(name=name):
            return known.get(name)
        case placeholders.PipelineValue(name=name):
            return fact(run, task, name)
        case _:
            return UNSET


def _follow(name: str, keys: tuple[str, ...], value: Json) -> Json:
    for key in keys:
        holder = _decoded(name, value)
        if not isinstance(holder, dict) or key not in holder:
            raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {preview(holder)} has no key '{key}'")
        value = holder[key]
    return value


def _decoded(name: str, value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {preview(value)} is not JSON") from None


def _fit(name: str, declared: ParameterInput, value: Json) -> Json:
    try:
        fitting = conform(value, declared.type)
    except MisfitError as misfit:
        raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {misfit}") from None
    if declared.literals and fitting not in declared.literals:
        allowed = ", ".join(preview(literal) for literal in declared.literals)
        raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {preview(value)} is not one of {allowed}")
    return fitting


# --- artifacts --------------------------------------------------------------------------------------------------------


def _artifacts(run: Run, task: Task, missing: dict[str, str]) -> Mapping[str, tuple[Artifact, ...]]:
    values: dict[str, tuple[Artifact, ...]] = {}
    for name, declared in task.component.inputs.artifacts.items():
        if _is_item(task, name):
            continue
        try:
            values[name] = _fit_artifacts(name, declared, _artifact(run, task, task.spec.inputs.artifacts.get(name)))
        except _Missing as why:
            if not declared.optional:
                _pass_on(task, name, str(why), missing)
    return values


def _artifact(run: Run, task: Task, binding: ArtifactBinding | None) -> tuple[Artifact, ...]:
    match binding:
        case None:
            raise _Missing("nothing feeds it")
        case ParentInput(name=name):
            parent = run.tasks[task.parent]
            artifacts: tuple[Artifact, ...] = _found(parent.inputs.artifacts, name, parent)
            return artifacts
        case TaskOutput(task=producer, output=output):
            sibling = _sibling(run, task, producer)
            if output not in sibling.outputs.artifacts:
                raise _Missing(_not_produced(sibling, output))
            return sibling.outputs.artifacts[output]


def _fit_artifacts(name: str, declared: ArtifactInput, artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    if not declared.is_list and len(artifacts) != 1:
        found = f"expected one artifact, got a list of {len(artifacts)}"
        raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {found}")
    return artifacts
