"""Dataclasses that cost little to define: most programs use a few of the many kinds of value there are.

`dataclass` here is that of the standard library, for values: frozen and slotted, nothing else. The standard
one compiles six methods of each class as its module is imported, a tenth of the time of a short run. This one compiles
none then: what can be said once for all classes is, and `__init__` is compiled when it is first called.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from functools import partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - under this name checkers know what it does
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """A decorator of classes of frozen, slotted values; it makes no others."""
        if not (frozen and slots):
            raise TypeError("values are frozen and slotted: use dataclasses.dataclass for other classes")
        return partial(_value_class, kw_only=kw_only)


def _value_class(plain: type, *, kw_only: bool) -> type:
    plain.__doc__ = plain.__doc__ or plain.__name__  # The standard library would write one, from a signature.
    declared: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(plain)
    own = vars(plain)
    methods = {**_SHARED, **_comparing(declared), "__init__": _first_init(declared)}
    for name, method in methods.items():
        if name not in own or own[name] is None:
            setattr(declared, name, method)
    made: type = declared
    return made


# --- comparing --------------------------------------------------------------------------------------------------------


def _comparing(cls: Any) -> dict[str, Callable[..., Any]]:
    values = _getter([field.name for field in fields(cls) if field.compare])

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - becomes that method
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807 - becomes that method
        return hash(values(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _getter(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _value: ()


# --- making -----------------------------------------------------------------------------------------------------------


def _first_init(cls: Any) -> Callable[..., None]:
    """An `__init__` that puts the compiled one in its own place."""

    def __init__(self: Any, *arguments: Any, **values: Any) -> None:  # noqa: N807 - becomes that method
        cls.__init__ = compiled = _compiled_init(cls)
        compiled(self, *arguments, **values)

    return __init__


def _compiled_init(cls: Any) -> Callable[..., None]:
    names: dict[str, Any] = {"_UNSET": MISSING}
    lines = [line for field in fields(cls) for line in _assigned(cls, field, names)]
    parameters = ", ".join(["self", *_parameters(fields(cls), names)])
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    text = f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"])
    exec(text, names)  # noqa: S102 - the names of our own classes' fields, as the standard library does
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _parameters(all_fields: Sequence[Field[Any]], names: dict[str, Any]) -> list[str]:
    anywhere = [_parameter(field, names) for field in all_fields if not field.kw_only]
    by_name = [_parameter(field, names) for field in all_fields if field.kw_only]
    return [*anywhere, *(["*"] if by_name else []), *by_name]


def _parameter(field: Field[Any], names: dict[str, Any]) -> str:
    if field.default is not MISSING:
        names[f"_default_{field.name}"] = field.default
        return f"{field.name}=_default_{field.name}"
    return f"{field.name}=_UNSET" if field.default_factory is not MISSING else field.name


def _assigned(cls: Any, field: Field[Any], names: dict[str, Any]) -> Iterator[str]:
    names[f"_set_{field.name}"] = getattr(cls, field.name).__set__  # The slot's own: it knows nothing of being frozen.
    if field.default_factory is not MISSING:
        names[f"_make_{field.name}"] = field.default_factory
        yield f"if {field.name} is _UNSET: {field.name} = _make_{field.name}()"
    yield f"_set_{field.name}(self, {field.name})"


# --- the same for all classes -----------------------------------------------------------------------------------------


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_assignment(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in fields(self)]


def _take_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_SHARED = {
    "__repr__": _repr,
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_deletion,
    "__getstate__": _state,
    "__setstate__": _take_state,
}
