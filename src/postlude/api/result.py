"""A run, as Python users read it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import msgspec

from postlude.core.task import State
from postlude.runtime.values import digest_of
from postlude.spec.types import Json

Fetch = Callable[[str], Json]
"""Gives a large value of the run, which its document only refers to, by its digest."""


class RunFailedError(Exception):
    """The run did not succeed; the message says in which state it ended and why.

    Attributes:
        run: The run.
    """

    def __init__(self, run: "Run") -> None:
        self.run = run
        cause = f": {run.error.message}" if run.error else ""
        stands = f"ended {run.state}" if State(run.state).is_final else f"has not ended, it is {run.state}"
        super().__init__(f"run {run.run_id} of {run.pipeline} {stands}{cause}")


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task or a run did not succeed.

    Attributes:
        code: A google.rpc.Code.
        message: The cause in plain words.
    """

    code: int
    message: str


class TaskRun(msgspec.Struct, frozen=True):
    """One task of a run: a view of its part of the run document.

    Attributes:
        fetch: Where large values come from; None leaves the references in their places.
    """

    document: Json
    fetch: Fetch | None = None

    def __repr__(self) -> str:
        return f"<TaskRun {self.path}: {self.state}>"

    @property
    def path(self) -> str:
        """Where it stands in the run: "exit-handler-1/for-loop-2[1]/train"."""
        return str(self.document["path"])

    @property
    def kind(self) -> str:
        """What it is: "task", "importer", "group", "loop" or "iteration"."""
        return str(self.document["kind"])

    @property
    def state(self) -> str:
        """SUCCEEDED, FAILED, SKIPPED, UPSTREAM_FAILED or CANCELED; PENDING or RUNNING while the run goes on."""
        return str(self.document["state"])

    @property
    def error(self) -> Error | None:
        """Why it did not succeed; None where it did."""
        return _error(self.document)

    @property
    def attempts(self) -> int:
        """How often it was started."""
        return int(self.document["attempts"])

    @property
    def cached(self) -> bool:
        """Whether its outputs come from an earlier run."""
        return bool(self.document["cached"])

    @property
    def inputs(self) -> Mapping[str, Json]:
        """Its resolved inputs by name; an artifact input is a list of {"name", "uri", "type", "metadata", ...}."""
        return _flat(self.document["inputs"], self.fetch)

    @property
    def outputs(self) -> Mapping[str, Json]:
        """What it produced by name; an output artifact likewise."""
        return _flat(self.document["outputs"], self.fetch)

    @property
    def log(self) -> str | None:
        """Path of the log of its last attempt; None where it never ran."""
        log: str | None = self.document["log"]
        return log


class Run(msgspec.Struct, frozen=True):
    """A run, finished or as it stood when it was read: a view of its document.

    Attributes:
        document: The run document, `postlude.run/v1`. Large values are references there; see `outputs`.
        fetch: Where large values come from; None leaves the references in their places.
    """

    document: Json
    fetch: Fetch | None = None

    def __repr__(self) -> str:
        cause = f" ({self.error.message})" if self.error else ""
        return f"<Run {self.run_id} of {self.pipeline}: {self.state}{cause}>"

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.document["run_id"])

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return str(self.document["pipeline"])

    @property
    def state(self) -> str:
        """SUCCEEDED, FAILED or CANCELED; RUNNING for one that has not ended, see `postlude.get_run`."""
        return str(self.document["state"])

    @property
    def error(self) -> Error | None:
        """Why it did not succeed: the code of the earliest failure, every failed task with its cause."""
        return _error(self.document)

    @property
    def outputs(self) -> Mapping[str, Json]:
        """The pipeline's outputs by name. Large values are read from where the run is kept, each time."""
        return _whole(self.document["outputs"], self.fetch)

    @property
    def tasks(self) -> Mapping[str, TaskRun]:
        """Every task by path, in the order of their start."""
        return {task["path"]: TaskRun(task, self.fetch) for task in self.document["tasks"]}

    @property
    def failures(self) -> Sequence[TaskRun]:
        """The tasks that failed by themselves, earliest first; groups that failed for their sake are left out."""
        failed = [task for task in self.tasks.values() if task.state == "FAILED" and task.kind in _BLAMED]
        return sorted(failed, key=lambda task: str(task.document["finished_at"]))

    def raise_for_state(self) -> Self:
        """The run itself, if it succeeded.

        Raises:
            RunFailedError: It did not.
        """
        if self.state != "SUCCEEDED":
            raise RunFailedError(self)
        return self


_BLAMED = ("task", "importer")


def _error(document: Json) -> Error | None:
    found = document["error"]
    return None if found is None else Error(code=found["code"], message=found["message"])


def _flat(values: Json, fetch: Fetch | None) -> Mapping[str, Json]:
    return {**_whole(values["parameters"], fetch), **values["artifacts"]}


def _whole(values: Mapping[str, Json], fetch: Fetch | None) -> Mapping[str, Json]:
    """The values, those that are references fetched."""
    if fetch is None:
        return values
    digests = {name: digest for name, value in values.items() if (digest := digest_of(value)) is not None}
    return {name: fetch(digests[name]) if name in digests else value for name, value in values.items()}
