"""Components: what they declare, and the DAGs among them."""

from collections.abc import Collection
from typing import Final

from msgspec import UnsetType

from postlude.spec import wire
from postlude.spec.numbers import whole
from postlude.spec.places import Place
from postlude.spec.tasks import task
from postlude.spec.topology import topology
from postlude.spec.types import (
    ArtifactInput,
    ArtifactOutput,
    Component,
    Dag,
    DagOutputs,
    InputDefinitions,
    Json,
    OutputDefinitions,
    ParameterInput,
    ParameterOutput,
    ParameterType,
    TaskOutput,
)

_ANY: Final = "system.Artifact"
_NO_INPUTS: Final = InputDefinitions()
_NO_OUTPUTS: Final = OutputDefinitions()
_LEGACY: Final = {
    "INT": ParameterType.NUMBER_INTEGER,
    "DOUBLE": ParameterType.NUMBER_DOUBLE,
    "STRING": ParameterType.STRING,
}


def component(name: str, given: wire.Component, dags: Collection[str], place: Place) -> Component:
    """The component; what its parts cannot mean is a fault.

    Args:
        name: Its name, which the IR keeps outside of it.
        given: The component as it is written.
        dags: The names of the components that are DAGs, to tell groups from single tasks.
        place: Where it stands.
    """
    if given.dag is None and not given.executor_label:
        place.fault("has neither 'dag' nor 'executorLabel': it runs nothing. Put a task into the group, or drop it.")
    if given.dag is not None and given.executor_label:
        place.fault("has both 'dag' and 'executorLabel'. Give it one of them.")
    return Component(
        name=name,
        inputs=_inputs(given.input_definitions, place / "inputDefinitions"),
        outputs=_outputs(given.output_definitions, place / "outputDefinitions"),
        dag=None if given.dag is None else _dag(given.dag, dags, place / "dag"),
        executor=given.executor_label,
        task_config=tuple((each.field, each.apply_to_task) for each in given.task_config_passthroughs),
    )


def _dag(given: wire.Dag, dags: Collection[str], place: Place) -> Dag:
    at = place / "tasks"
    tasks = {key: task(key, each, at / key) for key, each in given.tasks.items()}
    groups = {key for key, each in tasks.items() if each.iterator is not None or each.component in dags}
    return Dag(tasks=tasks, outputs=_dag_outputs(given.outputs, place / "outputs"), topology=topology(tasks, groups))


def _dag_outputs(given: wire.DagOutputs, place: Place) -> DagOutputs:
    parameters = {name: _selected(each) for name, each in given.parameters.items()}
    artifacts = {
        name: tuple(
            TaskOutput(task=one.producer_subtask, output=one.output_artifact_key) for one in each.artifact_selectors
        )
        for name, each in given.artifacts.items()
    }
    for kind, outputs in (("parameters", parameters), ("artifacts", artifacts)):
        for name in (name for name, selectors in outputs.items() if not selectors):
            (place / kind / name).fault("says not which task it comes from. Name a subtask and its output.")
    return DagOutputs(parameters=parameters, artifacts=artifacts)


def _selected(given: wire.DagParameter) -> tuple[TaskOutput, ...]:
    if given.value_from_parameter is not None:
        selectors = [given.value_from_parameter]
    else:
        selectors = given.value_from_oneof.parameter_selectors if given.value_from_oneof is not None else []
    return tuple(TaskOutput(task=each.producer_subtask, output=each.output_parameter_key) for each in selectors)


# --- interfaces -------------------------------------------------------------------------------------------------------


def _inputs(given: wire.Definitions, place: Place) -> InputDefinitions:
    if not given.parameters and not given.artifacts:
        return _NO_INPUTS
    at = place / "parameters"
    return InputDefinitions(
        parameters={name: _parameter_input(each, at / name) for name, each in given.parameters.items()},
        artifacts={name: _artifact_input(each) for name, each in given.artifacts.items()},
    )


def _parameter_input(given: wire.Parameter, place: Place) -> ParameterInput:
    declared = _type(given, place)
    return ParameterInput(
        type=declared,
        default=_default(given.default_value, declared),
        optional=given.is_optional,
        literals=tuple(_default(each, declared) for each in given.literals),
        description=given.description,
    )


def _default(value: Json | UnsetType, declared: ParameterType) -> Json | UnsetType:
    """The IR writes every number as a double; whole ones become integers, unless a double is declared."""
    if declared is ParameterType.NUMBER_INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    return whole(value)


def _type(given: wire.Parameter, place: Place) -> ParameterType:
    declared = given.parameter_type or _LEGACY.get(given.type)
    if declared is None:
        place.fault("has no 'parameterType'. Give it one, STRING for example.")
    return declared or ParameterType.STRING


def _artifact_input(given: wire.Artifact) -> ArtifactInput:
    return ArtifactInput(
        schema_title=given.artifact_type.schema_title or _ANY,
        schema_version=given.artifact_type.schema_version,
        is_list=given.is_artifact_list,
        optional=given.is_optional,
        description=given.description,
    )


def _outputs(given: wire.Definitions, place: Place) -> OutputDefinitions:
    if not given.parameters and not given.artifacts:
        return _NO_OUTPUTS
    at = place / "parameters"
    return OutputDefinitions(
        parameters={
            name: ParameterOutput(type=_type(each, at / name), description=each.description)
            for name, each in given.parameters.items()
        },
        artifacts={name: _artifact_output(each) for name, each in given.artifacts.items()},
    )


def _artifact_output(given: wire.Artifact) -> ArtifactOutput:
    return ArtifactOutput(
        schema_title=given.artifact_type.schema_title or _ANY,
        schema_version=given.artifact_type.schema_version,
        is_list=given.is_artifact_list,
        metadata=given.metadata,
        description=given.description,
    )
