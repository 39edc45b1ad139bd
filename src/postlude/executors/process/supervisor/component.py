"""Runs one Python component in this process through the SDK's own executor, and ends as an interpreter ends."""

import atexit
import importlib
import json
import os
import signal
import sys
import threading
import traceback
import types
from contextlib import suppress
from typing import Any

from .isolate import forget
from .mounted import show_mounts
from .note import leave_note

EXECUTOR_MODULES = ("kfp.dsl.executor_main", "kfp.components.executor_main")
"""Where the SDK keeps its executor: from 2.1 on, and before."""

_REHEARSED = "rehearsed_component.py"
_REHEARSAL = (
    "--component_module_path", os.path.join(os.path.dirname(__file__), _REHEARSED),
    "--function_to_execute", "nothing",
    "--executor_input", json.dumps({
        "inputs": {"parameterValues": {"text": "x"}},
        "outputs": {"parameters": {"Output": {"outputFile": os.devnull}}, "outputFile": os.devnull},
    }),
)  # fmt: skip


def load_executor() -> Any:
    """The SDK's executor module.

    Raises:
        ImportError: The interpreter has no KFP SDK 2.
    """
    os.environ["_KFP_RUNTIME"] = "true"  # the SDK then imports what components need, and no more
    try:
        return importlib.import_module(EXECUTOR_MODULES[0])
    except ModuleNotFoundError:
        return importlib.import_module(EXECUTOR_MODULES[1])


def rehearse() -> bool:
    """Run a component that does nothing, unseen, so that what a real one does first has been done in this process.

    It fills caches, imports what the SDK imports late, and makes a forked process copy the memory it will write to.
    Nothing of it stays: no output, no module, no handler.

    Returns:
        Whether the component ran to its end, which it does not where the SDK is missing or fails.
    """
    through = False
    streams, path, argv = (sys.stdout, sys.stderr), sys.path[:], sys.argv
    with open(os.devnull, "w", encoding="utf-8") as nowhere, suppress(Exception, SystemExit):
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["", *_REHEARSAL]
        load_executor().executor_main()
        through = True
    sys.stdout, sys.stderr = streams
    sys.path[:], sys.argv = path, argv
    sys.modules.pop(_REHEARSED.removesuffix(".py"), None)
    forget()
    return through


def run_component(source: str, arguments: list[str], directory: str) -> int:
    """Run a component to its end and return the exit code that a fresh interpreter would give.

    The program text is kept in the attempt's directory, so that tracebacks can quote it.
    """
    module_path = _write_module(source, directory)
    executor = load_executor()
    show_mounts(os.path.join(directory, "mounts"))
    _become_main(executor, ["--component_module_path", module_path, *arguments])
    code = _call(executor.executor_main, directory)
    _finish()
    return code


def _write_module(source: str, directory: str) -> str:
    folder = os.path.join(directory, "component")
    with suppress(FileExistsError):
        os.mkdir(folder)
    path = os.path.join(folder, "ephemeral_component.py")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(source)
    return path


def _become_main(executor: Any, arguments: list[str]) -> None:
    """Make `executor` the main module, as `python -m` does."""
    main = types.ModuleType("__main__")
    main.__dict__.update(vars(executor), __name__="__main__")
    sys.modules["__main__"] = main
    sys.argv = [executor.__file__, *arguments]
    sys.path.insert(0, os.getcwd())


def _call(function: Any, directory: str) -> int:
    try:
        function()
    except SystemExit as end:
        return _exit_code(end, directory)
    except BaseException as error:  # noqa: BLE001 - whatever the component raises is its own end, and is reported
        return _report(error, directory)
    return 0


def _exit_code(end: SystemExit, directory: str) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    text = str(end.code)
    print(text, file=sys.stderr)  # noqa: T201 - what the interpreter does with such an exit
    leave_note(directory, f"exit code 1: {text}")
    return 1


def _report(error: BaseException, directory: str) -> int:
    own_frame = error.__traceback__
    shown = error.with_traceback(own_frame.tb_next if own_frame else None)
    sys.excepthook(type(shown), shown, shown.__traceback__)
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    leave_note(directory, _in_one_line(error), out_of_memory=isinstance(error, MemoryError))
    return 1


def _in_one_line(error: BaseException) -> str:
    """The line that ends a traceback: `ValueError: boom`."""
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the failure itself
        text = "<exception str() failed>"
    return f"{name}: {text}" if text else name


def _finish() -> None:
    """What an interpreter does before it is gone: join threads, run exit functions, flush."""
    steps = (threading._shutdown, atexit._run_exitfuncs)  # type: ignore[attr-defined]  # noqa: SLF001 - no public names
    for step in steps:
        try:
            step()
        except BaseException:  # noqa: BLE001 - a fresh interpreter prints it too, and ends with the same code
            traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
