"""What goes into a task's program and what comes out: KFP's ExecutorInput and ExecutorOutput, and the rendered command.

Source: `ExecutorInput` and `ExecutorOutput` in KFP's pipeline_spec.proto.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from postlude.core.conform import MisfitError, conform, parse_text
from postlude.core.facts import fact
from postlude.core.run_state import Run
from postlude.core.task import Artifact, Code, Outputs, Task, TaskError
from postlude.spec import placeholders
from postlude.spec.types import NOTHING, Constant, Container, Importer, Json, ParameterType, ParentInput, Resources


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where one attempt reads and writes: absolute local paths.

    Attributes:
        outputs: The directory of its output files.
        artifacts: The directory or URL prefix of its output artifacts.
        mounts: The directory below which buckets are found as directories; "" for KFP's own places (/gcs, /s3, ...).
    """

    outputs: str
    artifacts: str
    mounts: str = ""

    @property
    def report(self) -> str:
        """The file of the ExecutorOutput, beside the artifacts: `dsl.get_uri` makes URIs of its directory."""
        directory = self.outputs if is_local(self.artifacts) else local_path(self.artifacts, self.mounts)
        return f"{directory}/executor_output.json"


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A task's program with nothing left to resolve.

    Attributes:
        args_only: Whether argv holds args alone, for the image's own entry point.
    """

    image: str
    argv: tuple[str, ...]
    args_only: bool
    env: Mapping[str, str]
    resources: Resources
    executor_input: Mapping[str, Json]
    platform: Mapping[str, Json] = NOTHING
    timeout_s: float | None = None


NO_RESOURCES: Final = Resources()
_FILE: Final = "file:"


# --- into the program -------------------------------------------------------------------------------------------------


def program(run: Run, task: Task, container: Container, places: Places) -> Program:
    """The program of an attempt of a task whose inputs are resolved."""
    resources = rendered_resources(run, task, container)
    executor_input = _executor_input(task, container, resources, places)

    def lookup(placeholder: placeholders.Placeholder) -> Json | UnsetType:
        if isinstance(placeholder, placeholders.ExecutorInputJson):
            return msgspec.json.encode(executor_input).decode()
        return _part(run, task, executor_input, placeholder, places.mounts)

    def present(name: str) -> bool:
        return name in task.inputs.parameters or name in task.inputs.artifacts

    return Program(
        image=placeholders.render(container.image, lookup),
        argv=placeholders.render_argv((*container.command, *container.args), lookup, present),
        args_only=not container.command,
        env={name: placeholders.render(value, lookup) for name, value in container.env.items()},
        resources=resources,
        executor_input=executor_input,
        platform=container.platform,
        timeout_s=container.timeout_s,
    )


def known_facts(run: Run, task: Task, placeholder: placeholders.Placeholder) -> Json | UnsetType:
    """The value of a pipeline-level placeholder; every other one stays as it is written."""
    return fact(run, task, placeholder.name) if isinstance(placeholder, placeholders.PipelineValue) else UNSET


def _executor_input(task: Task, container: Container, resources: Resources, places: Places) -> Mapping[str, Json]:
    outputs = task.component.outputs
    return {
        "inputs": {
            "parameterValues": {**task.inputs.parameters, **_task_config(task, container, resources)},
            "artifacts": {
                name: {"artifacts": [_runtime_artifact(one) for one in given]}
                for name, given in task.inputs.artifacts.items()
            },
        },
        "outputs": {
            "parameters": {name: {"outputFile": f"{places.outputs}/{name}"} for name in outputs.parameters},
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": name,
                            "type": {"schemaTitle": declared.schema_title, "schemaVersion": declared.schema_version},
                            "uri": f"{places.artifacts}/{name}",
                            "metadata": dict(declared.metadata),
                        }
                    ]
                }
                for name, declared in outputs.artifacts.items()
            },
            "outputFile": places.report,
        },
    }


def _runtime_artifact(artifact: Artifact) -> Json:
    """The artifact as the SDK's executor reads it; the SDK knows local files by their bare path only."""
    found = {
        "name": artifact.name,
        "type": {"schemaTitle": artifact.schema_title, "schemaVersion": artifact.schema_version},
        "uri": bare_path(artifact.uri),
        "metadata": dict(artifact.metadata),
    }
    return {**found, "customPath": artifact.custom_path} if artifact.custom_path else found


