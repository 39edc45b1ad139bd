"""Numbers and times as proto JSON spells them."""

import re
from math import isfinite
from typing import Final

from postlude.spec.places import Place
from postlude.spec.shape import shown
from postlude.spec.types import Json

_DURATION: Final = re.compile(r"\d+(\.\d+)?s")


def number(value: Json, place: Place) -> float:
    """A number, or the text of one, not negative; anything else is a fault and gives 0."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = -1.0
    if isinstance(value, bool) or not isfinite(found) or found < 0:
        place.fault(f"is {shown(value)}, where a number from 0 on belongs.")
        return 0.0
    return found


def count(value: Json, place: Place) -> int:
    """A whole number, or the text of one, not negative; anything else is a fault and gives 0."""
    found = number(value, place)
    if not found.is_integer():
        place.fault(f"is {shown(value)}, where a whole number belongs.")
        return 0
    return int(found)


def seconds(value: Json, place: Place) -> float | None:
    """A time limit in seconds, None where there is none (missing or 0)."""
    return None if value is None else number(value, place) or None


def duration(text: str, place: Place, *, default: float) -> float:
    """A duration such as "3600s" in seconds; the default where there is none."""
    if not text:
        return default
    if not _DURATION.fullmatch(text):
        place.fault(f'is {shown(text)}, where a duration belongs. Write it in seconds, as in "30s".')
        return default
    return float(text[:-1])


def whole(value: Json) -> Json:
    """The value with the whole numbers in its lists and objects as integers; a bare number as it stands.

    The SDK writes every number of a constant as a double, so that [1, 2] reads [1.0, 2.0] in the IR. A bare number has
    a declared type that says what it is; those inside have none, and KFP gives tasks integers.
    """
    match value:
        case list():
            return [_whole_inside(item) for item in value]
        case dict():
            return {key: _whole_inside(item) for key, item in value.items()}
        case _:
            return value


def _whole_inside(value: Json) -> Json:
    return int(value) if isinstance(value, float) and value.is_integer() else whole(value)
