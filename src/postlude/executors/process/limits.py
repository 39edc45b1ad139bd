"""What a component's resource limits mean for a process of this machine."""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal

from postlude.spec.quantity import QuantityError, size_bytes, some
from postlude.spec.types import Resources


def memory_bytes(resources: Resources) -> int | None:
    """The most memory it may hold, None where it has no limit.

    Raises:
        QuantityError: The limit is no quantity; the message names the limit.
    """
    return _read("memory limit", size_bytes, resources.memory_limit) if resources.memory_limit else None


def processors(resources: Resources) -> int | None:
    """How many processors it may use, None where it has no limit. A part of one counts as one.

    Raises:
        QuantityError: The limit is no quantity; the message names the limit.
    """
    return _read("CPU limit", _whole, resources.cpu_limit) if resources.cpu_limit else None


def _whole(text: str) -> int:
    return int(some(text).quantize(Decimal(1), rounding=ROUND_CEILING))


def _read(where: str, read: Callable[[str], int], text: str) -> int:
    try:
        return read(text)
    except QuantityError as error:
        raise QuantityError(f"{where}: {error}") from error