def rendered_resources(run: Run, task: Task, container: Container) -> Resources:
    """What a container of a task whose inputs are resolved asks for, with no placeholder left."""
    if container.resources == NO_RESOURCES:
        return NO_RESOURCES

    def lookup(placeholder: placeholders.Placeholder) -> Json | UnsetType:
        return _part(run, task, {}, placeholder)

    texts = {name: getattr(container.resources, name) for name in Resources.__struct_fields__}
    return Resources(**{name: placeholders.render(text, lookup) for name, text in texts.items()})


def _task_config(task: Task, container: Container, resources: Resources) -> Mapping[str, Json]:
    """A value for each input of type TASK_CONFIG: the settings that the component passes through."""
    names = [
        name
        for name, declared in task.component.inputs.parameters.items()
        if declared.type is ParameterType.TASK_CONFIG and name not in task.inputs.parameters
    ]
    return {name: _passed_through(task, container, resources) for name in names}


_PLATFORM_FIELDS: Final = {
    "KUBERNETES_AFFINITY": ("affinity", "nodeAffinity"),
    "KUBERNETES_TOLERATIONS": ("tolerations", "tolerations"),
    "KUBERNETES_NODE_SELECTOR": ("nodeSelector", "nodeSelector"),
    "KUBERNETES_VOLUMES": ("volumes", "pvcMount"),
}


def _passed_through(task: Task, container: Container, resources: Resources) -> Json:
    wanted = {field for field, _ in task.component.task_config}
    config: dict[str, Json] = {
        key: container.platform[source]
        for field, (key, source) in _PLATFORM_FIELDS.items()
        if field in wanted and source in container.platform
    }
    if "ENV" in wanted:
        config["env"] = [{"name": name, "value": value} for name, value in container.env.items()]
    if "RESOURCES" in wanted:
        config["resources"] = _kubernetes_resources(resources)
    return config


def _kubernetes_resources(resources: Resources) -> Json:
    limits = {"cpu": resources.cpu_limit, "memory": resources.memory_limit}
    if resources.accelerator_type:
        limits[resources.accelerator_type] = resources.accelerator_count
    requests = {"cpu": resources.cpu_request, "memory": resources.memory_request}
    both = {"limits": limits, "requests": requests}
    return {kind: {name: text for name, text in amounts.items() if text} for kind, amounts in both.items()}


def _part(
    run: Run, task: Task, executor_input: Mapping[str, Json], placeholder: placeholders.Placeholder, mounts: str = ""
) -> Json | UnsetType:
    """What a placeholder of a command stands for."""
    match placeholder:
        case placeholders.InputParameter(name=name):
            return task.inputs.parameters.get(name)
        case placeholders.OutputParameterFile(name=name):
            return executor_input["outputs"]["parameters"].get(name, {}).get("outputFile", UNSET)
        case placeholders.InputArtifact():
            return _input_artifact_part(task, executor_input["inputs"]["artifacts"], placeholder, mounts)
        case placeholders.OutputArtifact():
            return _artifact_part(executor_input["outputs"]["artifacts"], placeholder, mounts)
        case placeholders.OutputFile() | placeholders.OutputMetadataUri():
            return executor_input["outputs"]["outputFile"]
        case _:
            return known_facts(run, task, placeholder)


def _input_artifact_part(
    task: Task, artifacts: Mapping[str, Json], placeholder: placeholders.InputArtifact, mounts: str
) -> Json:
    """As an output's, but the whole of a list is all of its artifacts: components that take one read it as JSON."""
    declared = task.component.inputs.artifacts.get(placeholder.name)
    if declared is not None and declared.is_list and not placeholder.field:
        return artifacts.get(placeholder.name, {}).get("artifacts", [])
    return _artifact_part(artifacts, placeholder, mounts)


def _artifact_part(
    artifacts: Mapping[str, Json], placeholder: placeholders.InputArtifact | placeholders.OutputArtifact, mounts: str
) -> Json | UnsetType:
    given = artifacts.get(placeholder.name, {}).get("artifacts", [])
    if not given:
        return None
    match placeholder.field:
        case "":
            return given[0]
        case "path":
            return local_path(given[0]["uri"], mounts)
        case field:
            return given[0].get(field)


_MOUNTS: Final = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}
"""Where KFP shows buckets to tasks as directories."""
_OWN_MOUNTS: Final = {**_MOUNTS, "az://": "/az/", "http://": "/http/", "https://": "/https/"}


def local_path(uri: str, mounts: str = "") -> str:
    """Where a task finds the bytes of an artifact: the place at which its bucket is shown, else the path itself.

    Args:
        uri: The artifact's.
        mounts: The directory that stands for the root of KFP's own places; "" for those.
    """
    for scheme, mount in (_OWN_MOUNTS if mounts else _MOUNTS).items():
        if uri.startswith(scheme):
            return mounts + mount + uri.removeprefix(scheme)
    return bare_path(uri)


def remote_uri(path: str, mounts: str) -> str:
    """The URI whose `local_path` this is; a path that is none stays as it is."""
    for scheme, mount in _OWN_MOUNTS.items():
        if path.startswith(mounts + mount):
            return scheme + path.removeprefix(mounts + mount)
    return path


def is_local(uri: str) -> bool:
    """Whether a URI means a file of this machine."""
    return "://" not in bare_path(uri)


def bare_path(uri: str) -> str:
    """A file URL as the path that it means; any other URI, or a path, as it stands."""
    return unquote(urlsplit(uri).path) if uri.lower().startswith(_FILE) else uri


# --- out of the program -----------------------------------------------------------------------------------------------


def outputs_of(
    task: Task, executor_input: Mapping[str, Json], written: Mapping[str, Json], files: Mapping[str, str]
) -> Outputs | TaskError:
    """What an attempt produced, typed as declared.

    Args:
        task: The task.
        executor_input: What the attempt was given.
        written: The ExecutorOutput that its program wrote; empty where it wrote none.
        files: The text of each output parameter's file that exists, by output name.

    Returns:
        The outputs, or code NOT_FOUND for a parameter that was not written (F14), INVALID_ARGUMENT for one of a wrong
        type.
    """
    parameters: dict[str, Json] = {}
    values = written.get("parameterValues", {})
    for name, declared in task.component.outputs.parameters.items():
        try:
            if values.get(name) is not None:
                parameters[name] = conform(values[name], declared.type)
            elif name in files:
                parameters[name] = parse_text(files[name], declared.type)
            else:
                return TaskError(code=Code.NOT_FOUND, message=f"output '{name}' was not written")
        except MisfitError as misfit:
            return TaskError(code=Code.INVALID_ARGUMENT, message=f"output '{name}': {misfit}")
    return Outputs(parameters=parameters, artifacts=_output_artifacts(task, executor_input, written))


def _output_artifacts(
    task: Task, executor_input: Mapping[str, Json], written: Mapping[str, Json]
) -> Mapping[str, tuple[Artifact, ...]]:
    """Output artifacts: what the program says of them, over what it was told."""
    told, said = executor_input["outputs"]["artifacts"], written.get("artifacts", {})
    found = {}
    for name in task.component.outputs.artifacts:
        base = told[name]["artifacts"][0]
        entries = said.get(name, {}).get("artifacts") or [base]
        found[name] = tuple(_output_artifact(task, base, entry) for entry in entries)
    return found


def _output_artifact(task: Task, base: Json, entry: Json) -> Artifact:
    kind = {**base["type"], **entry.get("type", {})}
    return Artifact(
        name=entry.get("name") or base["name"],
        uri=entry.get("uri") or base["uri"],
        schema_title=kind.get("schemaTitle") or "system.Artifact",
        schema_version=kind.get("schemaVersion", ""),
        metadata={**base["metadata"], **entry.get("metadata", {})},
        producer=task.path,
        custom_path=entry.get("custom_path") or entry.get("customPath") or "",
    )


# --- importers --------------------------------------------------------------------------------------------------------


def imported(run: Run, task: Task, importer: Importer) -> Artifact | TaskError:
    """The artifact that an importer names, before anybody looked whether it is there."""

    def lookup(placeholder: placeholders.Placeholder) -> Json | UnsetType:
        return _part(run, task, {}, placeholder)

    match importer.uri:
        case Constant(value=value):
            uri = placeholders.substitute(value, lookup)
        case ParentInput(name=name):
            uri = task.inputs.parameters.get(name)
    if not isinstance(uri, str) or not uri.strip():
        return TaskError(code=Code.INVALID_ARGUMENT, message="nothing to import: the URI is empty")
    return Artifact(
        name="artifact",
        uri=uri,
        schema_title=importer.schema_title,
        schema_version=importer.schema_version,
        metadata=placeholders.substitute(dict(importer.metadata), lookup),
        producer=task.path,
    )
