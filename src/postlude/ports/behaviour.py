"""What an attempt that runs no code does: the words in which fake executors and simulations are told.

`exit_of` says how an attempt ends that behaves like this, so that whoever plays it reports the same.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from postlude.ports.executor import Attempt, Ending, Exit
from postlude.spec.types import NOTHING, Json

Said = tuple[str, str]
"""A line of a task's output: its stream ("stdout" or "stderr") and its text."""


class Succeed(msgspec.Struct, frozen=True, kw_only=True):
    """Write outputs, as a program that the SDK wraps does, and exit with 0.

    Attributes:
        parameters: Values of output parameters, by name.
        artifacts: The text of output artifacts, by name; one that is not named is not written.
        metadata: Metadata of output artifacts, by name.
        says: What goes to the log.
    """

    parameters: Mapping[str, Json] = NOTHING
    artifacts: Mapping[str, str] = NOTHING
    metadata: Mapping[str, Mapping[str, Json]] = NOTHING
    says: Sequence[Said] = ()


class Fail(msgspec.Struct, frozen=True, kw_only=True):
    """Exit with a code, or by a signal.

    Attributes:
        exit_code: The exit code; -n for signal n.
        message: What the executor reports, "" for the code alone.
        out_of_memory: Whether the memory limit did it.
    """

    exit_code: int = 1
    message: str = ""
    out_of_memory: bool = False
    says: Sequence[Said] = ()


class TimeOut(msgspec.Struct, frozen=True, kw_only=True):
    """Run into the time limit, at once."""

    says: Sequence[Said] = ()


class NotStart(msgspec.Struct, frozen=True, kw_only=True):
    """Never run: no such program, no such image."""

    message: str


class Vanish(msgspec.Struct, frozen=True, kw_only=True):
    """Get lost together with its supervisor."""

    message: str = "its supervisor died"


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Run until it is released, and then do something else; a time limit and a request to end count meanwhile.

    Attributes:
        then: What it does once it is released.
        ignores_sigterm: Whether only the end of the grace period stops it.
        says: What goes to the log as it begins to wait.
        last_words: What goes to the log when it is asked to end.
    """

    then: "Behaviour" = Succeed()
    ignores_sigterm: bool = False
    says: Sequence[Said] = ()
    last_words: Sequence[Said] = ()


Behaviour = Succeed | Fail | TimeOut | NotStart | Vanish | Hold

Script = Callable[[Attempt], Behaviour]
"""What an attempt does. It is called on the attempt's own thread."""

OUT_OF_MEMORY: Final = Fail(exit_code=-9, message="killed: out of memory", out_of_memory=True)


KILLED: Final = Fail(exit_code=-signal.SIGKILL)


def exit_of(behaviour: Succeed | Fail | TimeOut | NotStart | Vanish, timeout_s: float | None) -> Exit:
    """How an attempt ends that behaves like this.

    Args:
        behaviour: What it does.
        timeout_s: Its time limit, for the message; None where there is none.
    """
    match behaviour:
        case Succeed():
            return Exit(ending=Ending.EXITED, code=0)
        case Fail(exit_code=code, message=message, out_of_memory=oom):
            return Exit(ending=Ending.EXITED, code=code, message=message or _cause(code), oom=oom)
        case TimeOut():
            limit = "" if timeout_s is None else f" after {timeout_s:g} s"
            return Exit(ending=Ending.TIMED_OUT, code=-signal.SIGTERM, message=f"timed out{limit}")
        case NotStart(message=message):
            return Exit(ending=Ending.NOT_STARTED, message=message)
        case Vanish(message=message):
            return Exit(ending=Ending.LOST, message=message)


def _cause(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def by_path(behaviours: Mapping[str, Behaviour | Sequence[Behaviour]], *, otherwise: Behaviour | None = None) -> Script:
    """A script by task path: "exit-handler-1/for-loop-2[1]/train".

    Args:
        behaviours: What the task at a path does; a sequence says it attempt by attempt, the last for all that follow.
        otherwise: What every other task does; None to succeed without outputs.

    Raises:
        ValueError: A sequence is empty.
    """
    empty = sorted(path for path, each in behaviours.items() if not each)
    if empty:
        raise ValueError(f"no behaviour for {', '.join(empty)}: name at least one, or leave the path out")

    def script(attempt: Attempt) -> Behaviour:
        found = behaviours.get(attempt.path, otherwise or Succeed())
        return found[min(attempt.attempt, len(found)) - 1] if isinstance(found, Sequence) else found

    return script
