"""What a pipeline is: the KFP v2 intermediate representation (IR) as frozen values.

The names follow KFP's `pipeline_spec.proto`; `load` builds these values from IR text and `check` applies the rules
that hold across parts. Nothing here runs anything.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Final, NoReturn

from msgspec import UNSET, UnsetType

from postlude.spec.values import dataclass

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of them."""


class _Nothing(dict[str, Any]):
    """The empty mapping as a default: hashable, as dataclasses ask of defaults (MappingProxyType is only from 3.12)."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __setitem__(self, key: str, value: object) -> NoReturn:
        raise TypeError("NOTHING stays empty: build a new mapping")


NOTHING: Final[Mapping[str, Any]] = _Nothing()


class ParameterType(Enum):
    """The declared type of a parameter; the values are the IR's words."""

    NUMBER_DOUBLE = "NUMBER_DOUBLE"
    NUMBER_INTEGER = "NUMBER_INTEGER"
    STRING = "STRING"
    BOOLEAN = "BOOLEAN"
    LIST = "LIST"
    STRUCT = "STRUCT"
    TASK_FINAL_STATUS = "TASK_FINAL_STATUS"
    TASK_CONFIG = "TASK_CONFIG"


class Strategy(Enum):
    """Which upstream states let a task start; the values are the IR's words."""

    ALL_SUCCEEDED = "ALL_UPSTREAM_TASKS_SUCCEEDED"
    ALL_COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"


# --- interfaces -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterInput:
    """A declared input parameter.

    Attributes:
        type: Its declared type.
        default: The default value, UNSET where the IR gives none (None is a value).
        optional: Whether the input may be left out.
        literals: The only values allowed, empty where any is.
    """

    type: ParameterType
    default: Json | UnsetType = UNSET
    optional: bool = False
    literals: tuple[Json, ...] = ()
    description: str = ""

    @property
    def required(self) -> bool:
        """Whether a value must be given: neither optional nor defaulted."""
        return not self.optional and self.default is UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInput:
    """A declared input artifact, or list of artifacts."""

    schema_title: str = "system.Artifact"
    schema_version: str = ""
    is_list: bool = False
    optional: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterOutput:
    """A declared output parameter."""

    type: ParameterType
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactOutput:
    """A declared output artifact, or list of artifacts (outputs of DAGs only)."""

    schema_title: str = "system.Artifact"
    schema_version: str = ""
    is_list: bool = False
    metadata: Mapping[str, Json] = NOTHING
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDefinitions:
    """The inputs a component declares, by name."""

    parameters: Mapping[str, ParameterInput] = NOTHING
    artifacts: Mapping[str, ArtifactInput] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDefinitions:
    """The outputs a component declares, by name."""

    parameters: Mapping[str, ParameterOutput] = NOTHING
    artifacts: Mapping[str, ArtifactOutput] = NOTHING


