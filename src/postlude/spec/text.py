"""Text as documents: one pipeline spec, and perhaps one platform spec."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from postlude.spec.problem import Problem, SpecError
from postlude.spec.types import Json

_MOST_VALUES: Final = 5_000_000
_SCALARS: Final = (str, int, float, type(None))
_COMPILE: Final = "Compile a pipeline with KFP SDK 2 and pass that file."


def documents(source: bytes | str | Mapping[str, Json] | Sequence[Json], *, name: str) -> tuple[Json, Json]:
    """The pipeline spec and the platform spec (None where there is none) as plain JSON values.

    Args:
        source: YAML or JSON text, or what is already parsed: one document, or a sequence of them.
        name: What errors call the source.

    Raises:
        SpecError: It is no text, no YAML, no JSON, or not a compiled pipeline.
    """
    found = [document for document in _parsed(source, name) if document is not None]
    platforms = [each for each in found if isinstance(each, dict) and "platforms" in each and "root" not in each]
    specs = [each for each in found if not any(each is platform for platform in platforms)]
    problem = _not_a_pipeline(specs) or _too_many_platforms(platforms)
    if problem:
        raise SpecError(name, [problem])
    return specs[0], platforms[0] if platforms else None


def _parsed(source: bytes | str | Mapping[str, Json] | Sequence[Json], name: str) -> list[Json]:
    if isinstance(source, bytes | str):
        return _read(_decoded(source, name), name)
    values = [dict(source)] if isinstance(source, Mapping) else list(source)
    return [_plain(value, name) for value in values]


def _decoded(source: bytes | str, name: str) -> str:
    try:
        text = source.decode() if isinstance(source, bytes) else source
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte {error.start + 1}). Save it as UTF-8."
        raise SpecError(name, [Problem(where="$", what=what)]) from error
    return text.removeprefix("\ufeff")


def _read(text: str, name: str) -> list[Json]:
    if text.lstrip().startswith(("{", "[")):
        try:
            return [msgspec.json.decode(text)]
        except (msgspec.DecodeError, UnicodeEncodeError):
            pass  # It may still be YAML, whose errors name line and column.
    from postlude.spec import yaml_text  # noqa: PLC0415 - PyYAML takes 30 ms, and JSON and what is cached need none

    try:
        return [_plain(document, name) for document in yaml_text.documents(text)]
    except yaml_text.YamlSyntaxError as error:
        what = f"is neither YAML nor JSON: {error.cause}. {_COMPILE}"
        raise SpecError(name, [Problem(where=error.where, what=what)]) from error
    except ValueError as error:
        raise SpecError(name, [Problem(where="$", what=f"holds a value that cannot be read: {error}.")]) from error


def _plain(value: Json, name: str) -> Json:
    """A copy that holds JSON values only, so that nobody else's changes reach it."""
    if _size(value, {}) > _MOST_VALUES:
        what = f"holds more than {_MOST_VALUES:,} values, or itself. Write YAML aliases out."
        raise SpecError(name, [Problem(where="$", what=what)])
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError) as error:
        what = f"holds a value that JSON cannot express: {error}. Write it as text."
        raise SpecError(name, [Problem(where="$", what=what)]) from error


def _size(value: Json, sizes: dict[int, int]) -> int:
    """How many values it takes to write the value out, its YAML aliases followed; what holds itself is endless."""
    if id(value) in sizes:
        return sizes[id(value)]
    sizes[id(value)] = _MOST_VALUES
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    sizes[id(value)] = 1 + len(parts) + sum(_size(part, sizes) for part in parts if not isinstance(part, _SCALARS))
    return sizes[id(value)]


def _too_many_platforms(platforms: list[Json]) -> Problem | None:
    if len(platforms) < 2:
        return None
    return Problem(where="$.platforms", what=f"is given {len(platforms)} times. Keep one platform spec.")


def _not_a_pipeline(specs: list[Json]) -> Problem | None:
    if not specs:
        return Problem(where="$", what=f"is empty. {_COMPILE}")
    if len(specs) > 1:
        what = f"holds {len(specs)} pipelines. Keep one, and at most one platform spec, in a file."
        return Problem(where="$", what=what)
    return _foreign(specs[0])


def _foreign(spec: Json) -> Problem | None:
    if not isinstance(spec, dict):
        return Problem(where="$", what=f"is not an object, so not a pipeline. {_COMPILE}")
    if str(spec.get("apiVersion", "")).startswith("argoproj.io"):
        what = f"is '{spec['apiVersion']}': an Argo workflow, as KFP SDK 1 compiles to. {_COMPILE}"
        return Problem(where="$.apiVersion", what=what)
    if "root" in spec:
        return None
    return next((Problem(where="$", what=what) for key, what in _FOREIGN.items() if key in spec), _NO_ROOT)


_NO_ROOT: Final = Problem(where="$.root", what=f"is missing: this is not a compiled pipeline. {_COMPILE}")
_FOREIGN: Final = {
    "pipelineSpec": "is a pipeline job. Pass what stands under 'pipelineSpec'.",
    "pipeline_spec": "is an answer of the KFP API. Pass what stands under 'pipeline_spec'.",
    "implementation": "is the definition of one component. Use it in a pipeline, compile that, and pass that file.",
    "apiVersion": f"is a Kubernetes object, not a pipeline. {_COMPILE}",
}
