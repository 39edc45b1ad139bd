"""Writes pipelines down as IR: YAML or JSON text that every KFP backend takes."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import yaml

from postlude.api.source import compile_python, load_source
from postlude.spec.load import load
from postlude.spec.problem import ConfigError
from postlude.spec.types import Pipeline

STDOUT: Final = "-"


def compiled(source: str, target: str, *, pipeline: str | None = None) -> tuple[Pipeline, bytes]:
    """A pipeline, checked, and its IR text in the format that the target's name asks for.

    Args:
        source: What `load_source` takes as a path.
        target: The name of a .yaml, .yml or .json file; "-" for YAML.
        pipeline: Which pipeline of a .py file; None where there is one.

    Raises:
        SpecError: The pipeline cannot be compiled, or its IR is wrong.
        ConfigError: There is no such source, or the target's format cannot hold the pipeline.
    """
    suffix = ".yaml" if target == STDOUT else Path(target).suffix.lower()
    if suffix not in _FORMATS:
        raise ConfigError(f"{target}: not a kind of file that holds IR. Name it .yaml or .json, or - for stdout.")
    path = Path(source).expanduser()
    if path.suffix.lower() != ".py":
        loaded = load_source(source, pipeline=pipeline)
        return loaded, _FORMATS[suffix](loaded, target)
    text = compile_python(path, pipeline or "")
    loaded = load(text, name=source)
    # The SDK's own text has a heading of comments, which people and user interfaces read.
    return loaded, text if suffix != ".json" else _json(loaded, target)


def write_whole(target: Path, text: bytes) -> None:
    """Write a file so that nobody ever finds half of it, and what was there stays if that fails.

    Raises:
        ConfigError: It cannot be written there.
    """
    whole = target.resolve()  # a link stays one
    fresh = whole.with_name(f".{whole.name}.{os.getpid()}")
    try:
        fresh.write_bytes(text)
        fresh.replace(whole)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        why = f"cannot be written ({error.strerror}). Name a file in a directory that you may write to."
        raise ConfigError(f"{target}: {why}") from error


def _yaml(pipeline: Pipeline, target: str) -> bytes:  # noqa: ARG001 - one of two of a kind
    documents = [document for document in pipeline.source if document is not None]
    return yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=True, allow_unicode=True).encode()


def _json(pipeline: Pipeline, target: str) -> bytes:
    spec, platform = pipeline.source
    if platform:
        raise ConfigError(f"{target}: a .json file cannot hold the pipeline's platform spec. Name it .yaml.")
    return (json.dumps(spec, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


_FORMATS: Final[Mapping[str, Callable[[Pipeline, str], bytes]]] = {".yaml": _yaml, ".yml": _yaml, ".json": _json}
