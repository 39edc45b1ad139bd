"""An attempt as the arguments of the engine's `run`: pure, so that every rule is a row of a table."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from postlude.core.task import TaskPath
from postlude.executors.container.accelerators import accelerators
from postlude.executors.container.engine import Engine
from postlude.executors.container.environment import Variables
from postlude.executors.container.mounts import Mount
from postlude.ports.executor import Attempt
from postlude.spec.quantity import QuantityError, cpus, size_bytes
from postlude.spec.types import Resources

RUN_LABEL: Final = "postlude.run"

_FIXED: Final = (
    "run",
    "--pull=never",  # the image is here by now, and pulling has its own words when it fails
    "--log-driver=none",  # the attempt's log is the only copy
    "--sig-proxy=false",  # only `terminate` decides who gets which signal
    "--pids-limit=4096",  # a fork bomb ends in its own container; Kubernetes has such a limit for each node
    "--userns=host",  # where an engine is set up to map users, numbers here and there would not be the same
    "--security-opt=label=disable",  # else SELinux forbids what is mounted; relabelling the user's files is worse
)


def container_name(run_id: str, path: TaskPath, attempt: int, *, owner: str) -> str:
    """The container's name: the same each time its owner asks for it, and never that of another owner's container.

    What is looked at, signalled and removed by this name is therefore the owner's own, also where a crash left a
    container of the same attempt behind.
    """
    digest = hashlib.sha256(f"{owner}\0{path}\0{attempt}".encode()).hexdigest()[:16]
    return f"postlude-{run_id}-{digest}"


def run_arguments(
    attempt: Attempt, *, engine: Engine, name: str, mounts: Sequence[Mount], variables: Variables, user: Sequence[str]
) -> tuple[str, ...]:
    """The arguments that make the engine's client run the attempt, attached, and keep the container to be looked at.

    Raises:
        QuantityError: A resource limit is no quantity; the message names the limit.
    """
    return (
        *_FIXED,
        f"--name={name}",
        f"--label={RUN_LABEL}={attempt.run_id}",
        f"--label=postlude.task={attempt.path}",
        f"--label=postlude.attempt={attempt.attempt}",
        *(f"--mount={mount.option}" for mount in mounts),
        *user,
        *variables.options,
        *_limits(attempt.resources),
        *accelerators(attempt, engine),
        *_program(attempt),
    )


def _limits(resources: Resources) -> Iterator[str]:
    if resources.cpu_limit:
        yield f"--cpus={_read('CPU limit', cpus, resources.cpu_limit)}"
    if resources.memory_limit:
        size = _read("memory limit", size_bytes, resources.memory_limit)
        yield f"--memory={size}"
        yield f"--memory-swap={size}"  # both at once: as on Kubernetes, a limit cannot be dodged by swapping


def _read(where: str, read: Callable[[str], str | int], text: str) -> str | int:
    try:
        return read(text)
    except QuantityError as error:
        raise QuantityError(f"{where}: {error}") from error


def _program(attempt: Attempt) -> tuple[str, ...]:
    """KFP's command replaces the image's ENTRYPOINT and CMD; args alone replace only its CMD."""
    if attempt.argv and not attempt.args_only:
        return (f"--entrypoint={attempt.argv[0]}", "--", attempt.image, *attempt.argv[1:])
    return ("--", attempt.image, *attempt.argv)
