"""Starts the process that leads an attempt; everything after the fork happens here, in the child."""

import errno
import json
import os
import sys
import traceback
from typing import NoReturn

from . import isolate
from .component import run_component
from .note import leave_note
from .wire import Run

_NEVER_STARTED = 125


def start(order: Run, inherited: dict[str, str], boot: list[str]) -> tuple[int, int, int]:
    """Fork the attempt's leader.

    Args:
        order: What to run.
        inherited: Variables below the order's own.
        boot: The command that starts a fresh interpreter for a component, up to the attempt's arguments.

    Returns:
        Its pid, and the reading ends of its stdout and stderr.

    Raises:
        OSError: No more processes or descriptors can be had.
    """
    parent = os.getpid()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            _be_the_child(order, {**inherited, **order.env}, boot, parent, (out_write, err_write))
    except OSError:
        os.close(out_read)
        os.close(err_read)
        raise
    finally:
        os.close(out_write)
        os.close(err_write)
    return pid, out_read, err_read


def _be_the_child(order: Run, env: dict[str, str], boot: list[str], parent: int, pipes: tuple[int, int]) -> NoReturn:
    code = _NEVER_STARTED
    try:
        isolate.lead_group(parent)
        isolate.redirect(*pipes)
        isolate.reopen_streams()
        code = _live(order, env, boot)
    except BaseException as error:  # noqa: BLE001 - nothing may return into the supervisor's loop
        traceback.print_exc()
        leave_note(order.directory, f"{type(error).__name__}: {error}", started=False)
    finally:
        os._exit(code)


def _live(order: Run, env: dict[str, str], boot: list[str]) -> int:
    env = _enter_directory(order.directory, env)
    forked = order.source is not None and not order.fresh
    isolate.reset_signals(python=forked)
    isolate.replace_environment(env)
    if forked:
        isolate.reseed()
        isolate.forget()
        sys.path.insert(0, _site(order.directory))
        return run_component(order.source or "", order.argv, order.directory)
    argv = order.argv if order.source is None else [*boot, order.directory, _keep(order)]
    return _execute(argv, env, order.directory)


def _enter_directory(directory: str, env: dict[str, str]) -> dict[str, str]:
    """Work in the attempt's own directory; temporary files, and what the program installs with pip, stay there too."""
    work, temporary, site = os.path.join(directory, "work"), os.path.join(directory, "tmp"), _site(directory)
    for folder in (work, temporary, site):
        os.makedirs(folder, exist_ok=True)
    os.chdir(work)
    # Not PIP_PREFIX: only with a target does pip leave alone what the interpreter itself has installed.
    return {
        "TMPDIR": temporary,
        "PIP_TARGET": site,
        **env,
        "PYTHONPATH": _before(site, env.get("PYTHONPATH", "")),
        "PATH": _before(os.path.join(site, "bin"), env.get("PATH", os.defpath)),
        "PWD": work,
    }


def _site(directory: str) -> str:
    """Where the attempt's own packages go."""
    return os.path.join(directory, "site-packages")


def _before(first: str, rest: str) -> str:
    return os.pathsep.join(part for part in (first, rest) if part)


def _keep(order: Run) -> str:
    """Store the program text and its arguments, too long for a command line as they may be, for a fresh interpreter."""
    path = os.path.join(order.directory, "component.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump([order.source, *order.argv], file)
    return path


def _execute(argv: list[str], env: dict[str, str], directory: str) -> int:
    """Become the program; returns only if that fails."""
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - no shell is the point
    except OSError as error:
        text = _why_not(argv[0], error)
        print(text, file=sys.stderr)  # noqa: T201 - the attempt's log says it too
        leave_note(directory, text, started=False)
    return _NEVER_STARTED


def _why_not(program: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        place = "does not exist" if "/" in program else "was not found on PATH"
        return f"program {program!r} {place}: install it on this machine, or run the task in its container image"
    if error.errno == errno.E2BIG:
        return f"program {program!r} cannot be started: its arguments are too long: pass large values as artifacts"
    return f"program {program!r} cannot be started: {error.strerror}: check the file and its permissions"
