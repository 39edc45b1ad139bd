"""Faults to order: what is to go wrong with which attempt, in a simulation or in a real run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from math import inf
from typing import Final, Self

import msgspec

from postlude.core.task import Kind, State
from postlude.spec.paths import Place, covers, pattern_of, places, refusal
from postlude.spec.problem import Problem, SpecError
from postlude.spec.types import Json, Pipeline

FAILURE: Final = "an injected failure"
"""What a failure says whose author did not."""


class FaultKind(Enum):
    """What goes wrong; the values are the words of the options."""

    FAIL = "fail"
    """Its program exits with 1; in a real run it is not started."""
    TIMEOUT = "timeout"
    """It runs into its time limit."""
    OOM = "oom"
    """The memory limit ends it."""
    KILL = "kill"
    """Its process is killed as soon as it runs."""
    DELAY = "delay"
    """It starts later."""


SIMULATED: Final = frozenset(FaultKind)
INJECTED: Final = frozenset({FaultKind.FAIL, FaultKind.KILL, FaultKind.DELAY})
"""The faults that real runs can have."""
_OF_IMPORTERS: Final = frozenset({FaultKind.FAIL, FaultKind.DELAY})


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong.

    Attributes:
        path: Of a leaf task of the run; "[*]" stands for any iteration.
        attempt: Which attempt, from 1; None for every one.
        message: What a failure says; "" for a text of ours.
        wait_s: How much later an attempt starts.
    """

    path: str
    kind: FaultKind
    attempt: int | None = None
    message: str = ""
    wait_s: float = 0.0

    @classmethod
    def fail(cls, path: str, *, attempt: int | None = None, message: str = "") -> Self:
        """The task fails with code 2, as if its program had exited with 1."""
        return cls(path=path, kind=FaultKind.FAIL, attempt=attempt, message=message)

    @classmethod
    def kill(cls, path: str, *, attempt: int | None = None) -> Self:
        """The task's process is killed as soon as it runs: code 8."""
        return cls(path=path, kind=FaultKind.KILL, attempt=attempt)

    @classmethod
    def delay(cls, path: str, wait_s: float, *, attempt: int | None = None) -> Self:
        """The task's attempts start `wait_s` seconds later."""
        return cls(path=path, kind=FaultKind.DELAY, attempt=attempt, wait_s=wait_s)

    def __str__(self) -> str:
        return f"--{self.kind.value} {self.path}" + ("" if self.attempt is None else f"@{self.attempt}")

    def hits(self, path: str, attempt: int) -> bool:
        """Whether it happens to this attempt."""
        return self.attempt in (None, attempt) and covers(self.path, path)


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """How a task of a run came out, as far as faults go.

    Attributes:
        state: Its state's word.
        attempts: How many attempts it had.
    """

    path: str
    state: str
    attempts: int


class Faults:
    """Faults, found by path and attempt without looking at each.

    Args:
        faults: In the order in which they were given; of several that end an attempt the first counts.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._exact: dict[str, list[Fault]] = {}
        self._patterns: list[Fault] = []
        for fault in faults:
            if "[*]" in fault.path:
                self._patterns.append(fault)
            else:
                self._exact.setdefault(fault.path, []).append(fault)

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def touches(self, path: str) -> bool:
        """Whether any attempt of the task has a fault."""
        return path in self._exact or any(covers(fault.path, path) for fault in self._patterns)

    def of(self, path: str, attempt: int) -> Sequence[Fault]:
        """The faults of an attempt."""
        candidates = (*self._exact.get(path, ()), *self._patterns)
        return [fault for fault in candidates if fault.hits(path, attempt)]


def check_faults(
    pipeline: Pipeline, faults: Sequence[Fault], *, allowed: frozenset[FaultKind] = SIMULATED, source: str = "faults"
) -> None:
    """See that the faults can happen to tasks of the pipeline.

    Args:
        pipeline: What is going to run.
        faults: What is asked for.
        allowed: The kinds that the run can have.
        source: What errors call the faults.

    Raises:
        SpecError: Some cannot; lists every one, with the paths that were probably meant.
    """
    known = places(pipeline) if faults else {}
    said = [(fault, _refusal(fault, known, allowed)) for fault in faults]
    problems = [Problem(where=_named(fault), what=what) for fault, what in said if what]
    if problems:
        raise SpecError(source, problems)


def without_effect(faults: Iterable[Fault], fates: Iterable[Fate]) -> Iterator[str]:
    """A sentence for each fault that never happened, saying why.

    Args:
        faults: What was asked for.
        fates: The leaf tasks of the run that is over.
    """
    listed = list(fates)
    for fault in faults:
        meant = [fate for fate in listed if covers(fault.path, fate.path)]
        if not any(fate.attempts >= (fault.attempt or 1) for fate in meant):
            yield f"{fault} had no effect: {_why_not(fault, meant)}"


def fates_of(document: Json) -> list[Fate]:
    """The leaf tasks of a run document with its tasks."""
    leaves = (task for task in document["tasks"] if Kind(task["kind"]).is_leaf)
    return [Fate(path=task["path"], state=task["state"], attempts=task["attempts"]) for task in leaves]


def _why_not(fault: Fault, meant: Sequence[Fate]) -> str:
    if not meant:
        return "the run came to no such task"
    attempts = max(fate.attempts for fate in meant)
    if attempts:
        return f"there was no attempt {fault.attempt}, only {attempts}"
    states = dict.fromkeys(State(fate.state).value for fate in meant)
    return f"it never ran: {', '.join(states)}"


def _named(fault: object) -> str:
    return str(fault) if isinstance(fault, Fault) else repr(fault)


def _refusal(fault: object, known: Mapping[str, Place], allowed: frozenset[FaultKind]) -> str:
    """Why no task of the pipeline can have the fault; "" where one can."""
    if not isinstance(fault, Fault):
        return "is no Fault. Make one, such as postlude.Fault.fail('train')."
    return _nonsense(fault, allowed) or refusal(known, fault.path) or _misplaced(fault, known, allowed)


def _nonsense(fault: Fault, allowed: frozenset[FaultKind]) -> str:
    if fault.kind not in allowed:
        kinds = ", ".join(kind.value for kind in FaultKind if kind in allowed)
        return f"only a simulation can have it. A real run can have: {kinds}."
    if fault.attempt is not None and fault.attempt < 1:
        return f"attempts are numbered from 1, not {fault.attempt}. Give 1 or more."
    if not 0 <= fault.wait_s < inf:
        return f"lets it start {fault.wait_s:g} seconds later. Give a finite number that is not below 0."
    return ""


def _misplaced(fault: Fault, known: Mapping[str, Place], allowed: frozenset[FaultKind]) -> str:
    place = known[pattern_of(fault.path)]
    if place.importer and (allowed == INJECTED or fault.kind not in _OF_IMPORTERS):
        return "is an importer, which runs no program. Name a task that runs one, or simulate it with --fail."
    return ""
