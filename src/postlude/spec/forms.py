"""The {{$...}} forms an author can write, as values, and how they are read from text."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec


class ExecutorInputJson(msgspec.Struct, frozen=True):
    """`{{$}}`: the whole executor input, as JSON."""


class InputParameter(msgspec.Struct, frozen=True):
    """`{{$.inputs.parameters['name']}}`, perhaps with keys to follow into it."""

    name: str
    keys: tuple[str, ...] = ()


class InputArtifact(msgspec.Struct, frozen=True):
    """`{{$.inputs.artifacts['name'].field}}`: uri, path, name, metadata (with keys) or "" (the artifact)."""

    name: str
    field: str = ""
    keys: tuple[str, ...] = ()


class OutputArtifact(msgspec.Struct, frozen=True):
    """`{{$.outputs.artifacts['name'].field}}`, as for input artifacts."""

    name: str
    field: str = ""
    keys: tuple[str, ...] = ()


class OutputParameterFile(msgspec.Struct, frozen=True):
    """`{{$.outputs.parameters['name'].output_file}}`: the file that receives an output parameter."""

    name: str


class OutputFile(msgspec.Struct, frozen=True):
    """`{{$.outputs.output_file}}`: the file that receives the executor output."""


class OutputMetadataUri(msgspec.Struct, frozen=True):
    """`{{$.outputs.output_metadata_uri}}`: where the executor output goes."""


class PipelineValue(msgspec.Struct, frozen=True):
    """A fact of the run: `{{$.pipeline_job_name}}` is "pipeline_job_name", `{{workflow.status}}` "workflow.status"."""

    name: str


class JsonEscape(msgspec.Struct, frozen=True):
    """`{{... .json_escape[level]}}`: the inner value's text, escaped `level` times for use inside a JSON string."""

    level: int
    inner: "Placeholder"


class Unknown(msgspec.Struct, frozen=True):
    """A form that nobody defined, braces included; it is left as it stands."""

    text: str


Placeholder = (
    ExecutorInputJson
    | InputParameter
    | InputArtifact
    | OutputArtifact
    | OutputParameterFile
    | OutputFile
    | OutputMetadataUri
    | PipelineValue
    | JsonEscape
    | Unknown
)

PIPELINE_VALUES: Final = frozenset(
    {
        "pipeline_job_name",
        "pipeline_job_resource_name",
        "pipeline_job_uuid",
        "pipeline_job_create_time_utc",
        "pipeline_job_schedule_time_utc",
        "pipeline_task_name",
        "pipeline_task_uuid",
        "pipeline_root",
        "workspace_path",
    }
)
WORKFLOW_VALUES: Final = frozenset(
    f"workflow.{name}"
    for name in ("status", "failures", "outputs", "name", "uid", "creationTimestamp", "duration", "run_url")
)

_KEY: Final = r"""\[(?:''[^'\]]+''|'[^']+'|"[^"]+")\]"""
_KEYS: Final = re.compile(_KEY)
_FORM: Final = re.compile(r"\{\{(\$.*?|\s*workflow\.\w+\s*)\}\}", re.DOTALL)
_ESCAPED: Final = re.compile(r"(.+)\.json_escape\[(\d)\]", re.DOTALL)
_PARAMETER: Final = re.compile(rf"\$\.inputs\.parameters((?:{_KEY})+)")
_ARTIFACT: Final = re.compile(rf"\$\.(inputs|outputs)\.artifacts({_KEY})(?:\.(uri|path|name|metadata((?:{_KEY})*)))?")
_OUTPUT: Final = re.compile(rf"\$\.outputs\.parameters({_KEY})\.output_file")
_FIXED: Final[dict[str, Placeholder]] = {
    "$": ExecutorInputJson(),
    "$.outputs.output_file": OutputFile(),
    "$.outputs.output_metadata_uri": OutputMetadataUri(),
    **{f"$.{name}": PipelineValue(name) for name in PIPELINE_VALUES},
    **{f"{start}{name}": PipelineValue(name) for name in WORKFLOW_VALUES for start in ("", "$.")},
}


@lru_cache(maxsize=4096)
def pieces(text: str) -> tuple[tuple[str, Placeholder | None], ...]:
    """The text cut up, in order: each piece as written (never empty), with the placeholder that it is, or None."""
    return tuple((written, form) for written, form in _cut(text) if written)


def parse(text: str) -> tuple[str | Placeholder, ...]:
    """The text in pieces: literal strings (never empty) and placeholders, in order."""
    return tuple(written if form is None else form for written, form in pieces(text))


def _cut(text: str) -> Iterator[tuple[str, Placeholder | None]]:
    end = 0
    for match in _FORM.finditer(text):
        yield text[end : match.start()], None
        yield match[0], _placeholder(match[1].strip()) or Unknown(match[0])
        end = match.end()
    yield text[end:], None


def _placeholder(body: str) -> Placeholder | None:
    if body in _FIXED:
        return _FIXED[body]
    if escaped := _ESCAPED.fullmatch(body):
        inner = _placeholder(escaped[1])
        return inner and JsonEscape(int(escaped[2]), inner)
    if parameter := _PARAMETER.fullmatch(body):
        name, *keys = _unquoted(parameter[1])
        return InputParameter(name, tuple(keys))
    if output := _OUTPUT.fullmatch(body):
        return OutputParameterFile(_unquoted(output[1])[0])
    artifact = _ARTIFACT.fullmatch(body)
    return artifact and _artifact(artifact)


def _artifact(match: re.Match[str]) -> Placeholder:
    side = InputArtifact if match[1] == "inputs" else OutputArtifact
    field = (match[3] or "").partition("[")[0]
    return side(_unquoted(match[2])[0], field, _unquoted(match[4] or ""))


def _unquoted(keys: str) -> tuple[str, ...]:
    return tuple(key[1:-1].strip("\"'") for key in _KEYS.findall(keys))