# --- where a task's inputs come from ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A value written in the IR; its strings may hold placeholders."""

    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentInput:
    """An input of the DAG the task stands in (`componentInputParameter`, `componentInputArtifact`)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutput:
    """An output of a task in the same DAG (`taskOutputParameter`, `taskOutputArtifact`)."""

    task: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalStatusOf:
    """The final status of a task or group in the same DAG (`taskFinalStatus.producerTask`)."""

    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterBinding:
    """What feeds one input parameter.

    Attributes:
        source: Where the value comes from.
        keys: Keys to follow into the value, outermost first: the IR's `parseJson(string_value)["a"]["b"]`.
    """

    source: Constant | ParentInput | TaskOutput | FinalStatusOf
    keys: tuple[str, ...] = ()


ArtifactBinding = ParentInput | TaskOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInputs:
    """What feeds each input of a task, by input name."""

    parameters: Mapping[str, ParameterBinding] = NOTHING
    artifacts: Mapping[str, ArtifactBinding] = NOTHING


# --- tasks and DAGs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When a task starts.

    Attributes:
        strategy: Which upstream states let it start.
        condition: A CEL expression over the task's inputs; None where there is none.
    """

    strategy: Strategy = Strategy.ALL_SUCCEEDED
    condition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """Whether a task's outputs may be reused, and under which key.

    Attributes:
        key: The author's own cache key, "" where the key is computed from the task.
    """

    enabled: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What is allowed after a failed attempt.

    Attributes:
        limit: Retries after the first attempt.
        backoff_s: Seconds before the first retry.
        factor: Each further wait is this many times the one before it.
        backoff_max_s: No wait is longer.
    """

    limit: int = 0
    backoff_s: float = 0.0
    factor: float = 2.0
    backoff_max_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterIterator:
    """One iteration for each item of a list.

    Attributes:
        items: The items themselves (strings may hold placeholders), or None where `input` names them.
        input: The input parameter of the task that holds the list, "" where `items` are given.
        item_input: The component's input that receives the item.
    """

    item_input: str
    items: tuple[Json, ...] | None = None
    input: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactIterator:
    """One iteration for each artifact of an input artifact list."""

    item_input: str
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of a DAG.

    Attributes:
        key: Its key among the DAG's tasks: the name in paths.
        display_name: `taskInfo.name`, what people see.
        component: The name of the component it runs, a key of `Pipeline.components`.
        depends_on: `dependentTasks`, as written.
        retry: None where the task sets no policy (it then inherits one).
        parallelism: Iterations at a time; 0 where there is no limit.
    """

    key: str
    display_name: str = ""
    component: str
    inputs: TaskInputs = field(default_factory=TaskInputs)
    depends_on: tuple[str, ...] = ()
    trigger: Trigger = field(default_factory=Trigger)
    caching: Caching = field(default_factory=Caching)
    retry: Retry | None = None
    iterator: ParameterIterator | ArtifactIterator | None = None
    parallelism: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DagOutputs:
    """Which outputs of its tasks a DAG passes out, by output name.

    Several selectors mean OneOf: the first, in order, whose task produced the output.
    """

    parameters: Mapping[str, tuple[TaskOutput, ...]] = NOTHING
    artifacts: Mapping[str, tuple[TaskOutput, ...]] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Who waits for whom in one DAG; derived from its tasks by `spec.topology`.

    Attributes:
        upstreams: For each task, the tasks it depends on: `dependentTasks` and the producers of its inputs.
        gates: For each task, the exit tasks of the groups it depends on; it waits for them, whatever their state.
        dependents: The reverse of both: for each task, the tasks to look at again when it is final.
        exit_of: For each exit task, the group it belongs to.
    """

    upstreams: Mapping[str, tuple[str, ...]] = NOTHING
    gates: Mapping[str, tuple[str, ...]] = NOTHING
    dependents: Mapping[str, tuple[str, ...]] = NOTHING
    exit_of: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Dag:
    """The tasks of a component that is made of tasks, by key, and what it passes out."""

    tasks: Mapping[str, Task] = NOTHING
    outputs: DagOutputs = field(default_factory=DagOutputs)
    topology: Topology = field(default_factory=Topology)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An interface and what implements it: a DAG, or the label of an executor.

    Attributes:
        dag: None where an executor implements the component.
        executor: A key of `Pipeline.executors`, "" where a DAG implements it.
        task_config: `taskConfigPassthroughs`: pairs of field (`RESOURCES`, `ENV`, ...) and apply-to-task.
    """

    name: str
    inputs: InputDefinitions = field(default_factory=InputDefinitions)
    outputs: OutputDefinitions = field(default_factory=OutputDefinitions)
    dag: Dag | None = None
    executor: str = ""
    task_config: tuple[tuple[str, bool], ...] = ()


# --- executors --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a container asks for. Each is text as the author wrote it ("500m", "1Gi", "1") or a placeholder, or ""."""

    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    accelerator_type: str = ""
    accelerator_count: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A program in an image. Elements of command and args may hold placeholders and Concat / IfPresent structs.

    Attributes:
        platform: The executor's part of the platform spec (kfp-kubernetes), as written: `secretAsEnv`, `pvcMount`, ...
        timeout_s: The platform spec's `activeDeadlineSeconds`; None where there is none.
    """

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = NOTHING
    resources: Resources = field(default_factory=Resources)
    platform: Mapping[str, Json] = NOTHING
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Registers an existing artifact.

    Attributes:
        uri: The URI, or the name of the input parameter that holds it.
        metadata: Values whose strings may hold placeholders.
        reimport: Whether to register it anew even where the same URI is known.
        to_workspace: Whether the bytes are copied into the run's workspace.
    """

    uri: Constant | ParentInput
    schema_title: str = "system.Artifact"
    schema_version: str = ""
    metadata: Mapping[str, Json] = NOTHING
    reimport: bool = False
    to_workspace: bool = False


Executor = Container | Importer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A whole pipeline.

    Attributes:
        name: `pipelineInfo.name`.
        root: The root component; its DAG is the run.
        digest: sha256 (hex) of the canonical IR, platform spec included.
        source: The IR document(s) as plain values: the pipeline spec, and the platform spec or None.
        workspace: Whether the pipeline config asks for a workspace.
        timeout_s: The pipeline config's deadline (`activeDeadlineSeconds`); None where there is none.
    """

    name: str
    root: Component
    components: Mapping[str, Component] = NOTHING
    executors: Mapping[str, Executor] = NOTHING
    display_name: str = ""
    description: str = ""
    pipeline_root: str = ""
    sdk_version: str = ""
    schema_version: str = ""
    digest: str = ""
    source: tuple[Json, Json] = (None, None)
    workspace: bool = False
    timeout_s: float | None = None
