"""Who may start next, and what can never start: the policy, as functions of values.

The oldest waiting task (the head) starts as soon as what it asks for is free. While it has to wait, a younger task may
start before it only out of what the head will not need: for everything that both ask for, there must be enough left
for the head. So nothing that starts meanwhile delays the head, every task is the head at some time, and none waits for
ever. Tasks that ask for nothing never stand in anybody's way; they need a worker only.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from postlude.core.demand import Demand, cpu_words, device_words, size_words
from postlude.core.task import Code, TaskError

Amounts = tuple[int, int, int]
"""Thousandths of a processor, bytes of memory, accelerators."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine gives to tasks.

    Attributes:
        millicpus: Thousandths of a processor.
        devices: The accelerators, as CUDA_VISIBLE_DEVICES names them.
        device_type: What tasks must ask for to get them; those that name no type get them too.
    """

    millicpus: int
    memory_bytes: int
    devices: tuple[str, ...] = ()
    device_type: str = "nvidia.com/gpu"

    @property
    def amounts(self) -> Amounts:
        """All of it."""
        return self.millicpus, self.memory_bytes, len(self.devices)


UNLIMITED: Final = Offer(millicpus=sys.maxsize, memory_bytes=sys.maxsize)
"""Processors and memory are not counted; there are no accelerators."""


def amounts(demand: Demand) -> Amounts:
    """What a task takes while it runs."""
    return demand.millicpus, demand.memory_bytes, demand.devices


def fits(asked: Amounts, free: Amounts) -> bool:
    """Whether all that is asked for is free."""
    return all(one <= left for one, left in zip(asked, free, strict=True))


def spares(head: Amounts, asked: Amounts, free: Amounts) -> bool:
    """Whether the head finds what it needs as soon as without the other: of what both ask for, enough stays free."""
    shared = (each for each in zip(head, asked, free, strict=True) if each[0] and each[1])
    return all(needed + taken <= left for needed, taken, left in shared)


def choose(waiting: Iterable[Demand], free: Amounts) -> Demand | None:
    """The demand to serve next; None where nobody may start.

    Args:
        waiting: What waiting tasks ask for, the oldest first. Equal demands need to be given once only.
        free: What nobody uses.
    """
    each = iter(waiting)
    head = next(each, None)
    if head is None or fits(amounts(head), free):
        return head
    first = amounts(head)
    behind = (one for one in each if fits(amounts(one), free) and spares(first, amounts(one), free))
    return next(behind, None)


def refusal(demand: Demand, offer: Offer) -> TaskError | None:
    """Why the demand can never be met on this machine; None where it can."""
    found = "; ".join(_lacking(demand, offer))
    return TaskError(code=Code.RESOURCE_EXHAUSTED, message=found) if found else None


def _lacking(demand: Demand, offer: Offer) -> Iterator[str]:
    if demand.millicpus > offer.millicpus:
        yield _short(cpu_words(demand.millicpus), f"{offer.millicpus / 1000:g}", "--cpus")
    if demand.memory_bytes > offer.memory_bytes:
        asked, offered = size_words(demand.memory_bytes), size_words(offer.memory_bytes)
        if asked == offered:
            asked, offered = f"{demand.memory_bytes} bytes", f"{offer.memory_bytes} bytes"
        yield _short(f"{asked} of memory", offered, "--memory")
    if demand.device_type and demand.device_type != offer.device_type:
        yield _unknown_type(demand, offer)
    elif demand.devices > len(offer.devices):
        asked = device_words(demand.devices, demand.device_type)
        yield _short(asked, str(len(offer.devices) or "none"), "--gpus")


def _short(asked: str, offered: str, option: str) -> str:
    return f"asks for {asked}, this machine offers {offered}: lower it, or pass {option}"


def _unknown_type(demand: Demand, offer: Offer) -> str:
    has = device_words(len(offer.devices), offer.device_type) if offer.devices else "no accelerator"
    kind, count = demand.device_type, demand.devices
    return f"asks for {count} of '{kind}', this machine offers {has}: ask for that, or pass --gpus {kind}={count}"
