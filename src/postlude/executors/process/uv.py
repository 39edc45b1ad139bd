"""Runs uv for an attempt that waits for its packages."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from postlude.executors.process.credentials import redacted
from postlude.executors.process.installer import CannotBuildError, last_words, uv_binary
from postlude.executors.process.locks import GaveUpError
from postlude.executors.process.supervisor.logfile import LogFile

_POLL_S = 0.02
# An installer that outlived its engine would write into what the next engine builds.
_DIES_WITH_US: Final = """\
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the engine is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
_FAILED: Final = "cannot install the component's packages: {words}"
_FAILED_OFFLINE: Final = (
    "cannot install the component's packages offline: {words} "
    "Run once without --offline, so that they are there from then on"
)


def run_uv(
    arguments: Sequence[str], *, env: Mapping[str, str], log: Path, gave_up: Callable[[float], bool], offline: bool
) -> None:
    """Run uv to its end; what it says goes to the attempt's log. It dies when this process does.

    Args:
        arguments: What it is to do.
        env: Its whole environment.
        log: The attempt's log.
        gave_up: Waits so many seconds; whether the wait is to end without a result.
        offline: Whether it may fetch nothing.

    Raises:
        CannotBuildError: It failed; the message holds its reason.
        GaveUpError: `gave_up` said so; uv is dead.
        OSError: It cannot be started.
    """
    words = log.with_name(f"{log.name}.uv")
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with words.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - a list, no shell
                [sys.executable, "-I", "-S", "-c", _DIES_WITH_US, str(os.getpid()), uv_binary(), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=dict(env), cwd=log.parent, start_new_session=True,
            )  # fmt: skip
            _wait(process, gave_up)
        if process.returncode != 0:
            said = last_words(redacted(words.read_text("utf-8", "replace")))
            raise CannotBuildError((_FAILED_OFFLINE if offline else _FAILED).format(words=said))
    finally:
        _keep(words, log)


def note(log: Path, text: str) -> None:
    """Write a line of ours into the attempt's log."""
    _append(log, f"postlude: {text}\n")


def _wait(process: subprocess.Popen[bytes], gave_up: Callable[[float], bool]) -> None:
    while process.poll() is None:
        if gave_up(_POLL_S):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise GaveUpError


def _keep(words: Path, log: Path) -> None:
    """Move what uv said into the attempt's log."""
    with suppress(FileNotFoundError):
        _append(log, redacted(words.read_text("utf-8", "replace")))
        words.unlink()


def _append(log: Path, text: str) -> None:
    file = LogFile(str(log))
    file.write("stderr", text.encode())
    file.close()
