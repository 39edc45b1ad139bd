"""Who stands in for which task of a run, and what it was given."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final

import msgspec

from postlude.core.task import TaskPath
from postlude.spec.paths import ANY, covers
from postlude.spec.types import NOTHING, Component, Json


class StandIn(msgspec.Struct, frozen=True, kw_only=True):
    """What takes the place of a task's component.

    Attributes:
        path: The task's; "[*]" stands for any iteration.
        component: The task's own.
        rank: Of several that cover a task the one with the lowest is taken, and of these one without "[*]".
        function: Called with the task's inputs; None where the outputs are known.
        outputs: What it produces where there is no function: values of parameters, URIs of artifacts.
    """

    path: str
    component: Component
    rank: int = 0
    function: Callable[..., Any] | None = None
    outputs: Mapping[str, Json] = NOTHING

    @property
    def name(self) -> str:
        """What people call the function."""
        if self.function is None:
            return "given outputs"
        return str(getattr(self.function, "__name__", None) or type(self.function).__name__)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a function that stands in for a component: an attempt of a task.

    Attributes:
        inputs: All inputs of the task by name, whichever the function takes: parameters as they are, artifacts with
            `uri`, `path` and `metadata`. The function cannot change them.
    """

    path: str
    attempt: int
    inputs: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.inputs[name]


class StandIns:
    """The stand-ins of a run, found by task, and what became of them.

    Args:
        given: Who stands in.
        everywhere: Whether every task that runs a program has one.
    """

    def __init__(self, given: Sequence[StandIn], *, everywhere: bool = False) -> None:
        self._given: Final = sorted(given, key=lambda one: (one.rank, ANY in one.path))
        self.everywhere: Final = everywhere
        self._lock = Lock()
        self._calls: list[Call] = []
        self._threads: list[Thread] = []
        self._objections: list[BaseException] = []

    def __bool__(self) -> bool:
        return bool(self._given)

    def of(self, path: TaskPath | str) -> StandIn | None:
        """Who stands in for the task at a path; None where nobody does."""
        return next((one for one in self._given if covers(one.path, path)), None)

    @property
    def paths(self) -> Sequence[str]:
        """The paths of the tasks that somebody stands in for; "[*]" stands for any iteration."""
        return [one.path for one in self._given]

    @property
    def calls(self) -> Sequence[Call]:
        """Every call so far, in the order of their start."""
        with self._lock:
            return tuple(self._calls)

    @property
    def objections(self) -> Sequence[BaseException]:
        """What functions raised that is meant for the test: failed assertions, and what is no `Exception`."""
        with self._lock:
            return tuple(self._objections)

    def note(self, call: Call) -> None:
        """Take note of a call that is about to be made."""
        with self._lock:
            self._calls.append(call)

    def object(self, error: BaseException) -> None:
        """Take note of what is meant for the test."""
        with self._lock:
            self._objections.append(error)

    def leave(self, thread: Thread) -> None:
        """Take note of a call that goes on though its attempt is over."""
        with self._lock:
            self._threads.append(thread)

    def wait(self, timeout_s: float) -> Sequence[str]:
        """Wait for the calls whose attempts are over; the names of those that still go on after `timeout_s` seconds."""
        until = monotonic() + timeout_s
        with self._lock:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(max(0.0, until - monotonic()))
        return [thread.name for thread in threads if thread.is_alive()]
