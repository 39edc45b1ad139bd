"""What an engine says of itself that its containers depend on."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from postlude.executors.container.client import Client
from postlude.executors.container.engine import Engine
from postlude.spec.types import Json, Resources

_ANSWER_WITHIN_S: Final = 10.0


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """How an engine runs containers.

    Attributes:
        rootless: Whether it maps a container's root to the user who runs the engine.
        limits_memory: Whether it limits memory, or says itself that it does not.
        limits_cpus: Likewise for processors.
    """

    rootless: bool = False
    limits_memory: bool = True
    limits_cpus: bool = True

    def unheeded(self, resources: Resources) -> str:
        """What is to be said of limits that the engine drops without a word; "" where it drops none."""
        dropped = ", ".join(self._dropped(resources))
        return f"{dropped}: not enforced, since this Docker has no control groups to do so" if dropped else ""

    def _dropped(self, resources: Resources) -> Iterator[str]:
        if resources.memory_limit and not self.limits_memory:
            yield f"memory limit {resources.memory_limit}"
        if resources.cpu_limit and not self.limits_cpus:
            yield f"CPU limit {resources.cpu_limit}"


_OF_PODMAN: Final = Traits(rootless=True)


class _Info(msgspec.Struct, frozen=True, rename="pascal"):
    """Docker's daemon, as `info` tells of it."""

    security_options: tuple[str, ...] | None = None
    memory_limit: bool = True
    cpu_cfs_quota: bool = True
    host: Mapping[str, Json] | None = msgspec.field(default=None, name="host")
    """Told by Podman alone, which some systems also call `docker`."""


def traits_of(engine: Engine, client: Client) -> Traits:
    """The traits of an engine; those of a Docker of root where it does not answer. Podman warns of limits itself."""
    if engine is Engine.PODMAN:
        return _OF_PODMAN
    answer = client.call("info", "--format", "{{json .}}", timeout_s=_ANSWER_WITHIN_S)
    try:
        info = msgspec.json.decode(answer.output, type=_Info)
    except msgspec.MsgspecError:
        return Traits()
    if info.host is not None:
        return _OF_PODMAN
    return Traits(
        rootless="name=rootless" in (info.security_options or ()),
        limits_memory=info.memory_limit,
        limits_cpus=info.cpu_cfs_quota,
    )
