"""What the engine and a supervisor tell each other: typed messages in length-prefixed JSON frames."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

BIRTH = struct.Struct("=qq")
"""The id of an order, and the pid of the process that leads its attempt. Births have a pipe of their own, which the
engine reads when something else has woken it: it needs them only where a supervisor dies."""

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Order: run one attempt, note its `BIRTH` once it has a process, and report `Ended`.

    Attributes:
        id: Names the attempt in everything said about it.
        argv: The program and its arguments; for a component, the arguments of the SDK's executor.
        source: The program text of a Python component, None for any other program.
        fresh: Whether a component needs a newly started interpreter (its env is read at start-up only).
        env: Variables on top of the supervisor's own.
        directory: The attempt's directory, absolute; the program works in "work" below it.
        timeout_s: None where there is no limit.
        grace_s: Seconds between SIGTERM and SIGKILL when the time is up.
        memory_bytes: What its processes may hold together, None where there is no limit.
        most_processes: How many processes it may have at a time.
        processors: How many processors it may use, None where there is no limit.
        confined: Which these are; the supervisor chooses.
    """

    id: int
    argv: list[str]
    source: str | None
    fresh: bool
    env: dict[str, str]
    directory: str
    log: str
    timeout_s: float | None
    grace_s: float
    memory_bytes: int | None = None
    most_processes: int = 1024
    processors: int | None = None
    confined: list[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Order: SIGTERM now, SIGKILL after `grace_s` seconds. An attempt that is not under way is ignored."""

    id: int
    grace_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Order: SIGKILL now, as if somebody else had sent it. An attempt that is not under way is ignored."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload:
    """Order: import the SDK's executor now rather than at the first component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Order: report which of the named distributions are installed."""

    id: int
    names: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Report: no process of the attempt is left and its log is complete.

    Attributes:
        ending: A value of `ports.executor.Ending`.
        code: Exit code, -n for signal n, None where nothing ran.
        note: What the program's own process wrote about its end: an exception, why it could not start.
        stderr: The last line on stderr that is not blank.
        log_error: Why the log is incomplete, "" where it is not.
        exceeded: The limit for which it was killed, "memory" or "processes", or "" for none.
        held_bytes: What it held when it was killed for it.
        out_of_memory: Whether a Python component gave up since the system had no memory for it.
    """

    id: int
    ending: str
    code: int | None = None
    note: str = ""
    stderr: str = ""
    log_error: str = ""
    exceeded: str = ""
    held_bytes: int = 0
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Report: what the interpreter is and has.

    Attributes:
        python: Its full version, "3.11.7".
        site: Its site directories, in the order they are searched.
        found: For each distribution that is installed, its version and its own requirements.
    """

    id: int
    python: str
    site: list[str]
    found: dict[str, tuple[str, list[str]]]


Message = Run | Stop | Kill | Preload | Inspect | Ended | Inventory

_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind for kind in (Run, Stop, Kill, Preload, Inspect, Ended, Inventory)
}


def encode(message: Message) -> bytes:
    """The frame that carries the message."""
    content = {field.name: getattr(message, field.name) for field in fields(message)}
    body = json.dumps([type(message).__name__, content]).encode()
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes, in order."""
        self._buffer += data
        while (body := self._take()) is not None:
            kind, content = json.loads(body)
            yield _KINDS[kind](**content)

    def _take(self) -> Any:
        if len(self._buffer) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return body
