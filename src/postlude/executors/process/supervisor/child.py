"""Starts the process that leads an attempt; everything after the fork happens here, in the child."""

import errno
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from . import isolate, pages
from .component import rehearse, run_component
from .note import leave_note
from .wire import Frames, Run

_NEVER_STARTED = 125
_CHUNK_BYTES = 1 << 16
_PROBE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """A process that leads an attempt: its pid, and the reading ends of its stdout and stderr."""

    pid: int
    stdout: int
    stderr: int


class Birth:
    """Forks the leaders of attempts.

    Args:
        inherited: Variables below the order's own.
        boot: The command that starts a fresh interpreter for a component, up to the attempt's arguments.
    """

    def __init__(self, inherited: dict[str, str], boot: list[str]) -> None:
        self._inherited = inherited
        self._boot = boot
        self._nothing = os.open(os.devnull, os.O_RDONLY)
        self._pages: list[pages.Stretch] = []

    def learn(self) -> None:
        """Find out what memory a component writes to: `pages` says what for. Takes as long as a small attempt."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _rehearse_and_tell(writing)
        os.close(writing)
        with open(reading, "rb") as told:
            ready, _, _ = select.select([told], [], [], _PROBE_S)
            self._pages = [(address, length) for address, length in json.loads(told.read() if ready else b"[]")]
        os.kill(pid, signal.SIGKILL)  # it is dead, or stuck
        os.waitpid(pid, 0)

    def start(self, order: Run) -> Leader:
        """Fork the attempt's leader.

        Raises:
            OSError: No more processes or descriptors can be had.
        """
        return _fork(self._nothing, lambda: order, self._live)

    def start_spare(self, *, ready: bool) -> tuple[Leader, int]:
        """Fork a process that waits for its order to lead any attempt of a component.

        Args:
            ready: Whether it copies the memory that it will write to beforehand. That saves time once it has an order,
                and costs more of a processor's.

        Returns:
            The process, and where to write one frame with the order. It ends when that is closed.

        Raises:
            OSError: No more processes or descriptors can be had.
        """
        reading, writing = os.pipe()
        try:
            leader = _fork(reading, lambda: self._wait(self._pages if ready else ()), self._live)
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        os.set_blocking(writing, False)
        return leader, writing

    def _wait(self, copied: Iterable[pages.Stretch]) -> Run:
        isolate.stop_listening()  # a handler of the supervisor's must not run here
        pages.copy(copied)
        frames = Frames()
        while data := os.read(0, _CHUNK_BYTES):
            for order in frames.feed(data):
                assert isinstance(order, Run)  # noqa: S101 - the supervisor writes nothing else
                isolate.read_nothing()
                return order
        os._exit(0)  # the supervisor has no use for it

    def _live(self, order: Run) -> int:
        env = _enter_directory(order.directory, {**self._inherited, **order.env})
        forked = order.source is not None and not order.fresh
        isolate.replace_environment(env)
        isolate.confine(order.confined)
        if forked:
            isolate.stop_listening()
            isolate.collect_from_here()
            isolate.reseed()
            isolate.forget()
            isolate.search(_site(order.directory))
            return run_component(order.source or "", order.argv, order.directory)
        isolate.reset_signals(python=False)
        argv = order.argv if order.source is None else [*self._boot, order.directory, _keep(order)]
        return _execute(argv, env, order.directory)


def _fork(stdin: int, get_order: Callable[[], Run], live: Callable[[Run], int]) -> Leader:
    parent = os.getpid()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            _be_the_child(parent, (stdin, out_write, err_write), get_order, live)
    except OSError:
        os.close(out_read)
        os.close(err_read)
        raise
    finally:
        os.close(out_write)
        os.close(err_write)
    return Leader(pid=pid, stdout=out_read, stderr=err_read)


def _be_the_child(
    parent: int, streams: tuple[int, int, int], get_order: Callable[[], Run], live: Callable[[Run], int]
) -> NoReturn:
    code, order = _NEVER_STARTED, None
    try:
        isolate.lead_group(parent)
        isolate.be_killed_first()
        isolate.redirect(*streams)
        isolate.reopen_streams()
        order = get_order()
        code = live(order)
    except BaseException as error:  # noqa: BLE001 - nothing may return into the supervisor's loop
        traceback.print_exc()
        if order is not None:
            leave_note(order.directory, f"{type(error).__name__}: {error}", started=False)
    finally:
        os._exit(code)


def _rehearse_and_tell(writing: int) -> NoReturn:
    """What a component's process does, and then which pages that wrote to."""
    try:
        isolate.stop_listening()
        isolate.reopen_streams()
        isolate.replace_environment(dict(os.environ))
        isolate.reseed()
        rehearse()
        os.write(writing, json.dumps(pages.written()).encode())
    finally:
        os._exit(0)


def _enter_directory(directory: str, env: dict[str, str]) -> dict[str, str]:
    """Work in the attempt's own directory; temporary files, and what the program installs with pip, stay there too."""
    work, temporary, site = os.path.join(directory, "work"), os.path.join(directory, "tmp"), _site(directory)
    for folder in (work, temporary):
        with suppress(FileExistsError):
            os.mkdir(folder)
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
    """Where the attempt's own packages go; made by whoever installs one."""
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
