"""How programs are told which accelerators are theirs."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from postlude.ports.executor import Attempt

_NAMES: Final = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def only_its_own(attempt: Attempt) -> Attempt:
    """The attempt, as a process of this machine sees it: with its accelerators, and no others, in its variables.

    What the author sets stays: it is the way to say that a task looks after its accelerators by itself.
    """
    return replace(attempt, env={**_variables(attempt), **attempt.env})


def _variables(attempt: Attempt) -> Mapping[str, str]:
    return dict.fromkeys(_NAMES, ",".join(attempt.devices))
