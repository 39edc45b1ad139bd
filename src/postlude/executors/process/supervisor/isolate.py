"""Makes a forked child look like a process that was started afresh."""

import ctypes
import importlib
import os
import signal
import sys
import time
from collections.abc import Mapping

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def adopt_orphans() -> None:
    """Become the parent of whatever this process's descendants leave behind, as PID 1 of a container is."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lead_group(parent: int) -> None:
    """Open a session and a process group of our own, and die with the supervisor."""
    os.setsid()
    adopt_orphans()
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def redirect(stdout: int, stderr: int) -> None:
    """Leave three open descriptors: nothing to read, and the two pipes."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def reset_signals(*, python: bool) -> None:
    """Default handlers and an empty mask; a Python program ignores what Python ignores from its start."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler if python else signal.SIG_DFL)
    for name in _IGNORED_BY_PYTHON:
        signal.signal(getattr(signal, name), signal.SIG_IGN if python else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def replace_environment(env: Mapping[str, str]) -> None:
    """Make `env` the whole environment, time zone included."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()


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


def forget() -> None:
    """Drop what the supervisor's own life left in the standard library's modules."""
    tempfile, logging = sys.modules.get("tempfile"), sys.modules.get("logging")
    if tempfile is not None:
        vars(tempfile)["tempdir"] = None
    if logging is not None:
        logging.root.handlers.clear()
        logging.root.setLevel(logging.WARNING)
