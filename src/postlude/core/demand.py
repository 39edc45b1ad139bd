"""What an attempt needs for itself while it runs: its component's requests, and limits where only those are given.

Source: Kubernetes takes a limit as the request where there is none, and refuses requests above their limit.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from postlude.core.exchange import NO_RESOURCES, rendered_resources
from postlude.core.run_state import Run
from postlude.core.task import Code, Task, TaskError
from postlude.spec.quantity import QuantityError, millicpus, size_bytes, whole_number
from postlude.spec.types import Container, Resources


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts that nobody else may use meanwhile.

    Attributes:
        millicpus: Thousandths of a processor.
        devices: Accelerators.
        device_type: What the author calls them ("nvidia.com/gpu"); "" where there is no name, or no demand.
    """

    millicpus: int = 0
    memory_bytes: int = 0
    devices: int = 0
    device_type: str = ""


NO_DEMAND: Final = Demand()


def demand_of(run: Run, task: Task) -> Demand | TaskError:
    """What a leaf task whose inputs are resolved asks for, or what is wrong with that."""
    executor = run.pipeline.executors.get(task.component.executor)
    if not isinstance(executor, Container) or executor.resources == NO_RESOURCES:
        return NO_DEMAND
    try:
        return _demand(rendered_resources(run, task, executor))
    except QuantityError as error:
        return TaskError(code=Code.INVALID_ARGUMENT, message=f"{error}")


def _demand(asked: Resources) -> Demand:
    devices = _read("accelerator count", whole_number, asked.accelerator_count)
    return Demand(
        millicpus=_request("CPU", millicpus, asked.cpu_request, asked.cpu_limit),
        memory_bytes=_request("memory", size_bytes, asked.memory_request, asked.memory_limit),
        devices=devices,
        device_type=asked.accelerator_type if devices else "",
    )


def _request(what: str, read: Callable[[str], int], request: str, limit: str) -> int:
    amount, most = _read(f"{what} request", read, request), _read(f"{what} limit", read, limit)
    if most and amount > most:
        raise QuantityError(
            f"{what} request: '{request}' is above the limit of '{limit}'. Raise the limit or ask for less"
        )
    return amount or most


def _read(where: str, read: Callable[[str], int], text: str) -> int:
    """The amount; none where nothing is said."""
    if not text.strip():
        return 0
    try:
        return read(text)
    except QuantityError as error:
        raise QuantityError(f"{where}: {error}") from error


# --- words ------------------------------------------------------------------------------------------------------------

_BINARY: Final = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def words_of(demand: Demand) -> Iterator[str]:
    """What is asked for, in words; nothing for no demand."""
    if demand.millicpus:
        yield cpu_words(demand.millicpus)
    if demand.memory_bytes:
        yield memory_words(demand.memory_bytes)
    if demand.devices:
        yield device_words(demand.devices, demand.device_type)


def cpu_words(amount: int) -> str:
    """Thousandths of a processor, in words."""
    return "1 CPU" if amount == 1000 else f"{amount / 1000:g} CPUs"


def memory_words(amount: int) -> str:
    """Bytes, in words."""
    return f"{size_words(amount)} of memory"


def size_words(amount: int) -> str:
    """Bytes in the largest unit that there is at least one of."""
    factor, unit = next(((factor, unit) for factor, unit in _BINARY if amount >= factor), (1, "bytes"))
    return f"{amount / factor:.4g} {unit}"


def device_words(count: int, name: str) -> str:
    """Accelerators, in words."""
    kind = f" ({name})" if name else ""
    return f"{count} GPU{'' if count == 1 else 's'}{kind}"
