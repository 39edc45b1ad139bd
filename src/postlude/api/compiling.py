"""Turns Python pipelines into IR text with the real SDK.

Files are compiled in a child process (`python -m postlude.api.compiling FILE PIPELINE DIRECTORY`): the SDK takes
seconds to import, and a user's module must not leave anything behind in the process that runs the engine. The child
leaves the IR, or what is wrong, in DIRECTORY.
"""

import importlib
import importlib.util
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

IR_FILE: Final = "pipeline.yaml"
REPORT_FILE: Final = "report.json"
NO_SDK: Final = (
    "{source}: Python pipelines are compiled by the KFP SDK, which {python} does not have. "
    "Install postlude[sdk], or compile the pipeline where the SDK is and run its YAML."
)
_SDK_NEWS: Final = "The default base_image used by"
# SDK 2.0 keeps its component classes in kfp.components, later ones in kfp.dsl.
_COMPONENT_MODULES: Final = ("kfp.dsl", "kfp.components")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the child found wrong.

    Attributes:
        where: Place in the user's file, "line 12" or "pipelines".
        what: What is wrong, and what to do.
        no_sdk: Whether the SDK itself is what is missing.
    """

    where: str
    what: str
    no_sdk: bool = False


class CannotCompileError(Exception):
    """The source is not one pipeline that the SDK compiles."""

    def __init__(self, where: str, what: str) -> None:
        self.report = Report(where=where, what=what)
        super().__init__(f"{where}: {what}")


def is_component(value: object) -> bool:
    """Whether the value is an SDK pipeline or component; never imports the SDK."""
    return isinstance(value, _classes("base_component", "BaseComponent", imported_only=True))


def compile_component(component: Any) -> bytes:
    """The IR text (YAML, one or two documents) of an SDK pipeline or component.

    Raises:
        CannotCompileError: The SDK refuses it; its own words are in the message.
    """
    compiler = importlib.import_module("kfp.compiler").Compiler()
    with tempfile.TemporaryDirectory(prefix="postlude-") as directory:
        target = Path(directory, IR_FILE)
        try:
            compiler.compile(component, package_path=str(target))
        except Exception as error:
            raise CannotCompileError(f"pipeline {component.name}", _words(error)) from error
        return target.read_bytes()


def choose(module: ModuleType, wanted: str) -> Any:
    """The pipeline to compile: the one named `wanted`; else the only one, sub-pipelines aside; else the only component.

    Args:
        module: The user's file, imported.
        wanted: The name of a function or a pipeline, "" for the only one.

    Raises:
        CannotCompileError: There is none, or a choice to make.
    """
    pipelines = _instances(module, _classes("graph_component", "GraphComponent"))
    every = _instances(module, _classes("base_component", "BaseComponent"))
    components = {name: each for name, each in every.items() if name not in pipelines}
    if wanted:
        return _named(module, wanted, {**pipelines, **components})
    candidates = _whole(list(pipelines.values())) or list(components.values())
    if len(candidates) == 1:
        return candidates[0]
    raise CannotCompileError("pipelines", _choice(list(pipelines), list(components)))


def _whole(pipelines: list[Any]) -> list[Any]:
    """The pipelines that no other one uses as a sub-pipeline; all of them where every one is used."""
    used = {key for each in pipelines for key, part in each.pipeline_spec.components.items() if part.HasField("dag")}
    return [each for each in pipelines if f"comp-{each.name}" not in used] or pipelines


def _named(module: ModuleType, wanted: str, found: Mapping[str, Any]) -> Any:
    by_function = getattr(module, wanted, None)
    if is_component(by_function):
        return by_function
    by_name = [each for each in found.values() if each.name == wanted]
    if len(by_name) == 1:
        return by_name[0]
    raise CannotCompileError("pipelines", f"none is named {wanted!r}. The file has: {', '.join(found) or 'none'}.")


def _choice(pipelines: list[str], components: list[str]) -> str:
    if pipelines:
        return f"there are {len(pipelines)}: {', '.join(pipelines)}. Choose one with --pipeline {pipelines[0]}."
    if components:
        found = f"there is none, and {len(components)} components: {', '.join(components)}."
        return f"{found} Decorate a function with @dsl.pipeline, or choose a component with --pipeline {components[0]}."
    return "there is none. Decorate a function at the top level of the file with @dsl.pipeline."


def _classes(module: str, name: str, *, imported_only: bool = False) -> tuple[type, ...]:
    classes = []
    for package in _COMPONENT_MODULES:
        full = f"{package}.{module}"
        if full not in sys.modules and (imported_only or importlib.util.find_spec(full) is None):
            continue
        classes.append(getattr(importlib.import_module(full), name))
    return tuple(classes)


def _instances(module: ModuleType, classes: tuple[type, ...]) -> dict[str, Any]:
    found: dict[int, tuple[str, Any]] = {}
    for name, value in vars(module).items():
        if isinstance(value, classes):
            found.setdefault(id(value), (name, value))
    return dict(found.values())


# --- the child --------------------------------------------------------------------------------------------------------


def import_file(path: Path) -> ModuleType:
    """The user's file as a module, imported as `python FILE` would find its neighbours, but not as `__main__`."""
    sys.path.insert(0, str(path.parent))
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    name = f"{path.stem}_pipelines" if taken else path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotCompileError("file", "Python cannot import it. Give a file whose name ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def compile_file(path: Path, wanted: str, directory: Path) -> None:
    """Leave the IR of the file's pipeline, or a report of what is wrong, in the directory."""
    report = _attempt(path, wanted, directory)
    if report is not None:
        (directory / REPORT_FILE).write_bytes(msgspec.json.encode(report))


def _attempt(path: Path, wanted: str, directory: Path) -> Report | None:
    if importlib.util.find_spec("kfp") is None:
        return Report(where="kfp", what="", no_sdk=True)
    try:
        importlib.import_module("kfp.compiler")
        # Said once for each component, it would bury what the file itself prints.
        warnings.filterwarnings("ignore", _SDK_NEWS, FutureWarning)
        ir = compile_component(choose(import_file(path), wanted))
    except CannotCompileError as error:
        return error.report
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's file raises is what there is to report
        return Report(where=_line(error, path), what=_words(error))
    (directory / IR_FILE).write_bytes(ir)
    return None


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {lines[-1]}" if lines else "file"


def _words(error: BaseException) -> str:
    match error:
        case SyntaxError():
            return f"{error.msg}. Python cannot read the file."
        case ModuleNotFoundError():
            return (
                f"imports {error.name!r}, which {sys.executable} does not have. Install it there, "
                "or import it inside the component that needs it."
            )
        case SystemExit():
            return f"the file exits ({error.code}) when it is imported. Put that under: if __name__ == '__main__'"
        case _:
            return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    compile_file(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
