"""An attempt between the call of `begin` and its end."""

import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field

from postlude.executors.process.link import Supervisor, Told, new_id
from postlude.executors.process.supervisor.wire import Run
from postlude.ports.executor import Attempt, Ending, Exit


@dataclass(slots=True, kw_only=True)
class UnderWay:
    """What those who begin, end and terminate an attempt share of it.

    Attributes:
        deadline: When (monotonic seconds) its time is up.
        ended: Receives how it ended.
        held: What must be there until it has ended.
        lock: Held while it is handed to a supervisor, so that a stop comes before or after, never between.
        supervisor: Who runs it, None before.
    """

    deadline: float
    id: int = field(default_factory=new_id)
    ended: Future[Exit] = field(default_factory=Future)
    held: ExitStack = field(default_factory=ExitStack)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)
    supervisor: Supervisor | None = None

    def gave_up(self, wait_s: float) -> bool:
        """Wait; whether the attempt was stopped or its time is up."""
        return self.stopped.wait(wait_s) or time.monotonic() > self.deadline

    def begin(self, supervisor: Supervisor, order: Run, told: Told) -> None:
        """Hand it to a supervisor.

        Raises:
            EndedEarlyError: It was stopped before.
            SupervisorLostError: The supervisor is dead.
        """
        with self.lock:
            if self.stopped.is_set():
                raise EndedEarlyError(Ending.TERMINATED, "terminated before it started")
            supervisor.begin(order, told)
            self.supervisor = supervisor


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
