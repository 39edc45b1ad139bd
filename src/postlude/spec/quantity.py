"""Kubernetes quantities: "500m" of a processor, "1Gi" of memory."""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Final

_FACTORS: Final[Mapping[str, Decimal]] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "K": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}

_QUANTITY: Final = re.compile(
    r"(?P<number>[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,2})|(?P<suffix>[numkKMGTPE]|[KMGTPE]i)?)",
    re.ASCII,
)

_SMALLEST_SHARE: Final = Decimal("0.01")
"""Of a processor: the scheduler of Linux grants no less than 1 ms in each 100 ms, and Kubernetes rounds up to it."""


class QuantityError(ValueError):
    """The text is not a quantity above zero; the message says what to write."""


def quantity(text: str) -> Decimal:
    """The number that a Kubernetes quantity stands for, zero included.

    Raises:
        QuantityError: The text is no quantity.

    Source: the `Quantity` type of the Kubernetes API. "K" is accepted too, as the SDK accepts it.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise QuantityError(
            f"'{text}' is not a quantity. Write a number, with a suffix where needed: '500m', '2', '1Gi', '2G'"
        )
    number = Decimal(found["number"])
    return number.scaleb(int(found["exponent"])) if found["exponent"] else number * _FACTORS[found["suffix"] or ""]


def some(text: str) -> Decimal:
    """As `quantity`, for what cannot be nothing.

    Raises:
        QuantityError: The text is no quantity, or not above zero.
    """
    value = quantity(text)
    if value <= 0:
        raise QuantityError(f"'{text}' is not above zero. Leave the limit out where there is to be none")
    return value


def cpus(text: str) -> str:
    """A processor quantity as the engines' `--cpus` takes it: "500m" gives "0.5".

    Raises:
        QuantityError: As for `some`.
    """
    share = max(some(text), _SMALLEST_SHARE)
    return f"{share.quantize(Decimal('0.001'), rounding=ROUND_CEILING):f}".rstrip("0").rstrip(".")


def size_bytes(text: str) -> int:
    """A memory quantity in whole bytes, rounded up: "1Ki" gives 1024.

    Raises:
        QuantityError: As for `quantity`.
    """
    return int(quantity(text).to_integral_value(rounding=ROUND_CEILING))


def millicpus(text: str) -> int:
    """A processor quantity in thousandths of a processor, rounded up: "0.5" gives 500.

    Raises:
        QuantityError: As for `quantity`.
    """
    return int((quantity(text) * 1000).to_integral_value(rounding=ROUND_CEILING))


def whole_number(text: str) -> int:
    """A quantity of what cannot be shared: "2" gives 2.

    Raises:
        QuantityError: As for `quantity`; also for a part of one.
    """
    value = quantity(text)
    if value != value.to_integral_value():
        raise QuantityError(f"'{text}' is not a whole number")
    return int(value)
