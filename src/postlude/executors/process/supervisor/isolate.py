"""Makes a forked child look like a process that was started afresh."""

import ctypes
import gc
import importlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import machinery

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_DESCRIPTORS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
_OOM_SCORE = "/proc/self/oom_score_adj"
_OOM_SCORE_ADDED = 500
_OOM_SCORE_MOST = 1000
_PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
_AHEAD = 10
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")

_LAST_DESCRIPTOR = 2**31 - 1

_libc = ctypes.CDLL(None)
_prctl = _libc.prctl if sys.platform == "linux" else None
_close_range = getattr(_libc, "close_range", None)  # not `os.closerange`: some builds close one by one, up to the last


def adopt_orphans() -> None:
    """Become the parent of whatever this process's descendants leave behind, as PID 1 of a container is."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _oom_score_of_tasks() -> bytes:
    try:
        with open(_OOM_SCORE, encoding="ascii") as file:
            return b"%d" % min(_OOM_SCORE_MOST, int(file.read()) + _OOM_SCORE_ADDED)
    except (OSError, ValueError):
        return b""


_OOM_SCORE_OF_TASKS = _oom_score_of_tasks()


def be_killed_first() -> None:
    """Have the kernel, when memory runs out, end a task rather than whoever started it."""
    with suppress(OSError):
        fd = os.open(_OOM_SCORE, os.O_WRONLY)
        try:
            os.write(fd, _OOM_SCORE_OF_TASKS)
        finally:
            os.close(fd)


def come_first() -> None:
    """Have processor time before the tasks do, where the system allows it: thousands of them may want some at once."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY - _AHEAD)


def confine(processors: Sequence[int] | None) -> None:
    """Run on these processors only, and whatever we start as well; on all where there are none."""
    if processors:
        with suppress(OSError):  # the system took one away: then the limit is not kept
            os.sched_setaffinity(0, processors)


def lead_group(parent: int) -> None:
    """Open a session and a process group of our own, and die with the supervisor."""
    os.setsid()
    os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    adopt_orphans()
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def redirect(stdin: int, stdout: int, stderr: int) -> None:
    """Leave three open descriptors: copies of these."""
    for source, target in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
    if _close_range is None or _close_range(3, _LAST_DESCRIPTOR, 0) != 0:
        _close_one_by_one()


def _close_one_by_one() -> None:
    for fd in _open_descriptors():
        if fd > 2:
            with suppress(OSError):  # the one that listed them
                os.close(fd)


def _open_descriptors() -> Iterable[int]:
    """What is open now; where the system does not tell, whatever may be."""
    try:
        return [int(name) for name in os.listdir(_DESCRIPTORS)]
    except OSError:
        return range(os.sysconf("SC_OPEN_MAX"))


def read_nothing() -> None:
    """Make standard input an end of file."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null != 0:
        os.dup2(null, 0)
        os.close(null)


def reset_signals(*, python: bool) -> None:
    """Default handlers and an empty mask; a Python program ignores what Python ignores from its start."""
    stop_listening()
    signal.signal(signal.SIGINT, signal.default_int_handler if python else signal.SIG_DFL)
    for name in _IGNORED_BY_PYTHON:
        signal.signal(getattr(signal, name), signal.SIG_IGN if python else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def stop_listening() -> None:
    """No longer notice the ends of children, as a supervisor does; its other signals are those of a Python program."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def replace_environment(env: Mapping[str, str]) -> None:
    """Make `env` the whole environment, time zone included."""
    zone = os.environ.get("TZ")
    for name in [*os.environ]:
        if name not in env:
            del os.environ[name]
    for name, value in env.items():
        if os.environ.get(name) != value:  # most are as they were, and each change copies memory
            os.environ[name] = value
    if env.get("TZ") != zone:
        time.tzset()


def collect_from_here() -> None:
    """Have the garbage collector look at new objects only, as many of them later as in a fresh interpreter.

    What this process inherited outlives it. A collection that looked at it would also copy the memory it lies in.
    """
    gc.freeze()
    gc.enable()


def reopen_streams() -> None:
    """Text streams on the pipes: line by line, UTF-8 whatever the locale, never failing on what cannot be encoded."""
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115 - lives as long as the process
    for name, fd, errors in (("stdout", 1, "surrogateescape"), ("stderr", 2, "backslashreplace")):
        stream = open(fd, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115 - lives as long as the process
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def reseed() -> None:
    """No two children draw the same numbers. `random` sees to itself."""
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random").seed()


def search(directory: str) -> None:
    """Import from a directory first, also if it is made later: the import system remembers what was not there."""
    loaders = (
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    sys.path_importer_cache[directory] = machinery.FileFinder(directory, *loaders)
    sys.path.insert(0, directory)


def forget() -> None:
    """Drop what the supervisor's own life left in the standard library's modules."""
    tempfile, logging = sys.modules.get("tempfile"), sys.modules.get("logging")
    if tempfile is not None:
        vars(tempfile)["tempdir"] = None
    if logging is not None:
        logging.root.handlers.clear()
        logging.root.setLevel(logging.WARNING)
