"""Make a value fit the type its input or output declares, the way KFP's driver does.

Every value can be read as a STRING (as JSON text, unless it is one); nothing else is converted, except numbers to the
declared kind of number, because the IR writes them all as doubles. JSON has no NaN and no infinity: they never fit.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from math import isfinite
from typing import Final

import msgspec

from postlude.spec.placeholders import render_text
from postlude.spec.types import Json, ParameterType


class MisfitError(Exception):
    """The value does not fit; the message says what was expected and what was found."""


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "True", "TRUE", "T", "t", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "F", "f", "0"), False),
}
"""How a program may write a boolean to an output file: authors write `str(value)`, and shells write 0 and 1."""


def conform(value: Json, declared: ParameterType) -> Json:
    """The value as the declared type has it.

    Raises:
        MisfitError: It cannot be.
    """
    return _CONFORM[declared](value)


def parse_text(text: str, declared: ParameterType) -> Json:
    """Read what a program wrote to an output file as the declared type.

    Raises:
        MisfitError: The text is no such value.
    """
    if declared is ParameterType.STRING:
        return text
    if declared is ParameterType.BOOLEAN and text.strip() in _BOOLEANS:
        return _BOOLEANS[text.strip()]
    try:
        value = msgspec.json.decode(text.strip())
    except msgspec.DecodeError:
        raise _misfit(text, declared) from None
    return conform(value, declared)


def preview(value: Json) -> str:
    """The value as JSON, short enough for a message."""
    text = msgspec.json.encode(value).decode() if not isinstance(value, float) or isfinite(value) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _misfit(value: Json, declared: ParameterType) -> MisfitError:
    return MisfitError(f"expected {declared.value}, got {preview(value)}")


def _string(value: Json) -> Json:
    return render_text(value)


def _integer(value: Json) -> Json:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _misfit(value, ParameterType.NUMBER_INTEGER)


def _double(value: Json) -> Json:
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            if isfinite(value):
                return float(value)
    raise _misfit(value, ParameterType.NUMBER_DOUBLE)


def _exactly(declared: ParameterType, *kinds: type) -> Callable[[Json], Json]:
    def check(value: Json) -> Json:
        if isinstance(value, kinds):
            return value
        raise _misfit(value, declared)

    return check


_CONFORM: Final[Mapping[ParameterType, Callable[[Json], Json]]] = {
    ParameterType.STRING: _string,
    ParameterType.NUMBER_INTEGER: _integer,
    ParameterType.NUMBER_DOUBLE: _double,
    ParameterType.BOOLEAN: _exactly(ParameterType.BOOLEAN, bool),
    ParameterType.LIST: _exactly(ParameterType.LIST, list, tuple),
    ParameterType.STRUCT: _exactly(ParameterType.STRUCT, dict),
    ParameterType.TASK_FINAL_STATUS: _exactly(ParameterType.TASK_FINAL_STATUS, dict),
    ParameterType.TASK_CONFIG: _exactly(ParameterType.TASK_CONFIG, dict),
}
