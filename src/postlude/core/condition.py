"""Evaluate a task's condition: CEL over the task's resolved inputs.

Source: `PipelineTaskSpec.TriggerPolicy.condition` in KFP's pipeline_spec.proto; https://cel.dev.
"""

from collections.abc import Mapping

from postlude.core.conform import preview
from postlude.core.expression import evaluator
from postlude.core.task import Artifact, Code, Inputs, TaskError
from postlude.spec.placeholders import render_text
from postlude.spec.types import Json


def holds(condition: str, inputs: Inputs) -> bool | TaskError:
    """Whether the condition holds, or why that cannot be said (C17)."""
    try:
        result = evaluator()(condition, {"inputs": _variables(condition, inputs)})
    except KeyError as error:
        return _broken(condition, f"there is no {error}")
    except Exception as error:  # noqa: BLE001 - whatever the library makes of it is the condition's failure (R11)
        return _broken(condition, (str(error).splitlines() or [type(error).__name__])[0])
    if isinstance(result, bool):
        return result
    return _broken(condition, f"it gives {preview_any(result)}, not true or false")


def preview_any(value: object) -> str:
    """The value as JSON where it is JSON, else its type's name."""
    try:
        return preview(value)
    except (TypeError, ValueError):
        return type(value).__name__


def _broken(condition: str, why: str) -> TaskError:
    return TaskError(code=Code.INVALID_ARGUMENT, message=f"condition cannot be evaluated: {condition}: {why}")


def _variables(condition: str, inputs: Inputs) -> Mapping[str, Json]:
    """What the expression may name: `inputs.parameter_values`; in early SDKs `inputs.parameters['x'].string_value`."""
    variables: dict[str, Json] = {"parameter_values": dict(inputs.parameters)}
    if "inputs.parameters" in condition:
        variables["parameters"] = {name: _legacy(value) for name, value in inputs.parameters.items()}
    if "inputs.artifacts" in condition:
        variables["artifacts"] = {name: _artifacts(artifacts) for name, artifacts in inputs.artifacts.items()}
    return variables


def _artifacts(artifacts: tuple[Artifact, ...]) -> Json:
    return {"artifacts": [{"name": one.name, "uri": one.uri, "metadata": dict(one.metadata)} for one in artifacts]}


def _legacy(value: Json) -> Mapping[str, Json]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fields = {"string_value": render_text(value)}
    return {**fields, "int_value": int(value), "double_value": float(value)} if number else fields
