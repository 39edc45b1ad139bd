"""What a pipeline is: the KFP v2 intermediate representation (IR) as frozen values.

The names follow KFP's `pipeline_spec.proto`; `load` builds these values from IR text and `check` applies the rules
that hold across parts. Nothing here runs anything.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of them."""


class _Nothing(dict[str, Any]):
    """The empty mapping as a default: hashable, so that values that have it are, and encoded as any dict is."""

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


class ParameterInput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class ArtifactInput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A declared input artifact, or list of artifacts."""

    schema_title: str = "system.Artifact"
    schema_version: str = ""
    is_list: bool = False
    optional: bool = False
    description: str = ""


class ParameterOutput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A declared output parameter."""

    type: ParameterType
    description: str = ""


class ArtifactOutput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A declared output artifact, or list of artifacts (outputs of DAGs only)."""

    schema_title: str = "system.Artifact"
    schema_version: str = ""
    is_list: bool = False
    metadata: Mapping[str, Json] = NOTHING
    description: str = ""


class InputDefinitions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The inputs a component declares, by name."""

    parameters: Mapping[str, ParameterInput] = NOTHING
    artifacts: Mapping[str, ArtifactInput] = NOTHING


class OutputDefinitions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The outputs a component declares, by name."""

    parameters: Mapping[str, ParameterOutput] = NOTHING
    artifacts: Mapping[str, ArtifactOutput] = NOTHING


# --- where a task's inputs come from ----------------------------------------------------------------------------------


class Constant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value written in the IR; its strings may hold placeholders."""

    value: Json


class ParentInput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An input of the DAG the task stands in (`componentInputParameter`, `componentInputArtifact`)."""

    name: str


class TaskOutput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An output of a task in the same DAG (`taskOutputParameter`, `taskOutputArtifact`)."""

    task: str
    output: str


class FinalStatusOf(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The final status of a task or group in the same DAG (`taskFinalStatus.producerTask`)."""

    task: str


class ParameterBinding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What feeds one input parameter.

    Attributes:
        source: Where the value comes from.
        keys: Keys to follow into the value, outermost first: the IR's `parseJson(string_value)["a"]["b"]`.
    """

    source: Constant | ParentInput | TaskOutput | FinalStatusOf
    keys: tuple[str, ...] = ()


ArtifactBinding = ParentInput | TaskOutput


class TaskInputs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What feeds each input of a task, by input name."""

    parameters: Mapping[str, ParameterBinding] = NOTHING
    artifacts: Mapping[str, ArtifactBinding] = NOTHING


# --- tasks and DAGs ---------------------------------------------------------------------------------------------------


class Trigger(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When a task starts.

    Attributes:
        strategy: Which upstream states let it start.
        condition: A CEL expression over the task's inputs; None where there is none.
    """

    strategy: Strategy = Strategy.ALL_SUCCEEDED
    condition: str | None = None


class Caching(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether a task's outputs may be reused, and under which key.

    Attributes:
        key: The author's own cache key, "" where the key is computed from the task.
    """

    enabled: bool = False
    key: str = ""


class Retry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class ParameterIterator(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One iteration for each item of a list.

    Attributes:
        items: The items themselves (strings may hold placeholders), or None where `input` names them.
        input: The input parameter of the task that holds the list, "" where `items` are given.
        item_input: The component's input that receives the item.
    """

    item_input: str
    items: tuple[Json, ...] | None = None
    input: str = ""


class ArtifactIterator(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One iteration for each artifact of an input artifact list."""

    item_input: str
    input: str


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    inputs: TaskInputs = TaskInputs()
    depends_on: tuple[str, ...] = ()
    trigger: Trigger = Trigger()
    caching: Caching = Caching()
    retry: Retry | None = None
    iterator: ParameterIterator | ArtifactIterator | None = None
    parallelism: int = 0


class DagOutputs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which outputs of its tasks a DAG passes out, by output name.

    Several selectors mean OneOf: the first, in order, whose task produced the output.
    """

    parameters: Mapping[str, tuple[TaskOutput, ...]] = NOTHING
    artifacts: Mapping[str, tuple[TaskOutput, ...]] = NOTHING


class Topology(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class Dag(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The tasks of a component that is made of tasks, by key, and what it passes out."""

    tasks: Mapping[str, Task] = NOTHING
    outputs: DagOutputs = DagOutputs()
    topology: Topology = Topology()


class Component(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An interface and what implements it: a DAG, or the label of an executor.

    Attributes:
        dag: None where an executor implements the component.
        executor: A key of `Pipeline.executors`, "" where a DAG implements it.
        task_config: `taskConfigPassthroughs`: pairs of field (`RESOURCES`, `ENV`, ...) and apply-to-task.
    """

    name: str
    inputs: InputDefinitions = InputDefinitions()
    outputs: OutputDefinitions = OutputDefinitions()
    dag: Dag | None = None
    executor: str = ""
    task_config: tuple[tuple[str, bool], ...] = ()


# --- executors --------------------------------------------------------------------------------------------------------


class Resources(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a container asks for. Each is text as the author wrote it ("500m", "1Gi", "1") or a placeholder, or ""."""

    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    accelerator_type: str = ""
    accelerator_count: str = ""


class Container(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A program in an image. Elements of command and args may hold placeholders and Concat / IfPresent structs.

    Attributes:
        platform: The executor's part of the platform spec (kfp-kubernetes), as written: `secretAsEnv`, `pvcMount`, ...
        timeout_s: The platform spec's `activeDeadlineSeconds`; None where there is none.
    """

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = NOTHING
    resources: Resources = Resources()
    platform: Mapping[str, Json] = NOTHING
    timeout_s: float | None = None


class Importer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class Pipeline(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
