"""One container while it runs: how it is asked to end."""

import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from subprocess import Popen
from typing import Final

from postlude.executors.container.client import Client
from postlude.ports.executor import Ending

_RETRY_S: Final = 0.1
_ENGINE_PATIENCE_S: Final = 30.0
"""How long a killed container may take to be gone before the engine counts as hung and its client is ended instead."""


class Running:
    """An attempt between `run` being called and returning.

    Attributes:
        name: The container's name, whether or not it exists yet.
        asked: Done as soon as somebody asks the attempt to end; its result says who. The first one counts.
        over: Set when the container has ended, or will never start.
        gone: Set when nothing of the attempt is left, the container included.
        attached: The client attached to the container, once there is one.
    """

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self.asked: Future[Ending] = Future()
        self.over = threading.Event()
        self.gone = threading.Event()
        self.attached: Popen[bytes] | None = None
        self._client = client

    @property
    def ending(self) -> Ending | None:
        """What the attempt was asked to end as, None where nobody asked."""
        return self.asked.result() if self.asked.done() else None

    def stop(self, ending: Ending, grace_s: float) -> None:
        """Ask the program to end: SIGTERM now, SIGKILL after `grace_s` seconds. Returns at once."""
        with suppress(InvalidStateError):
            self.asked.set_result(ending)
        # a daemon: it ends with the container, and must not keep a dying process alive
        threading.Thread(target=self._stop, args=(grace_s,), name=f"stop {self.name}", daemon=True).start()

    def time_out(self, grace_s: float) -> None:
        """Stop the program for its time limit, unless its container has ended."""
        if not self.over.is_set():
            self.stop(Ending.TIMED_OUT, grace_s)

    def _stop(self, grace_s: float) -> None:
        grace_ends = time.monotonic() + grace_s
        self._signal_until("TERM", grace_ends)
        self.over.wait(max(0.0, grace_ends - time.monotonic()))
        patience_ends = time.monotonic() + _ENGINE_PATIENCE_S
        self._signal_until("KILL", patience_ends)
        if not self.over.wait(max(0.0, patience_ends - time.monotonic())) and self.attached is not None:
            self.attached.kill()

    def _signal_until(self, name: str, deadline: float) -> None:
        """Send the signal once. While the container does not run yet that fails, and is tried again."""
        while not self.over.is_set() and time.monotonic() < deadline:
            if self._client.call("kill", f"--signal={name}", self.name, timeout_s=_ENGINE_PATIENCE_S).ok:
                return
            self.over.wait(_RETRY_S)
