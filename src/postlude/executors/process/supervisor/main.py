"""The supervisor's loop: orders in, processes run, reports out."""

import gc
import math
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial

from . import children, isolate
from .attempt import Attempt
from .child import Birth, Leader
from .component import rehearse
from .logfile import LogFile
from .poll import Poll
from .processors import Processors
from .spares import Spares
from .wire import BIRTH, Ended, Frames, Inspect, Inventory, Kill, Message, Preload, Run, Stop, encode

_ORDERS_BYTES = 1 << 16
_REHEARSALS = 12
"""An interpreter fits its code to what it meets: children that inherit it so spend a twentieth less."""
_IDLE_S = 0.1
"""After so long without an order, time is at hand to get ready for orders."""


class Supervisor:
    """Runs attempts until the engine is gone; then kills what is left, reports, and ends.

    Args:
        control: The socket to the engine.
        births: The pipe that takes a `BIRTH` for each attempt.
        engine: The engine's pid.
        boot: The command that starts a fresh interpreter for a component.
    """

    def __init__(self, control: socket.socket, births: int, engine: int, boot: list[str]) -> None:
        self._control = control
        self._births = births
        self._engine = engine
        self._birth = Birth(dict(os.environ), boot)
        self._spares = Spares(self._birth)
        self._processors = Processors()
        self._frames = Frames()
        self._attempts: dict[int, Attempt] = {}
        self._open = True
        self._preloaded = False
        self._ready = False
        self._rehearsals = _REHEARSALS
        self._orphans = False
        self._reports: list[bytes] = []
        self._poll = Poll()
        self._poll.add(control.fileno(), self._take_orders)
        self._wakeup = children.wake_on_exit()
        self._poll.add(self._wakeup.fileno(), self._child_ended)
        self._watch(engine)

    def serve(self) -> None:
        """Work until the engine is gone and every attempt is over."""
        while self._open or self._attempts:
            happened = self._poll.wait(self._wait_s())
            self._pass_due()
            ended = self._end_attempts()
            self._report()
            if ended or not happened:
                self._get_ready()

    # --- orders ---

    def _take_orders(self) -> None:
        data = b""
        with suppress(ConnectionError):
            data = self._control.recv(_ORDERS_BYTES)
        if not data:
            self._engine_gone()
        for order in self._frames.feed(data):
            self._obey(order)
        self._report()
        self._spares.refill(len(self._attempts))  # once every order has what there was

    def _obey(self, order: Message) -> None:
        match order:
            case Run():
                self._run(order)
            case Stop():
                self._stop(order)
            case Kill():
                self._kill(order)
            case Preload():
                self._preload()
            case Inspect():
                self._inspect(order)
            case _:
                raise TypeError(f"not an order: {order}")

    def _run(self, order: Run) -> None:
        if os.getppid() != self._engine:
            return  # the engine died before the order was read: the attempt is lost, and may be made again elsewhere
        try:
            attempt = self._start(order)
        except OSError as error:
            self._say(Ended(id=order.id, ending="not started", note=f"cannot start a process: {error}"))
            return
        self._attempts[order.id] = attempt
        for stream, fd in attempt.streams.items():
            self._poll.add(fd, partial(self._read, attempt, stream))
        with suppress(OSError):  # it is full: the engine has not been woken for thousands of attempts
            os.write(self._births, BIRTH.pack(order.id, attempt.pid))

    def _start(self, order: Run) -> Attempt:
        log = LogFile(order.log)
        confined = self._processors.give(order.id, order.processors)
        try:
            leader = self._lead(replace(order, confined=confined) if confined else order)
        except OSError:
            log.close()
            self._processors.take_back(order.id)
            raise
        return Attempt(order, leader, log, time.monotonic())

    def _lead(self, order: Run) -> Leader:
        if order.source is None or order.fresh:
            return self._birth.start(order)
        self._preload()
        return self._spares.take(order) or self._birth.start(order)

    def _stop(self, order: Stop) -> None:
        attempt = self._attempts.get(order.id)
        if attempt is not None:
            attempt.stop("terminated", order.grace_s, time.monotonic())

    def _kill(self, order: Kill) -> None:
        attempt = self._attempts.get(order.id)
        if attempt is not None and attempt.code is None:  # while nobody else can have its number
            attempt.kill()

    def _preload(self) -> None:
        if self._preloaded:
            return
        self._preloaded = True
        self._rehearse()  # a missing SDK is met again, and reported, by the component's own process

    def _rehearse(self) -> None:
        self._rehearsals = self._rehearsals - 1 if rehearse() else 0
        gc.collect()
        gc.freeze()  # forked children then share these pages for good

    def _get_ready(self) -> None:
        """Do what makes later attempts faster: once one has ended, or nobody has come for a while.

        Nobody waits meanwhile: the engine has just been told something, and thinks about it for longer.
        """
        if not self._preloaded or not self._open:
            return
        if self._rehearsals:
            self._rehearse()
        if self._ready:
            return
        self._spares.keep()
        if not self._attempts:
            self._ready = True
            with suppress(OSError, ValueError):
                self._birth.learn()
            self._spares.refill(0)

    def _inspect(self, order: Inspect) -> None:
        from .inventory import installed, site_directories  # noqa: PLC0415 - 20 ms that most runs never need

        found, python = installed(order.names), ".".join(map(str, sys.version_info[:3]))
        self._say(Inventory(id=order.id, python=python, site=site_directories(), found=found))

    # --- what happens ---

    def _read(self, attempt: Attempt, stream: str) -> None:
        if not attempt.read(stream):
            self._close(attempt, stream)

    def _close(self, attempt: Attempt, stream: str) -> None:
        self._poll.drop(attempt.streams[stream])
        attempt.close(stream)

    def _child_ended(self) -> None:
        with suppress(BlockingIOError):
            self._wakeup.recv(4096)
        leaders = {attempt.pid: attempt for attempt in self._attempts.values() if attempt.code is None}
        for pid in children.exited():
            if pid in leaders:
                leaders[pid].kill()  # before it is reaped, while nobody else can have its number
            status = os.waitpid(pid, 0)[1]
            if pid in leaders:
                leaders.pop(pid).leader_ended(status, time.monotonic())
            elif pid in self._spares:
                self._spares.died(pid)
        self._orphans = children.kill_others({*leaders, *self._spares})

    def _pass_due(self) -> None:
        now = time.monotonic()
        for attempt in self._attempts.values():
            attempt.keep_limits(now)
            if attempt.due is not None and attempt.due <= now:
                self._give_up_on(attempt)
                attempt.pass_due(now)

    def _give_up_on(self, attempt: Attempt) -> None:
        if attempt.code is not None:
            self._orphans = False
            for stream in list(attempt.streams):
                self._close(attempt, stream)

    def _end_attempts(self) -> bool:
        """Say what has ended; whether anything has."""
        ended = [one for one in self._attempts.values() if one.code is not None and not one.streams]
        if self._orphans:
            return False
        for attempt in ended:
            del self._attempts[attempt.id]
            self._processors.take_back(attempt.id)
            self._say(attempt.finish())
        return bool(ended)

    def _engine_gone(self) -> None:
        if not self._open:
            return
        self._open = False
        self._poll.drop(self._control.fileno())
        self._spares.close()
        now = time.monotonic()
        for attempt in self._attempts.values():
            attempt.stop("terminated", 0, now)

    # --- the world outside ---

    def _wait_s(self) -> float:
        wakes_at = min((attempt.wakes_at for attempt in self._attempts.values()), default=math.inf)
        if self._preloaded and not self._ready and not self._attempts:
            wakes_at = time.monotonic() + _IDLE_S
        return max(0.0, wakes_at - time.monotonic())

    def _say(self, message: Message) -> None:
        self._reports.append(encode(message))

    def _report(self) -> None:
        """Tell the engine all there is to tell at once: it wakes for every time that it is told something."""
        if self._reports:
            with suppress(OSError):  # nobody listens any more; the end of the control socket says so too
                self._control.sendall(b"".join(self._reports))
            self._reports.clear()

    def _watch(self, engine: int) -> None:
        """Notice the engine's death even where another process holds a copy of its end of the socket."""
        if not hasattr(os, "pidfd_open"):
            return
        with suppress(OSError):
            fd = os.pidfd_open(engine)
            self._poll.add(fd, partial(self._engine_died, fd))

    def _engine_died(self, fd: int) -> None:
        self._poll.drop(fd)
        self._engine_gone()


def main(engine: int, births: int, boot: list[str]) -> None:
    """Serve the engine whose control socket is standard input."""
    os.set_inheritable(births, False)  # noqa: FBT003 - the system's signature
    os.set_blocking(births, False)
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    isolate.adopt_orphans()
    isolate.come_first()
    isolate.reset_signals(python=True)  # once, for all that are forked
    gc.disable()
    Supervisor(control, births, engine, boot).serve()
