"""How values take the place of the {{$...}} forms in commands, arguments, variables and constants.

Reading and looking up are apart: `forms` says which values a text asks for, and the caller's `lookup` gives them.
Keys (`['a']['b']`, `metadata['k']`) and `json_escape` are applied here, so a lookup only meets the plain forms.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from postlude.spec.forms import (
    ExecutorInputJson,
    InputArtifact,
    InputParameter,
    JsonEscape,
    OutputArtifact,
    OutputFile,
    OutputMetadataUri,
    OutputParameterFile,
    PipelineValue,
    Placeholder,
    Unknown,
    parse,
    pieces,
)
from postlude.spec.types import Json

__all__ = [
    "ExecutorInputJson",
    "InputArtifact",
    "InputParameter",
    "JsonEscape",
    "Lookup",
    "OutputArtifact",
    "OutputFile",
    "OutputMetadataUri",
    "OutputParameterFile",
    "PipelineValue",
    "Placeholder",
    "Present",
    "Unknown",
    "parse",
    "render",
    "render_argv",
    "render_text",
    "substitute",
]

Lookup = Callable[[Placeholder], Json | UnsetType]
"""Gives the value of a placeholder, or UNSET to leave its text as it stands. It never meets keys or JsonEscape."""

Present = Callable[[str], bool]
"""Whether an input of this name was given."""

_STRUCTS: Final = ("Concat", "IfPresent")


def render(text: str, lookup: Lookup) -> str:
    """The text with its placeholders replaced: strings as they stand, other values as JSON.

    Args:
        text: What the author wrote; returned as it is where it holds no placeholder.
        lookup: Gives the values.
    """
    if "{{" not in text:
        return text
    return "".join(written if form is None else _as_text(written, form, lookup) for written, form in pieces(text))


def substitute(value: Json, lookup: Lookup) -> Json:
    """The value with the placeholders in its strings replaced, keys of objects included.

    A string that is one placeholder becomes the value itself, of whatever type; where a placeholder is part of a
    string, its value is written into it. What holds no placeholder is returned as it is, the same object.
    """
    if isinstance(value, str):
        return _substituted(value, lookup) if "{{" in value else value
    if isinstance(value, list):
        items = [substitute(item, lookup) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        return _substituted_object(value, lookup)
    return value


def render_argv(elements: Sequence[str], lookup: Lookup, present: Present) -> tuple[str, ...]:
    """The elements of a command line, each rendered; Concat becomes one element, IfPresent none, one or several.

    Args:
        elements: As the author wrote them; a Concat or IfPresent struct is an element that is JSON text.
        lookup: Gives the values of placeholders.
        present: Decides which branch of an IfPresent is taken.
    """
    rendered: list[str] = []
    for element in elements:
        struct = _struct(element)
        if struct is None:
            rendered.append(render(element, lookup))
        else:
            rendered.extend(_parts(struct, lookup, present))
    return tuple(rendered)


def render_text(value: Json) -> str:
    """A value as text: a string as it stands, a whole number without a fraction, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return msgspec.json.encode(value).decode()


# --- structs ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _struct(element: str) -> Json:
    """The struct that the element is, None where it is plain text."""
    if not element.lstrip().startswith("{") or not any(f'"{name}"' in element for name in _STRUCTS):
        return None
    try:
        value = msgspec.json.decode(element)
    except msgspec.DecodeError:
        return None
    return value if _is_struct(value) else None


def _is_struct(value: Json) -> bool:
    match value:
        case {"Concat": list(), **others}:
            return not others
        case {"IfPresent": {"InputName": str(), "Then": _}, **others}:
            return not others
        case _:
            return False


def _parts(node: Json, lookup: Lookup, present: Present) -> Iterator[str]:
    match node:
        case str():
            yield render(node, lookup)
        case list():
            for item in node:
                yield from _parts(item, lookup, present)
        case {"Concat": list(items)}:
            yield "".join(_parts(items, lookup, present))
        case {"IfPresent": {"InputName": str(name), "Then": then, **others}}:
            yield from _parts(then if present(name) else others.get("Else", []), lookup, present)
        case _:
            yield render(render_text(node), lookup)


# --- replacing --------------------------------------------------------------------------------------------------------


def _value(placeholder: Placeholder, lookup: Lookup) -> Json | UnsetType:
    match placeholder:
        case JsonEscape(level=level, inner=inner):
            value = _value(inner, lookup)
            return value if value is UNSET else _escaped(render_text(value), level)
        case InputParameter(name=name, keys=(_, *_) as keys):
            return _followed(lookup(InputParameter(name)), keys)
        case InputArtifact(name=name, field=field, keys=(_, *_) as keys):
            return _followed(lookup(InputArtifact(name, field)), keys)
        case OutputArtifact(name=name, field=field, keys=(_, *_) as keys):
            return _followed(lookup(OutputArtifact(name, field)), keys)
        case Unknown():
            return UNSET
        case _:
            return lookup(placeholder)


def _followed(value: Json | UnsetType, keys: tuple[str, ...]) -> Json | UnsetType:
    """What the keys lead to; null where one is missing, as KFP has it."""
    if value is UNSET:
        return UNSET
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _escaped(text: str, level: int) -> str:
    for _ in range(level):
        text = msgspec.json.encode(text).decode()[1:-1]
    return text


def _as_text(written: str, placeholder: Placeholder, lookup: Lookup) -> str:
    value = _value(placeholder, lookup)
    return written if value is UNSET else render_text(value)


def _substituted(text: str, lookup: Lookup) -> Json:
    (_, first), *rest = pieces(text)
    if rest:
        return render(text, lookup)
    value = UNSET if first is None else _value(first, lookup)
    return text if value is UNSET else value


def _substituted_object(value: dict[str, Json], lookup: Lookup) -> dict[str, Json]:
    items = {render(key, lookup): substitute(part, lookup) for key, part in value.items()}
    same = all(new is old for new, old in zip(items.values(), value.values(), strict=False))
    return value if same and items.keys() == value.keys() else items
