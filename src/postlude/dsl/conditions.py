"""Conditions that mean what they say: the SDK compiles `flag == 1`, for a flag that is a bool, to `flag == false`."""

import dataclasses
from typing import Any, Final

from postlude.dsl import sdk

_NUMBERS: Final = ("NUMBER_INTEGER", "NUMBER_DOUBLE")
_OPERANDS: Final = (("left_operand", "right_operand"), ("right_operand", "left_operand"))


def repaired(condition: Any) -> Any:
    """The condition with a constant of the type of what it is compared with, as Python compares True with 1.

    Args:
        condition: A comparison of the SDK; anything else is given back.

    Raises:
        DslError: A bool is compared with a number that is neither 0 nor 1, or with a number of a task.
    """
    for name, other in _OPERANDS:
        mine, its = getattr(condition, name, None), getattr(condition, other, None)
        if isinstance(mine, sdk.Channel) and isinstance(its, bool | int | float):
            fitting = _fitting(mine, its)
            return condition if fitting is its else dataclasses.replace(condition, **{other: fitting})
        if isinstance(mine, sdk.Channel) and isinstance(its, sdk.Channel):
            _require_comparable(mine, its)
    return condition


def _fitting(channel: Any, constant: float) -> Any:
    kind = _kind(channel)
    if kind in _NUMBERS and isinstance(constant, bool):
        return int(constant)
    if kind != "BOOLEAN" or isinstance(constant, bool):
        return constant
    if constant in (0, 1):
        return bool(constant)
    raise sdk.DslError(
        f"condition: compares '{channel.full_name}', which is a bool, with {constant}. Compare it with True or False."
    )


def _require_comparable(one: Any, other: Any) -> None:
    if _kind(one) == "BOOLEAN" and _kind(other) in _NUMBERS:
        raise sdk.DslError(
            f"condition: compares '{one.full_name}', which is a bool, with '{other.full_name}', which is a number. "
            "Let both be the same type."
        )


def _kind(channel: Any) -> str:
    """The name of the type in the IR."""
    declared = sdk.type_utils.get_parameter_type(channel.channel_type)
    return str(sdk.pb2.ParameterType.ParameterTypeEnum.Name(declared))


class Condition(sdk.dsl.Condition):  # type: ignore[misc]  # the SDK has no types
    """`kfp.dsl.Condition`, the older word for `If`."""

    def __init__(self, condition: Any, name: str | None = None) -> None:
        super().__init__(repaired(condition), name)


if hasattr(sdk.dsl, "If"):

    class If(sdk.dsl.If):  # type: ignore[misc]  # as above
        """`kfp.dsl.If`, which also compares a bool with 0 and 1."""

        def __init__(self, condition: Any, name: str | None = None) -> None:
            super().__init__(repaired(condition), name)

    class Elif(sdk.dsl.Elif):  # type: ignore[misc]  # as above
        """`kfp.dsl.Elif`, which also compares a bool with 0 and 1."""

        def __init__(self, condition: Any, name: str | None = None) -> None:
            super().__init__(repaired(condition), name)
