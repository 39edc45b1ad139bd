"""Attempts that run while a test looks, and what is left of processes."""

import threading
from pathlib import Path

from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Attempt, Exit


class Started:
    """An attempt that runs in a thread of its own."""

    def __init__(self, executor: ProcessExecutor, attempt: Attempt) -> None:
        self._ended: list[Exit] = []
        self._attempt = attempt
        self._thread = threading.Thread(target=lambda: self._ended.append(executor.run(attempt)))
        self._thread.start()

    def until(self, text: str) -> None:
        """Wait until the task has written something."""
        while not (self._attempt.log.exists() and text in self._attempt.log.read_text()):
            self._thread.join(0.005)

    def ended(self) -> Exit:
        self._thread.join(60)
        return self._ended[0]


def gone(pid: int) -> bool:
    """Whether a process is no more, or a zombie that only its new parent can bury."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until_gone(pids: list[int]) -> bool:
    """Wait until the processes are gone; False where one is still there after ten seconds."""
    waiter = threading.Event()
    for _ in range(1000):
        if all(map(gone, pids)):
            return True
        waiter.wait(0.01)
    return False


def working_in(directory: Path) -> list[int]:
    """The living processes whose working directory is this one."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            there = (place / "cwd").readlink() == directory
        except OSError:
            continue
        if there and not gone(int(place.name)):
            found.append(int(place.name))
    return found
