"""What each pipeline is given, and what is expected of those that fail as they were written."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postlude.spec.types import NOTHING, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How one pipeline is run, and how it is to end.

    Attributes:
        arguments: Its input parameters.
        pretended: What it asks for and any machine pretends to have, as options of a run: its code uses none of it.
        limit_s: Seconds after which the run is canceled.
        fails: Why its own code fails, "" where it is to succeed.
        error: A part of the run's error where it fails.
    """

    arguments: Mapping[str, Json] = NOTHING
    pretended: Mapping[str, str] = NOTHING
    limit_s: float = 120.0
    fails: str = ""
    error: str = ""


_STATE_OF_A_FAILED_TASK: Final = "fail-op exits with 1 so that a later task can read its status; the run says FAILED"
_FLAT: Final = "its code adds up lists of lists, and Collected of nested loops is one flat list (C8)"
_FLAT_ERROR: Final = "TypeError: 'int' object is not iterable"
_MACHINE: Final = Case(pretended={"cpus": "4", "memory": "15G", "gpus": "NVIDIA_TESLA_P4=1"})
_JOB: Final = Case(arguments={"project": "sample", "location": "us-central1"})


def _secret(**values: str) -> str:
    """A Kubernetes secret's data as JSON text."""
    return json.dumps({name: base64.b64encode(value.encode()).decode() for name, value in values.items()})


_NO_STORE: Final = _secret(host="127.0.0.1", port="9", accesskey="nobody", secretkey="nothing", secure="false")

CASES: Final[Mapping[str, Case]] = {
    "arguments_parameters": Case(arguments={"param2": "world"}),
    "conditional_producer_and_consumers": Case(
        fails="its code sums up a Collected list, in which an iteration that took no branch is null (C9)",
        error="condition-4/add: TypeError: unsupported operand type(s) for +: 'int' and 'NoneType'",
    ),
    "container_io": Case(arguments={"text": "hello"}),
    "container_with_artifact_output": Case(arguments={"num_epochs": 2}),
    "container_with_concat_placeholder": Case(arguments={"text1": "hello"}),
    "containerized_python_component": Case(arguments={"message1": "hello", "message2": "world"}),
    "env-var": Case(arguments={"env_var": "HOME"}),
    "identity": Case(arguments={"value": "hello"}),
    "long-running": Case(limit_s=900.0),
    "nested_with_parameters": Case(fails=_FLAT, error=f"add: {_FLAT_ERROR}"),
    "notebook_component_mixed": Case(limit_s=300.0),
    "parameters_complex": Case(fails=_FLAT, error=f"nested-add: {_FLAT_ERROR}"),
    "pipeline_as_exit_task": Case(fails=_STATE_OF_A_FAILED_TASK, error="exit-handler-1/fail-op: exit code 1"),
    "pipeline_producer_consumer": Case(fails=_FLAT, error=f"add-pipeline/add: {_FLAT_ERROR}"),
    "pipeline_with_condition_dynamic_task_output_custom_training_job": _JOB,
    "pipeline_with_dynamic_task_output_custom_training_job": _JOB,
    "pipeline_with_parallelfor_parallelism": Case(arguments={"loop_parameter": ["a", "b", "c"]}),
    "pipeline_with_parallelfor_pipeline_param": Case(arguments={"loop_parameter": ["a", "b"], "prefix": "item"}),
    "pipeline_with_string_machine_fields_pipeline_input": _MACHINE,
    "pipeline_with_string_machine_fields_task_output": _MACHINE,
    "pipeline_with_task_final_status": Case(fails=_STATE_OF_A_FAILED_TASK, error="exit-handler-1/fail-op: exit code 1"),
    "pipeline_with_task_using_ignore_upstream_failure": Case(
        fails=_STATE_OF_A_FAILED_TASK, error="fail-op: exit code 1"
    ),
    "preprocess": Case(
        arguments={"message": "hello", "input_dict_parameter": {"a": 1}, "input_list_parameter": ["a", "b"]}
    ),
    "pvc_mount": Case(arguments={"pvc_name": "data"}),
    "sequential_v1": Case(arguments={"param1": "hello", "param2": "world"}),
    "sequential_v2": Case(arguments={"url": "gs://ml-pipeline/sample-data/shakespeare/shakespeare1.txt"}, limit_s=15.0),
    "take_nap_compiled": Case(arguments={"naptime_secs": 1}),
    "take_nap_pipeline_root_compiled": Case(arguments={"naptime_secs": 1}),
    "two_step_pipeline": Case(limit_s=15.0),
    "upload_download_compiled": Case(
        arguments={"bucket_name": "bucket", "mlpipeline_minio_artifact_secret": _NO_STORE}
    ),
}
"""By file name; a pipeline that is not named needs no arguments, and is to succeed."""

ORDINARY: Final = Case()


def case_of(name: str) -> Case:
    """How the pipeline with this file name is run."""
    return CASES.get(name, ORDINARY)
