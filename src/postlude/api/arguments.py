"""Reads a run's arguments as an operator writes them: `-p NAME=VALUE` pairs and a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from postlude.spec.problem import ConfigError, Problem, SpecError
from postlude.spec.types import Json, ParameterType, Pipeline

_EXAMPLES: Final[Mapping[ParameterType, str]] = {
    ParameterType.NUMBER_DOUBLE: "0.5",
    ParameterType.NUMBER_INTEGER: "3",
    ParameterType.BOOLEAN: "true",
    ParameterType.LIST: '\'["a", "b"]\'',
    ParameterType.STRUCT: "'{\"key\": 1}'",
    ParameterType.TASK_FINAL_STATUS: '\'{"state": "FAILED"}\'',
    ParameterType.TASK_CONFIG: "'{}'",
}


def read_arguments(pipeline: Pipeline, pairs: Sequence[str], file: Path | None) -> dict[str, Json]:
    """The arguments, by parameter name; pairs win over the file. `check_arguments` says whether they fit.

    Args:
        pipeline: Declares the types by which values are read: strings as they stand, everything else as JSON.
        pairs: "NAME=VALUE", as given.
        file: A JSON or YAML file that holds a mapping, or None.

    Raises:
        SpecError: Pairs that cannot be read, all of them.
        ConfigError: The file cannot be read.
    """
    arguments = {} if file is None else _read_file(file)
    problems: list[Problem] = []
    given: set[str] = set()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        try:
            _note(name, equals, given)
            arguments[name] = _read_value(pipeline, name, text)
        except ValueError as error:
            problems.append(Problem(where=f"-p {pair}", what=str(error)))
    if problems:
        raise SpecError("the command line", problems)
    return arguments


def _note(name: str, equals: str, given: set[str]) -> None:
    if not equals or not name:
        raise ValueError("is not NAME=VALUE. Write a parameter's name, '=' and its value.")
    if name in given:
        raise ValueError(f"gives {name!r} a second value. Give one.")
    given.add(name)


def _read_value(pipeline: Pipeline, name: str, text: str) -> Json:
    declared = pipeline.root.inputs.parameters.get(name)
    # An unknown name is for check_arguments to refuse, which knows what it could have meant.
    if declared is None or declared.type is ParameterType.STRING:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        example = f"-p {name}={_EXAMPLES[declared.type]}"
        raise ValueError(
            f"the value is not JSON, and {name!r} is a {declared.type.value}. Write, say, {example}."
        ) from None


def _read_file(file: Path) -> dict[str, Json]:
    from postlude.spec import yaml_text  # noqa: PLC0415 - PyYAML takes 30 ms, and few runs have such a file

    try:
        text = file.read_bytes()
        value = msgspec.json.decode(text) if file.suffix.lower() == ".json" else yaml_text.value(text)
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}). Give a JSON or YAML file of arguments."
        ) from error
    except (msgspec.DecodeError, yaml_text.YamlSyntaxError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: neither JSON nor YAML can be read from it: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{file}: holds {_kind(value)}. Write a mapping of parameter names to values.")
    return value


def _kind(value: object) -> str:
    return "names that are not strings" if isinstance(value, dict) else f"a {type(value).__name__}"
