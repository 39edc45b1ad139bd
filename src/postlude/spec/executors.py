"""What runs a component: containers and importers, from the IR and the platform spec."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from postlude.spec import wire
from postlude.spec.numbers import seconds, whole
from postlude.spec.places import Place
from postlude.spec.shape import shown
from postlude.spec.types import Constant, Container, Executor, Importer, Json, ParentInput, Resources

_ELSEWHERE: Final = "is not supported outside Vertex AI. Use a container component instead."
_ANY: Final = "system.Artifact"
_NOTHING_ASKED: Final = wire.Resources()
_NO_RESOURCES: Final = Resources()


def executors(
    deployment: wire.Deployment, platform: Mapping[str, Mapping[str, Json]], spec: Place, platform_spec: Place
) -> dict[str, Executor]:
    """The executors by label; what cannot run here is a fault.

    Args:
        deployment: The deployment spec.
        platform: The Kubernetes part of the platform spec, by executor label.
        spec: Where the executors stand in the pipeline spec.
        platform_spec: Where they stand in the platform spec.
    """
    return {
        label: _executor(executor, platform.get(label, {}), spec / label, platform_spec / label)
        for label, executor in deployment.executors.items()
    }


def value_of(value: wire.Value) -> Constant | ParentInput | None:
    """Where a value comes from, in any of the spellings; None where it is none of them."""
    if value.runtime_parameter:
        return ParentInput(name=value.runtime_parameter)
    if value.constant is not UNSET:
        return Constant(value=whole(value.constant))
    if isinstance(value.constant_value, wire.LegacyValue):
        return _legacy(value.constant_value)
    return None


def _legacy(value: wire.LegacyValue) -> Constant | None:
    if value.string_value is not UNSET:
        return Constant(value=value.string_value)
    number = value.int_value if value.int_value is not UNSET else value.double_value
    if number is UNSET:
        return None
    read = int if value.int_value is not UNSET else float
    try:
        return Constant(value=read(number))
    except (ValueError, OverflowError):
        return None


def _executor(executor: wire.Executor, platform: Mapping[str, Json], place: Place, platform_place: Place) -> Executor:
    if executor.importer is not None:
        return _importer(executor.importer, place / "importer")
    if executor.container is not None:
        return _container(executor.container, platform, place / "container", platform_place)
    for key, value in (("resolver", executor.resolver), ("customJob", executor.custom_job)):
        if value is not UNSET:
            (place / key).fault(_ELSEWHERE)
            break
    else:
        place.fault("has neither 'container' nor 'importer'. Give it one of them.")
    return Container(image="")


def _container(
    container: wire.Container, platform: Mapping[str, Json], place: Place, platform_place: Place
) -> Container:
    if not container.image:
        (place / "image").fault("is missing. Name an image.")
    limit = platform.get("activeDeadlineSeconds")
    return Container(
        image=container.image,
        command=tuple(container.command),
        args=tuple(container.args),
        env={variable.name: variable.value for variable in container.env},
        resources=_resources(container.resources),
        platform=platform,
        timeout_s=None if limit is None else seconds(limit, platform_place / "activeDeadlineSeconds"),
    )


def _resources(given: wire.Resources) -> Resources:
    if given == _NOTHING_ASKED:
        return _NO_RESOURCES
    accelerator = given.accelerator
    return Resources(
        cpu_request=given.resource_cpu_request or _amount(given.cpu_request),
        cpu_limit=given.resource_cpu_limit or _amount(given.cpu_limit),
        memory_request=given.resource_memory_request or _amount(given.memory_request, "G"),
        memory_limit=given.resource_memory_limit or _amount(given.memory_limit, "G"),
        accelerator_type=accelerator.resource_type or accelerator.type,
        accelerator_count=_amount(accelerator.resource_count) or _amount(accelerator.count),
    )


def _amount(given: wire.Number, unit: str = "") -> str:
    """An amount as text: SDKs before 2.7 wrote numbers, of cores or of gigabytes, and 0 where there was none."""
    if isinstance(given, str):
        return given if given != "0" else ""
    return f"{given:.15g}{unit}" if given else ""


def _importer(importer: wire.Importer, place: Place) -> Importer:
    return Importer(
        uri=_uri(importer.artifact_uri, place / "artifactUri"),
        schema_title=importer.type_schema.schema_title or _ANY,
        schema_version=importer.type_schema.schema_version,
        metadata=whole(importer.metadata),
        reimport=importer.reimport,
        to_workspace=importer.download_to_workspace,
    )


def _uri(value: wire.Value, place: Place) -> Constant | ParentInput:
    found = value_of(value)
    if found is None:
        place.fault("has neither 'constant' nor 'runtimeParameter'. Say where the artifact is.")
    elif isinstance(found, Constant) and not isinstance(found.value, str):
        (place / "constant").fault(f"is {shown(found.value)}, where text belongs.")
    return found or Constant(value="")
