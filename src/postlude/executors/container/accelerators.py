"""How a container gets its accelerators, and no others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from postlude.executors.container.engine import Engine
from postlude.ports.executor import Attempt

_AMD: Final = "amd.com/gpu"
_NONE: Final = {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}
"""For a container without any: images may ask for all of them by a variable of their own."""


def accelerators(attempt: Attempt, engine: Engine) -> Iterator[str]:
    """The options of `run` that give the attempt's accelerators to its container."""
    yield from _options(attempt, engine)
    for name, value in _variables(attempt).items():
        if name not in attempt.env:
            yield f"--env={name}={value}"


def _options(attempt: Attempt, engine: Engine) -> Sequence[str]:
    if not attempt.devices:
        return ()
    if attempt.resources.accelerator_type == _AMD:
        return ("--device=/dev/kfd", "--device=/dev/dri")
    return _NVIDIA_OPTIONS[engine](attempt.devices)


_NVIDIA_OPTIONS: Final[Mapping[Engine, Callable[[Sequence[str]], Sequence[str]]]] = {
    # the value is a line of CSV, in which the list of devices is one field
    Engine.DOCKER: lambda devices: [f'--gpus="device={",".join(devices)}"'],
    Engine.PODMAN: lambda devices: [f"--device=nvidia.com/gpu={device}" for device in devices],
}


def _variables(attempt: Attempt) -> Mapping[str, str]:
    if not attempt.devices:
        return _NONE
    if attempt.resources.accelerator_type == _AMD:
        return {"HIP_VISIBLE_DEVICES": ",".join(attempt.devices)}
    # inside, devices are numbered anew
    return {"CUDA_VISIBLE_DEVICES": ",".join(str(number) for number, _ in enumerate(attempt.devices))}
