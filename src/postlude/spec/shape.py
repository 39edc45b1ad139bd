"""Types of a document's parts: every part of a wrong type, named; the rest can still be checked."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, inspect

from postlude.spec.places import Place
from postlude.spec.types import Json

_KINDS: Final = ((bool, "a boolean"), (int | float, "a number"), (str, "text"), (list, "a list"), (dict, "an object"))
_LONGEST: Final = 40

Document = TypeVar("Document", bound=msgspec.Struct)


def shaped(value: Json, document: type[Document], place: Place) -> Document:
    """The value as a struct; each part of a wrong type is a fault, and is left out."""
    try:
        return msgspec.convert(value, document)
    except msgspec.ValidationError as error:
        mended = _mended(value, inspect.type_info(document), place)
        if not place.problems:
            place.fault(f"{error}.")
        return msgspec.convert({} if mended is UNSET else mended, document)


def shown(value: Json) -> str:
    """A value as errors quote it: short JSON and its kind."""
    kind = next((word for type_, word in _KINDS if isinstance(value, type_)), "null")
    if kind in ("a list", "an object", "null"):
        return kind
    whole = isinstance(value, float) and value.is_integer()
    text = msgspec.json.encode(int(value) if whole else value).decode()
    return f"{text if len(text) <= _LONGEST else text[:_LONGEST] + '...'} ({kind})"


def _mended(value: Json, kind: inspect.Type, place: Place) -> Json | UnsetType:
    return _MENDERS.get(type(kind), _as_it_is)(value, kind, place)


def _as_it_is(value: Json, _kind: inspect.Type, _place: Place) -> Json:
    return value


def _wrong(value: Json, expected: str, place: Place) -> UnsetType:
    place.fault(f"is {shown(value)}, where {expected} belongs.")
    return UNSET


def _struct(value: Json, kind: Any, place: Place) -> Json | UnsetType:
    if not isinstance(value, dict):
        return _wrong(value, "an object", place)
    fields = {field.encode_name: field.type for field in kind.fields if field.encode_name in value}
    parts = {name: _mended(value[name], type_, place / name) for name, type_ in fields.items()}
    return {name: part for name, part in parts.items() if part is not UNSET}


def _object(value: Json, kind: Any, place: Place) -> Json | UnsetType:
    if not isinstance(value, dict):
        return _wrong(value, "an object", place)
    parts = {name: _mended(part, kind.value_type, place / name) for name, part in value.items()}
    if isinstance(kind.value_type, inspect.StructType):
        return {name: {} if part is UNSET else part for name, part in parts.items()}
    return {name: part for name, part in parts.items() if part is not UNSET}


def _list(value: Json, kind: Any, place: Place) -> Json | UnsetType:
    if not isinstance(value, list):
        return _wrong(value, "a list", place)
    parts = [_mended(part, kind.item_type, place / index) for index, part in enumerate(value)]
    return [part for part in parts if part is not UNSET]


def _text(value: Json, _kind: Any, place: Place) -> Json | UnsetType:
    return value if isinstance(value, str) else _wrong(value, "text", place)


def _boolean(value: Json, _kind: Any, place: Place) -> Json | UnsetType:
    return value if isinstance(value, bool) else _wrong(value, "true or false", place)


def _number(value: Json, _kind: Any, place: Place) -> Json | UnsetType:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return value if fits else _wrong(value, "a number", place)


def _word(value: Json, kind: Any, place: Place) -> Json | UnsetType:
    words = [each.value for each in kind.cls] if isinstance(kind, inspect.EnumType) else list(kind.values)
    return value if value in words else _wrong(value, f"one of {', '.join(words)}", place)


def _union(value: Json, kind: Any, place: Place) -> Json | UnsetType:
    options = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
    if value is None and len(options) < len(kind.types):
        return None
    if len(options) == 1:
        return _mended(value, options[0], place)
    fits = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if fits else _wrong(value, "a number", place)


_MENDERS: Final[dict[type, Callable[[Json, Any, Place], Json | UnsetType]]] = {
    inspect.StructType: _struct,
    inspect.DictType: _object,
    inspect.ListType: _list,
    inspect.StrType: _text,
    inspect.BoolType: _boolean,
    inspect.FloatType: _number,
    inspect.EnumType: _word,
    inspect.LiteralType: _word,
    inspect.UnionType: _union,
}
