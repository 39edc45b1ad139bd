"""The IR as it is written: one struct an object, every field optional, unknown fields ignored.

Source: KFP's pipeline_spec.proto in its JSON form, where 64-bit integers may be text and every number may be a float.
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from postlude.spec.types import Json, ParameterType

Number = float | str
"""A number, or its text."""

LegacyType = Literal["PRIMITIVE_TYPE_UNSPECIFIED", "INT", "DOUBLE", "STRING"]
StrategyWord = Literal["TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_TASKS_SUCCEEDED", "ALL_UPSTREAM_TASKS_COMPLETED"]


class Wire(Struct, rename="camel", frozen=True, kw_only=True, gc=False):
    """An object of the IR."""


class ArtifactType(Wire, frozen=True, gc=False):
    schema_title: str = ""
    schema_version: str = ""


class Parameter(Wire, frozen=True, gc=False):
    parameter_type: ParameterType | None = None
    type: LegacyType = "PRIMITIVE_TYPE_UNSPECIFIED"
    default_value: Json | UnsetType = UNSET
    is_optional: bool = False
    literals: list[Json] = []
    description: str = ""


class Artifact(Wire, frozen=True, gc=False):
    artifact_type: ArtifactType = ArtifactType()
    is_artifact_list: bool = False
    is_optional: bool = False
    metadata: dict[str, Json] = {}
    description: str = ""


class Definitions(Wire, frozen=True, gc=False):
    parameters: dict[str, Parameter] = {}
    artifacts: dict[str, Artifact] = {}


class LegacyValue(Wire, frozen=True, gc=False):
    int_value: Number | UnsetType = UNSET
    double_value: Number | UnsetType = UNSET
    string_value: str | UnsetType = UNSET


class Value(Wire, frozen=True, gc=False):
    constant: Json | UnsetType = UNSET
    constant_value: LegacyValue | UnsetType = UNSET
    runtime_parameter: str = ""


class FromTaskParameter(Wire, frozen=True, gc=False):
    producer_task: str = ""
    output_parameter_key: str = ""


class FromTaskArtifact(Wire, frozen=True, gc=False):
    producer_task: str = ""
    output_artifact_key: str = ""


class FromStatus(Wire, frozen=True, gc=False):
    producer_task: str = ""


class ParameterSource(Wire, frozen=True, gc=False):
    task_output_parameter: FromTaskParameter | None = None
    runtime_value: Value | None = None
    component_input_parameter: str | None = None
    task_final_status: FromStatus | None = None
    parameter_expression_selector: str = ""


class ArtifactSource(Wire, frozen=True, gc=False):
    task_output_artifact: FromTaskArtifact | None = None
    component_input_artifact: str | None = None


class Inputs(Wire, frozen=True, gc=False):
    parameters: dict[str, ParameterSource] = {}
    artifacts: dict[str, ArtifactSource] = {}


class TaskInfo(Wire, frozen=True, gc=False):
    name: str = ""


class ComponentRef(Wire, frozen=True, gc=False):
    name: str = ""


class TriggerPolicy(Wire, frozen=True, gc=False):
    condition: str = ""
    strategy: StrategyWord = "TRIGGER_STRATEGY_UNSPECIFIED"


class CachingOptions(Wire, frozen=True, gc=False):
    enable_cache: bool = False
    cache_key: str = ""


class RetryPolicy(Wire, frozen=True, gc=False):
    max_retry_count: Number = 0.0
    backoff_duration: str = ""
    backoff_factor: Number = 0.0
    backoff_max_duration: str = ""


class IteratorPolicy(Wire, frozen=True, gc=False):
    parallelism_limit: Number = 0.0


class ParameterItems(Wire, frozen=True, gc=False):
    raw: str | None = None
    input_parameter: str = ""


class ParameterLoop(Wire, frozen=True, gc=False):
    items: ParameterItems = ParameterItems()
    item_input: str = ""


class ArtifactItems(Wire, frozen=True, gc=False):
    input_artifact: str = ""


class ArtifactLoop(Wire, frozen=True, gc=False):
    items: ArtifactItems = ArtifactItems()
    item_input: str = ""


class Task(Wire, frozen=True, gc=False):
    task_info: TaskInfo = TaskInfo()
    component_ref: ComponentRef = ComponentRef()
    inputs: Inputs = Inputs()
    dependent_tasks: list[str] = []
    trigger_policy: TriggerPolicy | None = None
    caching_options: CachingOptions | None = None
    retry_policy: RetryPolicy | None = None
    iterator_policy: IteratorPolicy | None = None
    parameter_iterator: ParameterLoop | None = None
    artifact_iterator: ArtifactLoop | None = None


class ParameterSelector(Wire, frozen=True, gc=False):
    producer_subtask: str = ""
    output_parameter_key: str = ""


class ParameterSelectors(Wire, frozen=True, gc=False):
    parameter_selectors: list[ParameterSelector] = []


class DagParameter(Wire, frozen=True, gc=False):
    value_from_parameter: ParameterSelector | None = None
    value_from_oneof: ParameterSelectors | None = None


class ArtifactSelector(Wire, frozen=True, gc=False):
    producer_subtask: str = ""
    output_artifact_key: str = ""


class DagArtifact(Wire, frozen=True, gc=False):
    artifact_selectors: list[ArtifactSelector] = []


class DagOutputs(Wire, frozen=True, gc=False):
    parameters: dict[str, DagParameter] = {}
    artifacts: dict[str, DagArtifact] = {}


class Dag(Wire, frozen=True, gc=False):
    tasks: dict[str, Task] = {}
    outputs: DagOutputs = DagOutputs()


class Passthrough(Wire, frozen=True, gc=False):
    field: str = ""
    apply_to_task: bool = False


class Component(Wire, frozen=True, gc=False):
    input_definitions: Definitions = Definitions()
    output_definitions: Definitions = Definitions()
    dag: Dag | None = None
    executor_label: str = ""
    task_config_passthroughs: list[Passthrough] = []


class Accelerator(Wire, frozen=True, gc=False):
    type: str = ""
    count: Number = ""
    resource_type: str = ""
    resource_count: Number = ""


class Resources(Wire, frozen=True, gc=False):
    cpu_limit: Number = ""
    memory_limit: Number = ""
    cpu_request: Number = ""
    memory_request: Number = ""
    resource_cpu_limit: str = ""
    resource_memory_limit: str = ""
    resource_cpu_request: str = ""
    resource_memory_request: str = ""
    accelerator: Accelerator = Accelerator()


class Variable(Wire, frozen=True, gc=False):
    name: str = ""
    value: str = ""


class Container(Wire, frozen=True, gc=False):
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    env: list[Variable] = []
    resources: Resources = Resources()


class Importer(Wire, frozen=True, gc=False):
    artifact_uri: Value = Value()
    type_schema: ArtifactType = ArtifactType()
    metadata: dict[str, Json] = {}
    reimport: bool = False
    download_to_workspace: bool = False


class Executor(Wire, frozen=True, gc=False):
    container: Container | None = None
    importer: Importer | None = None
    resolver: Json | UnsetType = UNSET
    custom_job: Json | UnsetType = UNSET


class Deployment(Wire, frozen=True, gc=False):
    executors: dict[str, Executor] = {}


class PipelineInfo(Wire, frozen=True, gc=False):
    name: str = ""
    display_name: str = ""
    description: str = ""


class PipelineSpec(Wire, frozen=True, gc=False):
    """The first document."""

    pipeline_info: PipelineInfo = PipelineInfo()
    root: Component = Component()
    components: dict[str, Component] = {}
    deployment_spec: Deployment = Deployment()
    sdk_version: str = ""
    schema_version: str = ""
    default_pipeline_root: str = ""


class PlatformDeployment(Wire, frozen=True, gc=False):
    executors: dict[str, dict[str, Json]] = {}


class PipelineConfig(Wire, frozen=True, gc=False):
    workspace: dict[str, Json] | None = None
    active_deadline_seconds: Number = 0.0


class Platform(Wire, frozen=True, gc=False):
    deployment_spec: PlatformDeployment = PlatformDeployment()
    pipeline_config: PipelineConfig = PipelineConfig()


class Platforms(Wire, frozen=True, gc=False):
    kubernetes: Platform = Platform()


class PlatformSpec(Wire, frozen=True, gc=False):
    """The second document."""

    platforms: Platforms = Platforms()
