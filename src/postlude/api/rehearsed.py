"""What a rehearsal found: every mishap of every task, and who was told of it."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from postlude.core.task import State
from postlude.spec.types import Json

SCHEMA: Final = "postlude.rehearsal/v1"


class Mishap(Enum):
    """What is tried with each task; the values are the words of the option."""

    FAIL = "fail"
    TIMEOUT = "timeout"
    OOM = "oom"
    CANCEL = "cancel"


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """An exit task, or a task that ignores upstream failures, that fired in a case.

    Attributes:
        states: The state in each final status that it received; empty where it takes none.
        told: Whether it was told of what was tried.
    """

    path: str
    states: tuple[str, ...]
    told: bool


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One mishap of one task, and what came of it.

    Attributes:
        task: The task's path; of a loop the first iteration stands for all.
        run: The run's final state.
        state: The task's final state. An exit task that a cancel spares SUCCEEDED.
        witnesses: Who fired, in that order.
        watcher: Whether the task is an exit task, ignores upstream failures, or is part of one that does.
        required: Whether somebody must be told.
    """

    task: str
    mishap: Mishap
    run: str
    state: str
    witnesses: tuple[Witness, ...]
    watcher: bool
    required: bool

    def __repr__(self) -> str:
        told = ", ".join(witness.path for witness in self.witnesses if witness.told) or "nobody"
        return f"<Case {self.task}, {self.mishap.value}: {self.run}, {told} told>"

    @property
    def failed(self) -> bool:
        """Whether the task did not end well."""
        return self.state != State.SUCCEEDED.value

    @property
    def handled(self) -> bool:
        """Whether somebody was told, or nothing failed."""
        return not self.failed or any(witness.told for witness in self.witnesses)


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a pipeline under every mishap.

    Attributes:
        pipeline: Its name.
        undisturbed: The final state of the run in which nothing is tried; cases build on it.
        error: Why that did not succeed; "" where it did.
        cases: Every task with every mishap, in the order of the run.
        never_told: Watchers that take a status and never saw a failure in any case.
        take_no_status: Watchers that fire and cannot be told.
        never_reached: Tasks that no case came to, and of which nothing is known therefore.
        made_up: A sentence for each condition or loop that a made-up value decided.
    """

    pipeline: str
    undisturbed: str
    error: str
    cases: Sequence[Case]
    never_told: Sequence[str]
    take_no_status: Sequence[str]
    never_reached: Sequence[str]
    made_up: Sequence[str]

    def __repr__(self) -> str:
        count = len(self.unhandled)
        failures = f"{count} failure{'s'[: count != 1]} unhandled"
        return f"<Rehearsal of {self.pipeline}: {failures} ({len(self.cases)} cases tried)>"

    @property
    def unhandled(self) -> Sequence[Case]:
        """The cases in which somebody should have been told and nobody was."""
        return [case for case in self.cases if case.required and not case.handled]

    @property
    def ok(self) -> bool:
        """Whether somebody is told of every failure."""
        return not self.unhandled

    @property
    def document(self) -> Json:
        """All of it as JSON, `postlude.rehearsal/v1`."""
        return {
            "schema": SCHEMA,
            "pipeline": self.pipeline,
            "ok": self.ok,
            "undisturbed": self.undisturbed,
            "error": self.error,
            "cases": [_case_document(case) for case in self.cases],
            "never_told": list(self.never_told),
            "take_no_status": list(self.take_no_status),
            "never_reached": list(self.never_reached),
            "made_up": list(self.made_up),
        }


def _case_document(case: Case) -> Json:
    return {
        "task": case.task,
        "mishap": case.mishap.value,
        "run": case.run,
        "state": case.state,
        "exit_tasks": [{"path": one.path, "states": list(one.states), "told": one.told} for one in case.witnesses],
        "watcher": case.watcher,
        "required": case.required,
        "handled": case.handled,
    }
