"""Real engine processes, forked from one that has everything imported, and killed."""

import ctypes
import json
import os
import select
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from postlude.engines.local.engine import LocalEngine
from postlude.runtime import checkpoint
from postlude.wiring import RunOptions, open_engine

NOWHERE = "nowhere"
"""A crash point that no engine comes to; they are counted all the same."""

_PR_SET_CHILD_SUBREAPER = 36
_LONG_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an engine's process ended.

    Attributes:
        killed: Whether it was killed; otherwise its work was done.
        points: How often it came to each crash point; of a process that was killed nobody knows.
    """

    killed: bool
    points: Mapping[str, int]


class EngineFailedError(Exception):
    """The engine's process neither did its work nor was killed; the message is its traceback."""


class SurvivorError(Exception):
    """A process that the engine started outlived it for too long."""


def adopt_orphans() -> None:
    """Become the parent of what killed engines leave behind, so that nothing they started goes unnoticed."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed: this needs Linux")


def drive(
    options: RunOptions, work: Callable[[LocalEngine], object], *, kill_at: str = NOWHERE, kill_after_s: float = 0
) -> End:
    """Run an engine in a process of its own, and wait until all that it started is gone too.

    Args:
        options: The engine's.
        work: What it does.
        kill_at: The crash point at which it kills itself, "saved:3".
        kill_after_s: Seconds after which it is killed from outside; 0 for never.

    Raises:
        EngineFailedError: The work failed.
        SurvivorError: Something is left alive.
    """
    assert options.home is not None
    report = options.home / "end.json"
    report.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        _be_the_engine(options, work, kill_at, report)
    late = not _ends_within(pid, kill_after_s or _LONG_S)
    if late:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _await_orphans()
    if late and not kill_after_s:
        raise EngineFailedError(f"the engine did not come to an end in {_LONG_S} s")
    return _end(status, report)


def _be_the_engine(options: RunOptions, work: Callable[[LocalEngine], object], kill_at: str, report: Path) -> None:
    checkpoint.arm(kill_at)
    text, code = "", 0
    try:
        with open_engine(options) as engine:
            work(engine)
        text = json.dumps(checkpoint._COUNTS)
    except BaseException:  # noqa: BLE001 - nothing may return into the program that was forked
        text, code = traceback.format_exc(), 1
    finally:
        report.write_text(text)
        os._exit(code)


def _ends_within(pid: int, seconds: float) -> bool:
    ended = os.pidfd_open(pid)
    try:
        return bool(select.select([ended], [], [], seconds)[0])
    finally:
        os.close(ended)


def _await_orphans() -> None:
    """Wait for every process that is now ours."""
    signal.signal(signal.SIGALRM, _survivor)
    signal.alarm(_LONG_S)
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return
    finally:
        signal.alarm(0)


def _survivor(*_: object) -> None:
    raise SurvivorError(f"a process outlived its engine for {_LONG_S} s")


def _end(status: int, report: Path) -> End:
    if status == -signal.SIGKILL:
        return End(killed=True, points={})
    text = report.read_text()
    if status != 0:
        raise EngineFailedError(text)
    return End(killed=False, points=Counter(json.loads(text)))
