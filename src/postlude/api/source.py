"""Loads a pipeline from what people have at hand: a file, a package, standard input, an SDK object, or IR values."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from postlude.spec.load import load, load_parsed, parse
from postlude.spec.problem import ConfigError, Problem, SpecError
from postlude.spec.types import Pipeline
from postlude.stores.home import home_at
from postlude.stores.ir_cache import IrCache

STDIN: Final = "-"
IR_SUFFIXES: Final = (".yaml", ".yml", ".json")
_PACKAGE_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz")
_PACKAGE_MAGIC: Final = (b"PK\x03\x04", b"\x1f\x8b")
_JSON_OPENERS: Final = (b"{", b"[")
_PRINTED_LINES: Final = 20


def load_source(source: Any, *, pipeline: str | None = None, home: Path | None = None) -> Pipeline:
    """The pipeline that `source` holds.

    Args:
        source: A path (.py, .yaml, .yml, .json, .zip, .tar.gz, .tgz) or "-" for standard input; a function decorated
            with @dsl.pipeline or @dsl.component; an IR dict; or a pair of the pipeline spec and the platform spec.
        pipeline: Which pipeline of a .py file: the name of the function or of the pipeline. None where there is one.
        home: Where parsed pipelines are kept, if it exists; None for the home that runs have by default.

    Raises:
        SpecError: The pipeline cannot be compiled or its IR is wrong.
        ConfigError: There is no such source, or the SDK is needed and absent.
    """
    if isinstance(source, str | Path):
        return _load_path(str(source), pipeline or "", IrCache(home_at(home, os.environ).cache))
    if pipeline:
        raise ConfigError(f"pipeline={pipeline!r} chooses from a .py file, and the source is {_described(source)}.")
    from postlude.api.compiling import is_component  # noqa: PLC0415 - for those who have no file

    if is_component(source):
        return _load_component(source)
    if isinstance(source, Mapping):
        return load([source], name="the pipeline spec")
    if _is_pair(source):
        return load([each for each in source if each is not None], name="the pipeline spec")
    raise ConfigError(
        f"the source is {_described(source)}, not a pipeline. Give a function decorated with @dsl.pipeline, "
        "a path to a .py or .yaml file, or an IR dict."
    )


def name_of(source: Any) -> str:
    """What messages call a source that `load_source` takes."""
    return str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "the pipeline spec"))


def _is_pair(source: object) -> bool:
    documents = isinstance(source, tuple | list) and len(source) == 2
    return documents and isinstance(source[0], Mapping) and isinstance(source[1], Mapping | None)  # type: ignore[index]  # a sequence of two, by the line above


def _described(source: object) -> str:
    name = getattr(source, "__name__", None)
    return f"the plain function {name!r}" if callable(source) and name else f"of type {type(source).__name__!r}"


def _load_component(component: Any) -> Pipeline:
    from postlude.api.compiling import CannotCompileError, compile_component  # noqa: PLC0415 - as above

    try:
        return load(compile_component(component), name=component.name)
    except CannotCompileError as error:
        raise SpecError(component.name, [Problem(where=error.report.where, what=error.report.what)]) from error


def _load_path(source: str, pipeline: str, cache: IrCache) -> Pipeline:
    if source == STDIN:
        return _load_text(sys.stdin.buffer.read(), "standard input", pipeline, cache)
    path = Path(source).expanduser()
    if path.suffix.lower() == ".py":
        return load(compile_python(path, pipeline), name=source)
    if not path.name.lower().endswith((*IR_SUFFIXES, *_PACKAGE_SUFFIXES)):
        _existing(path)
        kinds = ", ".join([".py", *IR_SUFFIXES, *_PACKAGE_SUFFIXES])
        raise ConfigError(f"{source}: not a kind of file that holds a pipeline. Give one of {kinds}, or - for stdin.")
    return _load_text(_existing(path).read_bytes(), source, pipeline, cache)


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    found = "it is a directory" if path.is_dir() else "there is no such file"
    raise ConfigError(f"{path}: {found}. Give the path of a pipeline's .py, .yaml, .json, .zip or .tar.gz file.")


def _load_text(text: bytes, name: str, pipeline: str, cache: IrCache) -> Pipeline:
    if pipeline:
        raise ConfigError(
            f"--pipeline {pipeline} chooses from a .py file, and {name} is compiled: it holds one pipeline."
        )
    if text.startswith(_PACKAGE_MAGIC) or name.lower().endswith(_PACKAGE_SUFFIXES):
        from postlude.api.archive import read_package  # noqa: PLC0415 - for packages, with the formats they come in

        text, member = read_package(text, name=name)
        name = f"{name}/{member}"
    return load(text, name=name) if text.lstrip().startswith(_JSON_OPENERS) else _load_yaml(text, name, cache)


def _load_yaml(text: bytes, name: str, cache: IrCache) -> Pipeline:
    parsed = cache.find(text)
    if parsed is None:
        parsed = parse(text, name=name)
        cache.keep(text, parsed)
    return load_parsed(parsed, name=name)


# --- Python files -----------------------------------------------------------------------------------------------------


def compile_python(path: Path, pipeline: str) -> bytes:
    """The IR text, YAML, that the SDK makes of a pipeline in a .py file.

    Args:
        path: The file.
        pipeline: The name of a function or pipeline in it, "" for the only one.

    Raises:
        SpecError: The SDK refuses it.
        ConfigError: There is no such file, or no SDK.
    """
    from postlude.api.compiling import IR_FILE, REPORT_FILE  # noqa: PLC0415 - for .py files, as all of this part

    _existing(path)
    with tempfile.TemporaryDirectory(prefix="postlude-") as directory:
        # -P: the current directory is not put before the file's own on the child's path.
        argv = [sys.executable, "-P", "-m", "postlude.api.compiling", str(path.resolve()), pipeline, directory]
        child = subprocess.run(  # noqa: S603 - argv is a list, and its program is this interpreter
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        report, ir = Path(directory, REPORT_FILE), Path(directory, IR_FILE)
        if ir.exists() and not report.exists():
            return ir.read_bytes()
        raise _refusal(str(path), report, child)


def _refusal(source: str, report: Path, child: subprocess.CompletedProcess[bytes]) -> SpecError | ConfigError:
    from postlude.api.compiling import NO_SDK, Report  # noqa: PLC0415 - as above

    if report.exists():
        found = msgspec.json.decode(report.read_bytes(), type=Report)
    else:
        found = Report(where="file", what=f"its import ended the compiler's process with exit code {child.returncode}.")
    if found.no_sdk:
        return ConfigError(NO_SDK.format(source=source, python=sys.executable))
    return SpecError(source, [Problem(where=found.where, what=found.what + _printed(child.stdout))])


def _printed(output: bytes) -> str:
    lines = output.decode(errors="replace").splitlines()[-_PRINTED_LINES:]
    return "\n".join(["\n  It printed:", *(f"  | {line}" for line in lines)]) if lines else ""
