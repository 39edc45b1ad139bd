"""A run as a value: the pipeline, what it was begun with, and where every task stands."""

from collections.abc import Mapping, Sequence
from enum import Enum

import immutables
import msgspec

from postlude.core.task import ROOT, CancelRequested, Kind, State, Task, TaskError, TaskPath, child_path, iteration_path
from postlude.spec.types import NOTHING, Json, Pipeline


class FailurePolicy(Enum):
    """What a failure means for tasks that do not depend on it (R12)."""

    SLOW = "slow"
    FAST = "fast"


class StatusWords(Enum):
    """Whose words the final status payload's `state` uses."""

    KFP = "kfp"
    SDK = "sdk"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is begun with.

    Attributes:
        name: What people call the run; the pipeline's name where nobody said.
        arguments: The pipeline's input parameters that were given, already checked.
        created_at: Seconds since the epoch.
        timeout_s: Seconds that the run may take, exit tasks aside; None for no limit.
        exit_timeout_s: Seconds that an exit task may take; None for no limit but its own.
        pipeline_root: Where artifacts go: an absolute path or a URL, without the run's own part.
        run_url: Where people look at the run.
    """

    run_id: str
    name: str
    created_at: float
    arguments: Mapping[str, Json] = NOTHING
    failure_policy: FailurePolicy = FailurePolicy.SLOW
    status_words: StatusWords = StatusWords.KFP
    timeout_s: float | None = None
    exit_timeout_s: float | None = None
    pipeline_root: str = ""
    workspace: str = ""
    run_url: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `core.run.advance` builds the next one from it.

    Attributes:
        tasks: Every node of the run's tree that is known by now, the root included.
        order: How many places in the order of starts and ends are taken.
        cancel: The request to end the run that counts; None where there is none.
        spent: The last attempt of tasks whose record a retry took away: theirs are numbered on from it.
    """

    pipeline: Pipeline
    settings: Settings
    tasks: Mapping[TaskPath, Task] = msgspec.field(default_factory=immutables.Map)
    order: int = 0
    cancel: CancelRequested | None = None
    spent: Mapping[TaskPath, int] = msgspec.field(default_factory=immutables.Map)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.settings.run_id

    @property
    def root(self) -> Task:
        """The run as a group."""
        return self.tasks[ROOT]

    @property
    def state(self) -> State:
        """The run's state: RUNNING until it is final."""
        return self.root.state

    @property
    def error(self) -> TaskError | None:
        """Why the run did not succeed; None while it runs and where it did."""
        return self.root.error


def children(task: Task) -> Sequence[TaskPath]:
    """Paths of the nodes directly below this one that are part of the run, in the IR's order."""
    if task.kind is Kind.LOOP:
        return [iteration_path(task.path, index) for index in range(task.size)]
    if task.size == 0 or task.component.dag is None:
        return ()
    return [child_path(task.path, key) for key in task.component.dag.tasks]


def is_passed_on(name: str) -> bool:
    """Whether the SDK's compiler made up this input or output of a group, to pass a value through it."""
    return name.startswith("pipelinechannel--")
