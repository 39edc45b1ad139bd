"""What a function is called with that stands in for a component: the task's inputs by name, as it wants them."""

import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from types import UnionType
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from postlude.spec.types import Component, Json
from postlude.testing.artifact import Artifact

_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_PATHS: Final = ("InputPath", "OutputPath")
_PATH_SUFFIXES: Final = ("_path", "_file")
_STATUS: Final = "PipelineTaskFinalStatus"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a task gives to whoever does its work.

    Attributes:
        inputs: Parameters, artifacts, and lists of artifacts by name.
        optional: The inputs that it has and that nobody feeds.
        outputs: Its output artifacts by name.
        files: Where output parameters may be written, by name.
    """

    inputs: Mapping[str, Any]
    optional: Collection[str]
    outputs: Mapping[str, Artifact]
    files: Mapping[str, str]


def given_to(executor_input: Json, component: Component, mounts: str) -> Given:
    """What KFP's ExecutorInput holds, with nothing shared with it."""
    told, wanted = executor_input["inputs"], executor_input["outputs"]
    parameters = deepcopy(dict(told["parameterValues"]))
    artifacts = {
        name: _inputs(component, name, [Artifact.told(one, mounts) for one in entry["artifacts"]])
        for name, entry in told["artifacts"].items()
    }
    return Given(
        inputs={**parameters, **artifacts},
        optional={*component.inputs.parameters, *component.inputs.artifacts},
        outputs={n: Artifact.told(entry["artifacts"][0], mounts) for n, entry in wanted["artifacts"].items()},
        files={name: entry["outputFile"] for name, entry in wanted["parameters"].items()},
    )


def _inputs(component: Component, name: str, given: list[Artifact]) -> Any:
    """A list where the component takes one."""
    return given if component.inputs.artifacts[name].is_list else given[0]


# --- what a function takes --------------------------------------------------------------------------------------------


def keywords(function: Callable[..., Any], given: Given) -> dict[str, Any]:
    """The arguments for a function: those it names, or with **kwargs all inputs and output artifacts."""
    parameters = _parameters(function)
    if parameters is None:
        return {**given.outputs, **given.inputs}
    found = dict(_named(parameters, given))
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return {**given.outputs, **given.inputs, **found}
    return found


def misfit(function: Callable[..., Any], component: Component) -> str:
    """Why a function cannot stand in for a component; "" where it can."""
    if inspect.iscoroutinefunction(function):
        return "is async. Give a function that returns its result."
    known = (*component.inputs.parameters, *component.inputs.artifacts, *_outputs(component))
    for one in (_parameters(function) or {}).values():
        if one.default is inspect.Parameter.empty and one.kind is inspect.Parameter.POSITIONAL_ONLY:
            return f"takes '{one.name}' by position, and inputs are given by name. Wrap it in a function with **kwargs."
        if one.default is inspect.Parameter.empty and one.kind in _NAMED and _port(one, known) is None:
            return f"takes '{one.name}', which is neither input nor output of the task. It has: {_listed(known)}."
    return ""


def _outputs(component: Component) -> tuple[str, ...]:
    return (*component.outputs.artifacts, *component.outputs.parameters)


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "none"


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    """What a function takes, by name, its annotations as values where they can be; None where it does not say."""
    for evaluated in (True, False):
        try:
            return inspect.signature(function, eval_str=evaluated).parameters
        except ValueError:  # a function of C
            return None
        except Exception:  # noqa: BLE001, S112 - an annotation may be anything, as one that only a type checker can read
            continue
    return None


def _port(parameter: inspect.Parameter, known: Collection[str]) -> str | None:
    """The input or output that a parameter asks for; the SDK takes "_path" off the names of paths."""
    if parameter.name in known:
        return parameter.name
    for suffix in _PATH_SUFFIXES if _is_path(parameter.annotation) else ():
        if parameter.name.removesuffix(suffix) in known:
            return parameter.name.removesuffix(suffix)
    return None


def _named(parameters: Mapping[str, inspect.Parameter], given: Given) -> Iterator[tuple[str, Any]]:
    known = (*given.inputs, *given.outputs, *given.files)
    for parameter in parameters.values():
        if parameter.kind not in _NAMED:
            continue
        port = _port(parameter, known)
        if port is not None:
            yield parameter.name, _value(parameter.annotation, port, given)
        elif parameter.default is inspect.Parameter.empty and _port(parameter, given.optional) is not None:
            yield parameter.name, None


def _value(annotation: Any, port: str, given: Given) -> Any:
    if port in given.inputs:
        return _as_wanted(_plain(annotation), given.inputs[port])
    if port in given.outputs:
        return _as_wanted(_plain(annotation), given.outputs[port])
    return given.files[port]


# --- as it wants them: the SDK's own classes are named by annotations, and known without importing the SDK ------------


def _plain(annotation: Any) -> Any:
    """An annotation without what makes it optional."""
    if get_origin(annotation) in (typing.Union, UnionType):
        inner = [each for each in get_args(annotation) if each is not type(None)]
        return inner[0] if len(inner) == 1 else annotation
    return annotation


def _is_path(annotation: Any) -> bool:
    return type(_plain(annotation)).__name__ in _PATHS


def _as_wanted(annotation: Any, value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(one, Artifact) for one in value):
        return [_artifact(_item(annotation), one) for one in value]
    if isinstance(value, Artifact):
        return value.path if _is_path(annotation) else _artifact(annotation, value)
    if isinstance(value, Mapping) and getattr(annotation, "__name__", annotation) == _STATUS:
        return _final_status(annotation, value)
    return value


def _item(annotation: Any) -> Any:
    """What a list is one of: of `Input[list[Model]]` that is `Input[Model]`."""
    listed = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    items = get_args(listed)
    return Annotated[items[0], ""] if len(items) == 1 else None


def _artifact(annotation: Any, given: Artifact) -> Any:
    """The artifact, as an object of the SDK's class that `dsl.Input[...]` or `dsl.Output[...]` names."""
    kind: Any = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return kind(name=given.name, uri=given.uri, metadata=given.metadata) if _is_of_the_sdk(kind) else given


def _is_of_the_sdk(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "schema_title") and not issubclass(kind, Artifact)


def _final_status(annotation: Any, payload: Json) -> Any:
    if isinstance(annotation, str):
        return payload
    return annotation(
        state=payload["state"],
        pipeline_job_resource_name=payload["pipelineJobResourceName"],
        pipeline_task_name=payload["pipelineTaskName"],
        error_code=payload["error"].get("code"),
        error_message=payload["error"].get("message"),
    )
