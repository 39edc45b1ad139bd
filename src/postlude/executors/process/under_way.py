"""An attempt between the call of `run` and its end."""

import threading
import time
from dataclasses import dataclass, field

from postlude.executors.process.link import Supervisor, new_id
from postlude.ports.executor import Attempt, Ending, Exit


@dataclass(slots=True, kw_only=True)
class UnderWay:
    """What `run` and `terminate` share of an attempt.

    Attributes:
        deadline: When (monotonic seconds) its time is up.
        lock: Held while it is handed to a supervisor, so that a stop comes before or after, never between.
        supervisor: Who runs it, None before.
    """

    deadline: float
    id: int = field(default_factory=new_id)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)
    supervisor: Supervisor | None = None

    def gave_up(self, wait_s: float) -> bool:
        """Wait; whether the attempt was stopped or its time is up."""
        return self.stopped.wait(wait_s) or time.monotonic() > self.deadline


class EndedEarlyError(Exception):
    """The attempt is over before a process was started; carries how."""

    def __init__(self, ending: Ending, message: str) -> None:
        super().__init__(message)
        self.exit = Exit(ending=ending, message=message)


def while_installing(attempt: Attempt, under_way: UnderWay) -> EndedEarlyError:
    """An attempt that ended while its environment was built."""
    if under_way.stopped.is_set():
        return EndedEarlyError(Ending.TERMINATED, "terminated while its packages were installed")
    return EndedEarlyError(Ending.TIMED_OUT, f"timed out after {attempt.timeout_s:g} s, while installing packages")
