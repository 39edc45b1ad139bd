"""Tasks of a DAG, from their place in the IR."""

import re
from typing import Final

import msgspec

from postlude.spec import wire
from postlude.spec.executors import value_of
from postlude.spec.numbers import count, duration, number
from postlude.spec.places import Place
from postlude.spec.shape import shown
from postlude.spec.types import (
    ArtifactBinding,
    ArtifactIterator,
    Caching,
    Constant,
    FinalStatusOf,
    ParameterBinding,
    ParameterIterator,
    ParentInput,
    Retry,
    Strategy,
    Task,
    TaskInputs,
    TaskOutput,
    Trigger,
)

_NO_CACHING: Final = Caching()
_NO_TRIGGER: Final = Trigger()
_NO_INPUTS: Final = TaskInputs()
_NO_RETRY: Final = Retry()
_NOWHERE: Final = Constant(value=None)
_KEY: Final = re.compile(r"""\[(?:"([^"]*)"|'([^']*)')\]""")
_SELECTOR: Final = re.compile(rf"\s*parseJson\(string_value\)((?:{_KEY.pattern})+)\s*")
_STRATEGIES: Final = {
    "TRIGGER_STRATEGY_UNSPECIFIED": Strategy.ALL_SUCCEEDED,
    "ALL_UPSTREAM_TASKS_SUCCEEDED": Strategy.ALL_SUCCEEDED,
    "ALL_UPSTREAM_TASKS_COMPLETED": Strategy.ALL_COMPLETED,
}


def task(key: str, given: wire.Task, place: Place) -> Task:
    """The task; what its parts cannot mean is a fault."""
    return Task(
        key=key,
        display_name=given.task_info.name or key,
        component=given.component_ref.name,
        inputs=_inputs(given.inputs, place / "inputs"),
        depends_on=tuple(given.dependent_tasks),
        trigger=_NO_TRIGGER if given.trigger_policy is None else _trigger(given.trigger_policy),
        caching=_NO_CACHING if given.caching_options is None else _caching(given.caching_options),
        retry=None if given.retry_policy is None else _retry(given.retry_policy, place / "retryPolicy"),
        iterator=_iterator(given, place),
        parallelism=_parallelism(given.iterator_policy, place),
    )


def _trigger(given: wire.TriggerPolicy) -> Trigger:
    return Trigger(strategy=_STRATEGIES[given.strategy], condition=given.condition or None)


def _caching(given: wire.CachingOptions) -> Caching:
    return Caching(enabled=given.enable_cache, key=given.cache_key)


def _retry(given: wire.RetryPolicy, place: Place) -> Retry:
    return Retry(
        limit=count(given.max_retry_count, place / "maxRetryCount"),
        backoff_s=duration(given.backoff_duration, place / "backoffDuration", default=_NO_RETRY.backoff_s),
        factor=number(given.backoff_factor, place / "backoffFactor") or _NO_RETRY.factor,
        backoff_max_s=duration(
            given.backoff_max_duration, place / "backoffMaxDuration", default=_NO_RETRY.backoff_max_s
        ),
    )


def _parallelism(given: wire.IteratorPolicy | None, place: Place) -> int:
    return 0 if given is None else count(given.parallelism_limit, place / "iteratorPolicy" / "parallelismLimit")


# --- inputs -----------------------------------------------------------------------------------------------------------


def _inputs(given: wire.Inputs, place: Place) -> TaskInputs:
    if not given.parameters and not given.artifacts:
        return _NO_INPUTS
    return TaskInputs(
        parameters={name: _parameter(name, source, place) for name, source in given.parameters.items()},
        artifacts={name: _artifact(name, source, place) for name, source in given.artifacts.items()},
    )


def _parameter(name: str, given: wire.ParameterSource, place: Place) -> ParameterBinding:
    source = _source(given)
    if source is None:
        choice = "'componentInputParameter', 'taskOutputParameter', 'runtimeValue' or 'taskFinalStatus'"
        (place / "parameters" / name).fault(f"says not where the value comes from. Give it {choice}.")
    keys = _keys(given.parameter_expression_selector, name, place) if given.parameter_expression_selector else ()
    return ParameterBinding(source=source or _NOWHERE, keys=keys)


def _source(given: wire.ParameterSource) -> Constant | ParentInput | TaskOutput | FinalStatusOf | None:
    if given.component_input_parameter is not None:
        return ParentInput(name=given.component_input_parameter)
    if given.task_output_parameter is not None:
        origin = given.task_output_parameter
        return TaskOutput(task=origin.producer_task, output=origin.output_parameter_key)
    if given.runtime_value is not None:
        return value_of(given.runtime_value)
    return None if given.task_final_status is None else FinalStatusOf(task=given.task_final_status.producer_task)


def _keys(selector: str, name: str, place: Place) -> tuple[str, ...]:
    found = _SELECTOR.fullmatch(selector)
    if found is None:
        fix = 'Only keys are followed, as in parseJson(string_value)["a"]["b"]'
        (place / "parameters" / name / "parameterExpressionSelector").fault(f"is {shown(selector)}. {fix}.")
        return ()
    return tuple(double or single for double, single in _KEY.findall(found[1]))


def _artifact(name: str, given: wire.ArtifactSource, place: Place) -> ArtifactBinding:
    if given.task_output_artifact is not None:
        origin = given.task_output_artifact
        return TaskOutput(task=origin.producer_task, output=origin.output_artifact_key)
    if given.component_input_artifact is None:
        choice = "'componentInputArtifact' or 'taskOutputArtifact'"
        (place / "artifacts" / name).fault(f"says not where the artifact comes from. Give it {choice}.")
    return ParentInput(name=given.component_input_artifact or "")


# --- loops ------------------------------------------------------------------------------------------------------------


def _iterator(given: wire.Task, place: Place) -> ParameterIterator | ArtifactIterator | None:
    if given.artifact_iterator is not None:
        if given.parameter_iterator is not None:
            place.fault("has both 'parameterIterator' and 'artifactIterator'. Keep one of them.")
        loop = given.artifact_iterator
        return ArtifactIterator(item_input=loop.item_input, input=loop.items.input_artifact)
    if given.parameter_iterator is None:
        return None
    return _parameter_iterator(given.parameter_iterator, place / "parameterIterator" / "items")


def _parameter_iterator(given: wire.ParameterLoop, place: Place) -> ParameterIterator:
    if given.items.raw is None:
        return ParameterIterator(item_input=given.item_input, input=given.items.input_parameter)
    try:
        items = msgspec.json.decode(given.items.raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        items = None
    if not isinstance(items, list):
        (place / "raw").fault(f"is {shown(given.items.raw)}, where a list as JSON text belongs.")
        items = []
    return ParameterIterator(item_input=given.item_input, items=tuple(items))
