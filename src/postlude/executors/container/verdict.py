"""What became of a container: the engine's record of it, read as an `Exit`. Pure."""

import re
import signal
from collections.abc import Mapping
from typing import Final

import msgspec

from postlude.executors.process.exits import one_line
from postlude.ports.executor import Attempt, Ending, Exit

_NEVER: Final = "0001-01-01"
"""How both engines write a time that never came."""

_DEADLY: Final = frozenset(
    {signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM}
)
_SIGNALS_FROM: Final = 128


class ContainerState(msgspec.Struct, frozen=True, rename="pascal"):
    """The engine's record of a container, as `container inspect` gives it under State."""

    started_at: str = _NEVER
    running: bool = False
    exit_code: int = 0
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    error: str = ""

    @property
    def started(self) -> bool:
        """Whether the program in it ever began."""
        return not self.started_at.startswith(_NEVER)


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """How the client that was attached to the container ended.

    Attributes:
        code: Its exit code.
        words: The engine's words on its stderr, in case the container never started.
        last_line: The last line of its stderr that says something: the program's, once it started.
    """

    code: int
    words: str = ""
    last_line: str = ""


def verdict(attempt: Attempt, state: ContainerState | None, attached: Attached, asked: Ending | None) -> Exit:
    """How the attempt ended.

    Args:
        attempt: What was run.
        state: The engine's record, None where the engine has no such container.
        attached: How the client ended.
        asked: TERMINATED or TIMED_OUT where the executor asked the container to end.
    """
    if state is not None and state.running:
        words = attached.words or "no reason given"
        return Exit(ending=Ending.LOST, message=one_line(f"the engine let go of the running container: {words}"))
    code = exit_code(state.exit_code) if state is not None and state.started else None
    if asked is not None:
        return ended_on_request(attempt, asked, code=code)
    if state is None or code is None:
        return Exit(ending=Ending.NOT_STARTED, message=one_line(_why_not_started(attempt, state, attached)))
    oom = code != 0 and state.oom_killed
    return Exit(ending=Ending.EXITED, code=code, oom=oom, message=one_line(_why_failed(attempt, code, state, attached)))


def ended_on_request(attempt: Attempt, asked: Ending, *, code: int | None = None, while_: str = "") -> Exit:
    """The end of an attempt that the executor asked to end.

    Args:
        attempt: What was run.
        asked: TERMINATED or TIMED_OUT.
        code: The program's exit code; None where it never began.
        while_: What was done for the attempt when its time was up.
    """
    if asked is not Ending.TIMED_OUT or attempt.timeout_s is None:
        return Exit(ending=asked, code=code, message="terminated on request")
    message = f"timed out after {attempt.timeout_s:g} s"
    return Exit(ending=asked, code=code, message=f"{message}, while {while_}" if while_ else message)


def exit_code(told: int) -> int:
    """The exit code in the port's words: -n for a signal n that ends programs, which engines tell as 128 + n."""
    return _SIGNALS_FROM - told if told - _SIGNALS_FROM in _DEADLY else told


def _why_not_started(attempt: Attempt, state: ContainerState | None, attached: Attached) -> str:
    said = (state.error if state else "") or attached.words or f"the engine's client exited with {attached.code}"
    reason = _REASONS.get(attached.code, "the container could not be started: {said}")
    program = f"'{attempt.argv[0]}'" if attempt.argv and not attempt.args_only else "its entry point"
    return reason.format(image=attempt.image, program=program, said=_to_the_point(said))


def _to_the_point(said: str) -> str:
    """What the engine says of the program itself, without the chain of those through whom it heard of that."""
    return _ENGINE_S_OWN.sub("", said[max(0, said.find('exec: "')) :])


_ENGINE_S_OWN: Final = re.compile(r": (unknown|OCI runtime attempted .*|OCI permission denied)$")


_REASONS: Final[Mapping[int, str]] = {
    126: "image '{image}' cannot run {program}: {said}",
    127: "image '{image}' has no program {program}: {said}. Check the component's command",
}


def _why_failed(attempt: Attempt, code: int, state: ContainerState, attached: Attached) -> str:
    limit = attempt.resources.memory_limit
    if code == 0:
        return ""
    if state.oom_killed:
        return f"out of memory: its limit is {limit}" if limit else "out of memory"
    if code == -signal.SIGKILL and limit:
        return f"killed by SIGKILL; its memory limit is {limit}, though the engine does not say that it was reached"
    cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return ": ".join(filter(None, (cause, attached.last_line)))
