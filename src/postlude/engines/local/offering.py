"""What tasks are offered: what the operator says, and what was found of this machine for the rest."""

from typing import Final

from postlude.engines.local.admission import Offer
from postlude.engines.local.machine import Machine
from postlude.spec.problem import ConfigError
from postlude.spec.quantity import QuantityError, millicpus, size_bytes, whole_number

_DEVICES_MAX: Final = 1024


def offer(machine: Machine, *, cpus: str = "", memory: str = "", gpus: str = "") -> Offer:
    """What tasks are offered.

    Args:
        machine: What was found.
        cpus: Processors, as Kubernetes writes them ("4", "500m"); "" for what was found.
        memory: Memory, likewise ("8Gi").
        gpus: "N" accelerators, or "TYPE=N" for another type than the machine's.

    Raises:
        ConfigError: One of them is no such amount.
    """
    name, equals, count = gpus.rpartition("=")
    devices = machine.devices if not gpus else _named(machine.devices, _amount("gpus", count, least=0))
    if equals and not name:
        raise ConfigError(f"gpus: '{gpus}' names no type. Give a number, or TYPE=NUMBER.")
    return Offer(
        millicpus=_amount("cpus", cpus) if cpus else machine.millicpus,
        memory_bytes=_amount("memory", memory) if memory else machine.memory_bytes,
        devices=devices,
        device_type=name or machine.device_type,
    )


_READ: Final = {"cpus": millicpus, "memory": size_bytes, "gpus": whole_number}


def _amount(name: str, text: str, *, least: int = 1) -> int:
    try:
        amount = _READ[name](text)
    except QuantityError as error:
        raise ConfigError(f"{name}: {error}.") from error
    if amount < least:
        raise ConfigError(f"{name}: is {text}. Give more than that, or leave it out for what this machine has.")
    return amount


def _named(found: tuple[str, ...], count: int) -> tuple[str, ...]:
    """So many accelerators: the machine's own first, then numbers that none of them has."""
    if count > _DEVICES_MAX:
        raise ConfigError(f"gpus: is {count}. Give {_DEVICES_MAX} or less.")
    others = (str(number) for number in range(count + len(found)))
    return tuple([*found, *(one for one in others if one not in found)][:count])
