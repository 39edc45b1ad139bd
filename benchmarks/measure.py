"""What one process and everything it starts cost: seconds, processor seconds, and memory at its peak (Linux)."""

import ctypes
import os
import resource
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import psutil

_PR_SET_CHILD_SUBREAPER: Final = 36
_BETWEEN_SAMPLES_S: Final = 0.02
_LINGER_S: Final = 5.0
"""How long what a command leaves running may take to end by itself; it counts as part of the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command cost.

    Attributes:
        wall_s: From its start to its end.
        cpu_s: User and system time of the whole process tree.
        peak_bytes: The most that its processes held at one time, None where it was not sampled: the sum of their
            proportional set sizes, in which a page that processes share is counted once.
        code: The exit code.
        output: Its standard output.
        errors: The end of its standard error.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int | None
    code: int
    output: str
    errors: str


def adopt_orphans() -> None:
    """Become the parent of every orphaned descendant, so that no process of a measured command goes uncounted."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed: the benchmark needs Linux")


def measure(command: list[str], *, cwd: Path, timeout_s: float, sample: bool) -> Cost:
    """Run a command to its end and say what it cost.

    Args:
        command: The program and its arguments.
        cwd: Where it runs.
        timeout_s: It is killed after that many seconds.
        sample: Whether to sample memory. That takes processor time itself, so times of such a run are not compared.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        before = _cpu_s()
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        peak = _sample_until_end(process, timeout_s) if sample else None
        code = _wait(process, timeout_s)
        wall_s = time.perf_counter() - began
        _reap_all()
        return Cost(
            wall_s=wall_s,
            cpu_s=_cpu_s() - before,
            peak_bytes=peak,
            code=code,
            output=_text(output),
            errors=_text(errors)[-2000:],
        )


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _sample_until_end(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    ends = time.perf_counter() + timeout_s
    peak = 0
    while process.poll() is None and time.perf_counter() < ends:
        peak = max(peak, sum(map(_held_bytes, psutil.Process().children(recursive=True))))
        with suppress(subprocess.TimeoutExpired):
            process.wait(_BETWEEN_SAMPLES_S)
    return peak


def _held_bytes(process: psutil.Process) -> int:
    """The proportional set size; the resident one where the kernel does not tell it; 0 for a process that is gone."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except ProcessLookupError:
        return 0
    except OSError:
        with suppress(psutil.Error):
            return int(process.memory_info().rss)
    return 0


def _reap_all() -> None:
    """Wait for what the command left running, so that its processor time counts, and end what stays."""
    ends = time.perf_counter() + _LINGER_S
    with suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                time.sleep(0.01)
                if time.perf_counter() > ends:
                    _kill_descendants()
                    ends += _LINGER_S


def _kill_descendants() -> None:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
