"""The command-line client of a container engine, called with argument lists and never through a shell."""

import errno
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

_NO_SUCH_PROGRAM: Final = 127
_TIMED_OUT: Final = 124
_ERROR_STARTS: Final = ("error", "docker: ", "podman: ")
_ADVICE_STARTS: Final = ("run 'docker", "see 'docker", "run 'podman", "see 'podman")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of the client gave.

    Attributes:
        code: Its exit code; 127 where the program is not installed, 124 where the time limit ended it.
        output: Its standard output.
        words: The line in which the engine says what went wrong, "" where it wrote nothing.
    """

    code: int
    output: str = ""
    words: str = ""

    @property
    def ok(self) -> bool:
        """Whether the engine did what it was asked."""
        return self.code == 0


def engine_words(stderr: str) -> str:
    """The line of a client's stderr that says what went wrong, without a full stop; "" where there is none."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if not line.lower().startswith(_ADVICE_STARTS)]
    errors = [line for line in told if line.lower().startswith(_ERROR_STARTS)]
    return (errors or told or [""])[-1].rstrip(".")


class Client:
    """One engine's client program. Safe to use from several threads.

    Attributes:
        program: What is called.
        closed: Whether none is started any more.

    Clients run in a session of their own: a Ctrl-C on the terminal reaches this process only, which then decides.
    """

    def __init__(self, program: str) -> None:
        self.program = program
        self._lock = threading.Lock()
        self._live: set[subprocess.Popen[bytes]] = set()
        self.closed = False

    def call(self, *arguments: str, timeout_s: float | None = None) -> Answer:
        """Call the client and wait for its answer, `timeout_s` seconds at most. Never raises for what it does."""
        try:
            process = self.open(arguments)
        except OSError as error:
            return Answer(code=_NO_SUCH_PROGRAM, words=f"{self.program}: {error.strerror}")
        try:
            output, errors = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Answer(code=_TIMED_OUT, words=f"{self.program} gave no answer within {timeout_s:g} s")
        finally:
            self.forget(process)
        words = engine_words(errors.decode(errors="replace"))
        return Answer(code=process.returncode, output=output.decode(errors="replace"), words=words)

    def open(
        self, arguments: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start the client with its output on pipes; whoever opens it waits for it and then forgets it.

        Raises:
            OSError: The program cannot be started, or `close` was called.
        """
        with self._lock:
            if self.closed:
                raise OSError(errno.ECANCELED, "the executor is closed")
            process = subprocess.Popen(  # noqa: S603 - an argument list, and the program is one of an enum's
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
            self._live.add(process)
        return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Stop keeping track of a client that has ended."""
        with self._lock:
            self._live.discard(process)

    def close(self) -> None:
        """Kill every client that still runs; none is started any more."""
        with self._lock:
            self.closed = True
            live = tuple(self._live)
        for process in live:
            process.kill()
