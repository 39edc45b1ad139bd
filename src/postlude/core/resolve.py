"""Find the inputs of a task: from constants, its DAG's inputs, its siblings' outputs, and final statuses.

The final status of an upstream (`taskFinalStatus.producerTask`) is one kind of source among the others: that is all the
support that exit handlers need here. What is missing falls back to the input's default (R10); what cannot be found or
does not fit is an error of the task, decided before its code starts (R11).
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from postlude.core.conform import MisfitError, conform, preview
from postlude.core.facts import fact
from postlude.core.final_status import payload
from postlude.core.run_state import Run, is_passed_on
from postlude.core.task import Artifact, Code, Inputs, Kind, Task, TaskError, child_path
from postlude.spec import placeholders
from postlude.spec.types import (
    ArtifactInput,
    Component,
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


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whose inputs are looked for, and what was found so far.

    Attributes:
        known: Input parameters that have a value.
        missing: Inputs without a value that a group passes on, or that a text names, with the reason.
    """

    run: Run
    task: Task
    known: dict[str, Json] = msgspec.field(default_factory=dict)
    missing: dict[str, str] = msgspec.field(default_factory=dict)


def resolve(run: Run, task: Task) -> Inputs | TaskError:
    """The inputs of a task whose upstreams are final, or why it cannot have them.

    The item of a loop is not among them; each iteration adds its own.
    """
    asked = _Asked(run=run, task=task)
    try:
        parameters = _parameters(asked)
        artifacts = _artifacts(asked)
    except _Unresolvable as fault:
        return fault.error
    return Inputs(parameters=parameters, artifacts=artifacts, missing=asked.missing)


def fit_parameter(name: str, declared: ParameterInput, value: Json) -> Json | TaskError:
    """The value as the input declares it, or why it does not fit."""
    try:
        return _fit(name, declared, value)
    except _Unresolvable as fault:
        return fault.error


def as_declared(component: Component, inputs: Inputs) -> Inputs:
    """The inputs of a group as its condition was written for them: texts where the SDK took them for texts."""
    declared = component.inputs.parameters
    parameters = {
        name: placeholders.render_text(value) if name in declared and _is_guess(name, declared[name]) else value
        for name, value in inputs.parameters.items()
    }
    return replace(inputs, parameters=parameters)


# --- parameters -------------------------------------------------------------------------------------------------------


def _parameters(asked: _Asked) -> Mapping[str, Json]:
    """All input parameters: the declared ones, and those that the SDK adds because a placeholder names them.

    Constants come last, since their placeholders may name the others.
    """
    task, declared = asked.task, asked.task.component.inputs.parameters
    bound = task.spec.inputs.parameters
    names = [name for name in {**declared, **bound} if not _is_item(task, name)]
    for name in sorted(names, key=lambda name: (_is_constant(bound.get(name)), name in declared)):
        value = _parameter(asked, name, declared.get(name))
        if value is not UNSET:
            asked.known[name] = value
    return {name: asked.known[name] for name in names if name in asked.known}


def _is_item(task: Task, name: str) -> bool:
    return task.kind is Kind.LOOP and task.spec.iterator is not None and task.spec.iterator.item_input == name


def _is_constant(binding: ParameterBinding | None) -> bool:
    return binding is not None and isinstance(binding.source, Constant)


def _parameter(asked: _Asked, name: str, declared: ParameterInput | None) -> Json | UnsetType:
    try:
        value = _bound(asked, name)
    except _Missing as why:
        return _default(asked, name, declared, str(why))
    return value if declared is None else _fit(name, declared, value)


def _bound(asked: _Asked, name: str) -> Json:
    binding = asked.task.spec.inputs.parameters.get(name)
    if binding is None:
        raise _Missing("nothing feeds it")
    value = _follow(name, binding.keys, _source(asked, binding))
    if value is None:
        raise _Missing("its value is null")
    return value


def _default(asked: _Asked, name: str, declared: ParameterInput | None, why: str) -> Json | UnsetType:
    if declared is None:
        asked.missing[name] = why
        return UNSET
    if declared.default is not UNSET and declared.default is not None:
        return _fit(name, declared, declared.default)
    if declared.required and declared.type is not ParameterType.TASK_CONFIG:
        _pass_on(asked, name, why)
    return UNSET


def _pass_on(asked: _Asked, name: str, why: str) -> None:
    """A group that only passes the input on leaves the decision to the task inside that consumes it."""
    if asked.task.kind.is_leaf or not is_passed_on(name):
        raise _Unresolvable(Code.NOT_FOUND, f"input '{name}' has no value and no default: {why}")
    asked.missing[name] = why


def _source(asked: _Asked, binding: ParameterBinding) -> Json:
    run, task = asked.run, asked.task
    match binding.source:
        case Constant(value=value):
            return placeholders.substitute(value, lambda placeholder: _constant_part(asked, placeholder))
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


def _constant_part(asked: _Asked, placeholder: placeholders.Placeholder) -> Json | UnsetType:
    match placeholder:
        case placeholders.InputParameter(name=name):
            return _named(asked, name)
        case placeholders.PipelineValue(name=name):
            return fact(asked.run, asked.task, name)
        case _:
            return UNSET


def _named(asked: _Asked, name: str) -> Json:
    """The value of another input, for a text that names it; null where its author left it out."""
    if name in asked.missing:
        raise _Missing(asked.missing[name])
    return asked.known.get(name)


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
    if _is_guess(name, declared):
        return value
    try:
        fitting = conform(value, declared.type)
    except MisfitError as misfit:
        raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {misfit}") from None
    if declared.literals and fitting not in declared.literals:
        allowed = ", ".join(preview(literal) for literal in declared.literals)
        raise _Unresolvable(Code.INVALID_ARGUMENT, f"input '{name}': {preview(value)} is not one of {allowed}")
    return fitting


def _is_guess(name: str, declared: ParameterInput) -> bool:
    """Whether the type is the SDK's word for "unknown": an item of an item is a STRING to it, whatever it is.

    A group passes such a value on as it is, and the task inside that consumes it says what it must be.
    """
    return is_passed_on(name) and declared.type is ParameterType.STRING


# --- artifacts --------------------------------------------------------------------------------------------------------


def _artifacts(asked: _Asked) -> Mapping[str, tuple[Artifact, ...]]:
    values: dict[str, tuple[Artifact, ...]] = {}
    for name, declared in asked.task.component.inputs.artifacts.items():
        if _is_item(asked.task, name):
            continue
        try:
            values[name] = _fit_artifacts(name, declared, _artifact(asked.run, asked.task, name))
        except _Missing as why:
            if not declared.optional:
                _pass_on(asked, name, str(why))
    return values


def _artifact(run: Run, task: Task, name: str) -> tuple[Artifact, ...]:
    match task.spec.inputs.artifacts.get(name):
        case None:
            raise _Missing("nothing feeds it")
        case ParentInput(name=source):
            parent = run.tasks[task.parent]
            artifacts: tuple[Artifact, ...] = _found(parent.inputs.artifacts, source, parent)
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
