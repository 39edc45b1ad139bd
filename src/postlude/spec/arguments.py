"""The arguments of a run, against what the pipeline declares."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Final

from postlude.spec.places import advice, member
from postlude.spec.problem import Problem, SpecError
from postlude.spec.shape import shown
from postlude.spec.types import Json, ParameterInput, ParameterType, Pipeline

_NOUNS: Final = {
    ParameterType.NUMBER_DOUBLE: "a number",
    ParameterType.NUMBER_INTEGER: "an integer",
    ParameterType.STRING: "text",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.LIST: "a list",
    ParameterType.STRUCT: "an object",
    ParameterType.TASK_FINAL_STATUS: "an object",
    ParameterType.TASK_CONFIG: "an object",
}
_KINDS: Final[dict[ParameterType, type | tuple[type, ...]]] = {
    ParameterType.NUMBER_DOUBLE: (int, float),
    ParameterType.NUMBER_INTEGER: int,
    ParameterType.STRING: str,
    ParameterType.BOOLEAN: bool,
    ParameterType.LIST: (list, tuple),
    ParameterType.STRUCT: Mapping,
    ParameterType.TASK_FINAL_STATUS: Mapping,
    ParameterType.TASK_CONFIG: Mapping,
}


_HALF: Final = "holds half of a surrogate pair, which is no text. Give valid Unicode."
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def check_arguments(pipeline: Pipeline, arguments: Mapping[str, Json], *, source: str = "arguments") -> dict[str, Json]:
    """The arguments, fit for a run; defaults are not filled in.

    A whole number in floating point becomes an integer where one is declared. Null is only taken by an input that need
    not be given.

    Args:
        pipeline: Declares the parameters.
        arguments: Values by parameter name.
        source: What errors call the arguments.

    Raises:
        SpecError: Something required is missing, unknown, or of a wrong type or value; lists every problem.
    """
    declared = pipeline.root.inputs.parameters
    given = {name: _fitting(value, declared.get(name)) for name, value in arguments.items()}
    problems = [
        *_statuses(declared),
        *_unknown(given, pipeline),
        *_missing(given, pipeline),
        *_misfits(given, declared),
    ]
    if problems:
        raise SpecError(source, problems)
    return given


def _fitting(value: Json, declared: ParameterInput | None) -> Json:
    whole = declared is not None and declared.type is ParameterType.NUMBER_INTEGER and isinstance(value, float)
    return int(value) if whole and value.is_integer() else value


def _statuses(declared: Mapping[str, ParameterInput]) -> list[Problem]:
    """The final statuses that the pipeline itself asks for (H13): nothing runs before it."""
    what = "has type TASK_FINAL_STATUS, invalid for root component. Use the component as the exit task of a pipeline."
    wanted = (name for name, parameter in declared.items() if parameter.type is ParameterType.TASK_FINAL_STATUS)
    return [Problem(where=member("$", name), what=what) for name in wanted]


def _unknown(given: Mapping[str, Json], pipeline: Pipeline) -> list[Problem]:
    inputs = pipeline.root.inputs
    found = []
    for name in given:
        if name in inputs.artifacts:
            what = "is an input artifact, and a run takes parameters only. Import it with dsl.importer in the pipeline."
            found.append(Problem(where=member("$", name), what=what))
        elif name not in inputs.parameters:
            what = f"is no parameter of pipeline '{pipeline.name}'. {advice(name, inputs.parameters)}"
            found.append(Problem(where=member("$", name), what=what))
    return found


def _missing(given: Mapping[str, Json], pipeline: Pipeline) -> list[Problem]:
    inputs = pipeline.root.inputs
    parameters = [
        Problem(where=member("$", name), what=f"is missing, and required. Give it {_NOUNS[parameter.type]}.")
        for name, parameter in inputs.parameters.items()
        if name not in given and parameter.required
    ]
    fix = "A run takes parameters only: import it with dsl.importer in the pipeline, or make it optional."
    artifacts = [
        Problem(where=member("$", name), what=f"is a required input artifact. {fix}")
        for name, artifact in inputs.artifacts.items()
        if name not in given and not artifact.optional
    ]
    return parameters + artifacts


def _misfits(given: Mapping[str, Json], declared: Mapping[str, ParameterInput]) -> list[Problem]:
    found = {name: _misfit(value, declared[name]) for name, value in given.items() if name in declared}
    return [Problem(where=member("$", name), what=what) for name, what in found.items() if what]


def _misfit(value: Json, declared: ParameterInput) -> str:
    if value is None and not declared.required:
        return ""
    if oddity := _oddity(value):
        return oddity
    boolean = isinstance(value, bool) and declared.type is not ParameterType.BOOLEAN
    if boolean or not isinstance(value, _KINDS[declared.type]):
        return f"is {shown(value)}, where {_NOUNS[declared.type]} belongs ({declared.type.value})."
    if declared.literals and value not in declared.literals:
        return f"is {shown(value)}. Use one of {', '.join(shown(each) for each in declared.literals)}."
    return ""


def _oddity(value: Json) -> str:
    """What in the value is no JSON value, "" where all of it is one."""
    match value:
        case None | bool() | int():
            return ""
        case float():
            return "" if isfinite(value) else f"holds {value}, a number that JSON does not have. Give a finite number."
        case str():
            return "" if value.isascii() or not _SURROGATE.search(value) else _HALF
        case list() | tuple():
            return next(filter(None, map(_oddity, value)), "")
        case Mapping():
            return next(filter(None, (_oddity_of_name(name) or _oddity(each) for name, each in value.items())), "")
    return f"holds a value of type {type(value).__name__}, which JSON does not have. Convert it."


def _oddity_of_name(name: object) -> str:
    return _oddity(name) if isinstance(name, str) else f"holds {name!r} as a key, where JSON has texts. Convert it."
