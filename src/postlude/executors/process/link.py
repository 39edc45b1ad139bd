"""The engine's end of a supervisor."""

import itertools
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue

from postlude.executors.process.boot import supervisor_command
from postlude.executors.process.supervisor.wire import (
    BIRTH,
    Ended,
    Frames,
    Inspect,
    Inventory,
    Kill,
    Message,
    Preload,
    Run,
    Stop,
    encode,
)

Told = Callable[[Ended | Inventory], None]
"""Hears the report about an order, on any thread; it must not wait for anything."""

_CLOSE_S = 10.0
_BIRTHS_BYTES = BIRTH.size * 1024
_ids = itertools.count(1)


def new_id() -> int:
    """A number that names one order and what is reported about it."""
    return next(_ids)


class SupervisorLostError(Exception):
    """The supervisor is dead and did not get the order."""


class Supervisor:
    """A running supervisor process. Called from several threads at once.

    Args:
        python: The interpreter it runs in.
        env: Its whole environment.
        log: The file that receives what it has to say, which is nothing unless it is defective.
    """

    def __init__(self, python: str, env: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output, ExitStack() as theirs, ExitStack() as ours:
            self._control, control = socket.socketpair()
            self._births, births = os.pipe()
            os.set_blocking(self._births, False)
            for end, stack in ((self._births, ours), (births, theirs)):
                stack.callback(os.close, end)
            ours.enter_context(self._control)
            self._process = subprocess.Popen(  # noqa: S603 - a list, no shell
                supervisor_command(python, os.getpid(), births), pass_fds=(births,),
                stdin=theirs.enter_context(control).fileno(), stdout=output, stderr=output,
                env=dict(env), cwd=log.parent, start_new_session=True,
            )  # fmt: skip
            ours.pop_all()  # from here on the reader closes them
        self._lock = threading.Lock()
        self._waiting: dict[int, Told] = {}
        self._leaders: dict[int, int] = {}
        self._alive = True
        self._closing = False
        self._reader = threading.Thread(target=self._read, name="postlude-supervisor", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether it still takes orders."""
        return self._alive

    @property
    def pid(self) -> int:
        """Its process id."""
        pid: int = self._process.pid
        return pid

    def begin(self, order: Run | Inspect, told: Told) -> None:
        """Send an order; `told` hears its report.

        Raises:
            SupervisorLostError: It is dead.
        """
        frame = encode(order)
        with self._lock:
            if not self._alive:
                raise SupervisorLostError("it is dead")
            self._waiting[order.id] = told
            try:
                self._control.sendall(frame)
            except OSError as error:
                del self._waiting[order.id]
                raise SupervisorLostError(str(error)) from error

    def stop(self, attempt: int, grace_s: float) -> None:
        """Ask it to end an attempt; nothing happens where it is dead, or the attempt is over."""
        with suppress(OSError):
            self._send(Stop(id=attempt, grace_s=grace_s))

    def kill(self, attempt: int) -> None:
        """Ask it to kill an attempt's processes; nothing happens where it is dead, or the attempt is over."""
        with suppress(OSError):
            self._send(Kill(id=attempt))

    def preload(self) -> None:
        """Ask it to import the SDK's executor now."""
        with suppress(OSError):
            self._send(Preload())

    def inspect(self, names: Sequence[str]) -> Inventory:
        """What its interpreter is, and which of the named distributions it has.

        Raises:
            SupervisorLostError: It died.
        """
        reports: SimpleQueue[Ended | Inventory] = SimpleQueue()
        self.begin(Inspect(id=new_id(), names=list(names)), reports.put)
        report = reports.get()
        if not isinstance(report, Inventory):
            raise SupervisorLostError("it died while it was asked what is installed")
        return report

    def close(self) -> None:
        """Make it kill what runs and end."""
        self._closing = True
        if not self._waiting:
            self._process.kill()  # Nothing runs there, and an interpreter with the SDK takes long to end by itself.
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        self._reader.join(_CLOSE_S)
        if self._reader.is_alive():
            self._process.kill()
            self._reader.join()

    def _send(self, message: Message) -> None:
        frame = encode(message)
        with self._lock:
            self._control.sendall(frame)

    def _read(self) -> None:
        frames = Frames()
        with suppress(OSError):
            while data := self._control.recv(1 << 16):
                for report in frames.feed(data):
                    self._take(report)
        self._process.kill()  # it closed its end: it is dying, or gone
        self._process.wait()
        with self._lock:
            self._alive = False  # from here on nobody is added to those who wait
        self._learn_leaders()
        for waiting in list(self._waiting):
            self._lose(waiting)
        self._control.close()
        os.close(self._births)

    def _take(self, report: Message) -> None:
        if isinstance(report, Ended | Inventory):
            self._learn_leaders()
            self._leaders.pop(report.id, None)
            told = self._waiting.pop(report.id, None)
            if told is not None:
                told(report)

    def _learn_leaders(self) -> None:
        """Read the births up to now, which a supervisor notes before it reports an end."""
        with suppress(BlockingIOError):
            while len(births := os.read(self._births, _BIRTHS_BYTES)) == _BIRTHS_BYTES:
                self._leaders.update(BIRTH.iter_unpack(births))
            self._leaders.update(BIRTH.iter_unpack(births))

    def _lose(self, waiting: int) -> None:
        """Report an order as lost, once the process group of its attempt is killed."""
        told = self._waiting.pop(waiting, None)
        leader = self._leaders.pop(waiting, None)
        if leader is not None:
            with suppress(OSError):
                os.killpg(leader, signal.SIGKILL)
        if told is not None:
            told(self._lost(waiting))

    def _lost(self, waiting: int) -> Ended:
        if self._closing:
            return Ended(id=waiting, ending="terminated", note="the executor was closed")
        code = self._process.returncode
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return Ended(id=waiting, ending="lost", note=f"the supervisor of the task's process {how}: nobody saw the end")
