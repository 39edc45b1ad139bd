"""YAML text as plain values: the only module that imports PyYAML."""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from postlude.spec.types import Json

_DEEPEST: Final = 500
_MANY_OPENERS: Final = 10_000
_OPENERS: Final = ("[", "{", "- ", "? ", "-\t", "?\t")


class YamlSyntaxError(Exception):
    """The text is no YAML; the message is the parser's.

    Attributes:
        where: The line and the column, or "$".
        cause: What is wrong there.
    """

    def __init__(self, error: yaml.YAMLError) -> None:
        super().__init__(str(error))
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        self.where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "$"
        self.cause = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)


class _PlainLoader(yaml.CSafeLoader):
    """YAML as JSON sees it: a date stays the text that was written."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012  PyYAML's own attribute, replaced and never changed
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def documents(text: str) -> Iterator[Json]:
    """Every document of the text, read as it is asked for. Only plain values are built.

    Raises:
        YamlSyntaxError: It is no YAML.
        RecursionError: It nests too deeply.
        ValueError: A value cannot be read.
    """
    try:
        _refuse_depth(text)
        yield from yaml.load_all(text, _PlainLoader)
    except yaml.YAMLError as error:
        raise YamlSyntaxError(error) from error


def value(text: bytes) -> Json:
    """The one document of the text.

    Raises:
        YamlSyntaxError: It is no YAML, or holds several documents.
    """
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 - a safe loader: it builds plain values only
    except yaml.YAMLError as error:
        raise YamlSyntaxError(error) from error


def _refuse_depth(text: str) -> None:
    """Raise before PyYAML's C code recurses until the process dies, which takes more than 20,000 levels."""
    if sum(text.count(opener) for opener in _OPENERS) < _MANY_OPENERS:
        return
    depth = 0
    for event in yaml.parse(text, _PlainLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError
