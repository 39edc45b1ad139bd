"""One task of a run: where it stands, and what can happen to it.

A node of the run's tree is always a `Task`, whatever its kind: a container task, an importer, a group (sub-DAG), a loop
or one of its iterations, and the root. Times are seconds since the epoch.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final, NewType

import msgspec

from postlude.spec import types as ir
from postlude.spec.types import NOTHING, Json

TaskPath = NewType("TaskPath", str)
"""IR task keys joined by "/", iterations as "[i]": "exit-handler-1/for-loop-2[1]/train". The root is ""."""

ROOT = TaskPath("")


def child_path(parent: TaskPath, key: str) -> TaskPath:
    """The path of the task `key` in the DAG of `parent`."""
    return TaskPath(f"{parent}/{key}" if parent else key)


def iteration_path(loop: TaskPath, index: int) -> TaskPath:
    """The path of one iteration of a loop."""
    return TaskPath(f"{loop}[{index}]")


class Kind(Enum):
    """What a node of the run's tree is; the values are the words of the run document.

    Attributes:
        is_leaf: Whether it runs by itself, with no children. An iteration of a container task is a TASK.
    """

    TASK = "task"
    IMPORTER = "importer"
    GROUP = "group"
    LOOP = "loop"
    ITERATION = "iteration"

    def __init__(self, word: str) -> None:
        self.is_leaf = word in ("task", "importer")  # an attribute, as it is asked for several times a step


class State(Enum):
    """Where a task, a group or the run stands; the values are the words of the run document.

    Attributes:
        is_final: Whether it can no longer change (R13).
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    CANCELED = "CANCELED"

    def __init__(self, word: str) -> None:
        self.is_final = word not in ("PENDING", "RUNNING")  # an attribute, as it is asked for many times a step

    __hash__ = object.__hash__  # as good, since members are compared by identity, and no Python


class Code(IntEnum):
    """google.rpc.Code, as far as R4 uses it."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    INTERNAL = 13
    UNAVAILABLE = 14


class TaskError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a task did not succeed.

    Attributes:
        code: The google.rpc.Code (R4).
        message: The cause in plain words, on one line where possible.
        exit_code: What the user's process exited with; None where there was none. A signal n gives -n.
    """

    code: Code
    message: str
    exit_code: int | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A final state and its reason."""

    state: State
    error: TaskError


class PastAttempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt that did not end well and was followed by another."""

    attempt: int
    error: TaskError
    ended_at: float


class Artifact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An artifact as tasks pass it on.

    Attributes:
        name: The output name it was produced under.
        uri: Where its bytes are: an absolute local path, or a URL.
        digest: "sha256:..." of its bytes, "" where unknown. A directory's is over its sorted tree.
        producer: Path of the task that made it, "" where none in this run did.
        custom_path: A local path the author chose for the file; "" where there is none.
    """

    name: str
    uri: str
    schema_title: str = "system.Artifact"
    schema_version: str = ""
    metadata: Mapping[str, Json] = NOTHING
    digest: str = ""
    producer: str = ""
    custom_path: str = ""


class Inputs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The resolved inputs of a task.

    Attributes:
        parameters: Values of the declared types. A left-out optional input is not a key.
        artifacts: Each a tuple, of one unless the input is declared as a list.
        missing: Inputs that a group passes on but did not get, with the reason; the consumer inside decides (R10).
    """

    parameters: Mapping[str, Json] = NOTHING
    artifacts: Mapping[str, tuple[Artifact, ...]] = NOTHING
    missing: Mapping[str, str] = NOTHING


class Outputs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a task or group produced. An output that was not produced is not a key."""

    parameters: Mapping[str, Json] = NOTHING
    artifacts: Mapping[str, tuple[Artifact, ...]] = NOTHING


NO_INPUTS = Inputs()
NO_OUTPUTS = Outputs()


NO_RETRY: Final = ir.Retry()


class Tally(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the tasks below a group ended, kept with the group so that nobody has to look through them again.

    Attributes:
        states: How many leaf tasks ended in each state.
        failures: The first tasks that failed by themselves, earliest first; see `core.tally.KEPT_FAILURES`.
        failed: How many there were in all.
        not_started: The first, in the IR's order, that was not started because of a failure outside; None for none.
    """

    states: Mapping[State, int]
    failures: tuple[TaskPath, ...] = ()
    failed: int = 0
    not_started: TaskPath | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A node of the run's tree as the scheduler sees it. A transition builds a new one.

    Attributes:
        parent: Path of the group, loop or iteration it stands in; the root is its own parent.
        spec: What the IR says of the task. An iteration has its loop's.
        attempt: The latest attempt, from 1; 0 before the first.
        asked: Whether that attempt was asked of the shell.
        uncounted: How many attempts use up no retry: those lost with an engine, and those before a retry of the run.
        history: The attempts that were followed by another.
        retry: What is allowed after a failed attempt, inherited where the task sets none (F4).
        waiting: Upstreams and gates that are not final yet.
        size: How many children it has, once entered.
        unfinished: Children that are not final yet.
        admitted: Iterations of a loop that were let in so far.
        entered: Whether a group's dependencies allowed it to start.
        halted: Whether a failure in this group has ended what had not begun in it (R12).
        tally: How the tasks below a group ended, once it has its outcome; None before, and for leaves.
        protected: Whether it is an exit task or inside one, so that a graceful cancel spares it (R8).
        index: Which iteration it is; None unless its parent is a loop.
        stopping: What it becomes when the executor says that it was stopped; None where nobody asked for that.
        deadline: When its time is up, for the run as a whole and for exit tasks; None where there is no limit.
        cached: Whether its outputs come from an earlier run.
        started_order, finished_order: Positions in the run's order of events, from 1; 0 before.
    """

    path: TaskPath
    kind: Kind
    parent: TaskPath
    spec: ir.Task
    component: ir.Component
    state: State = State.PENDING
    attempt: int = 0
    asked: bool = False
    uncounted: int = 0
    history: tuple[PastAttempt, ...] = ()
    retry: ir.Retry = NO_RETRY
    waiting: int = 0
    size: int = 0
    unfinished: int = 0
    admitted: int = 0
    entered: bool = False
    halted: bool = False
    tally: Tally | None = None
    protected: bool = False
    index: int | None = None
    stopping: Verdict | None = None
    deadline: float | None = None
    cached: bool = False
    inputs: Inputs = NO_INPUTS
    outputs: Outputs = NO_OUTPUTS
    error: TaskError | None = None
    started_at: float | None = None
    finished_at: float | None = None
    started_order: int = 0
    finished_order: int = 0


# --- events: what the world reports -----------------------------------------------------------------------------------


class Started(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt of a task began to run."""

    path: TaskPath
    attempt: int
    at: float


class Succeeded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt ended well; its outputs are collected, typed and stored."""

    path: TaskPath
    attempt: int
    at: float
    outputs: Outputs = NO_OUTPUTS
    cached: bool = False


class Failed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt did not end well."""

    path: TaskPath
    attempt: int
    at: float
    error: TaskError


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt cannot be made on this machine, and no other one could: retries would change nothing."""

    path: TaskPath
    attempt: int
    at: float
    error: TaskError


class Lost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt is gone with the engine that ran it; nobody knows how it ended."""

    path: TaskPath
    attempt: int
    at: float


class CancelRequested(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody asked to end the run (R8).

    Attributes:
        force: Stop exit tasks too. A second request is forced by whoever sends it.
        exit_tasks: Whether exit tasks of entered groups still run.
        let_finish: Whether running tasks may finish; nothing new starts all the same.
    """

    at: float
    force: bool = False
    exit_tasks: bool = True
    let_finish: bool = False


class DeadlinePassed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The time is up for the run, or for an exit task that has a limit of its own."""

    path: TaskPath
    at: float


class RetryRequested(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody asked to go on with a run that is final (R13).

    Attributes:
        tasks: Tasks to run again with all that follows them, besides those that failed.
        timeout_s: The run's new time limit, in seconds from now; None for none.
    """

    at: float
    tasks: tuple[TaskPath, ...] = ()
    timeout_s: float | None = None


class PipelineRevised(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody asked to go on with a run that is final, with another pipeline in the place of its own.

    Attributes:
        pipeline: The new pipeline; it takes the parameters that the run has.
        tasks, timeout_s: As for `RetryRequested`.
    """

    at: float
    pipeline: ir.Pipeline
    tasks: tuple[TaskPath, ...] = ()
    timeout_s: float | None = None


Event = (
    Started | Succeeded | Failed | Refused | Lost | CancelRequested | DeadlinePassed | RetryRequested | PipelineRevised
)


# --- commands: what the shell must do ---------------------------------------------------------------------------------


class Start(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Run an attempt of a leaf task, `wait_s` seconds from now at the earliest, and report."""

    path: TaskPath
    attempt: int
    wait_s: float = 0.0


class Terminate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Stop an attempt (SIGTERM, a grace period, SIGKILL) and report how it ended."""

    path: TaskPath
    attempt: int


class SetDeadline(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Report `DeadlinePassed` at this time, unless the task is final by then."""

    path: TaskPath
    at: float


class FinishRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The run is final: nothing follows."""


Command = Start | Terminate | SetDeadline | FinishRun
