"""Where the local engine's runs keep their files."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from postlude.core.run_state import Run
from postlude.core.task import Task, TaskPath
from postlude.spec.types import Pipeline


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where runs keep their files.

    Attributes:
        directory: The private directory of an attempt, by run id, path and attempt.
        artifacts: Where the output artifacts of an attempt go: an absolute path or a URL prefix; likewise.
        workspace: The run's workspace, by run id.
        root: What pipelines are told is their pipeline root.
        chosen_root: A URL below which the artifacts of a pipeline's new runs go instead; "" for none. May raise
            `ConfigError`.
        below: Where they then go: a path or a URL prefix, by that URL, run and task.
    """

    directory: Callable[[str, TaskPath, int], Path]
    artifacts: Callable[[str, TaskPath, int], str]
    workspace: Callable[[str], Path]
    root: str
    chosen_root: Callable[[Pipeline], str] = lambda _: ""
    below: Callable[[str, Run, Task], str] = lambda root, run, task: f"{root}/{run.run_id}/{task.path}/{task.attempt}"

    def place(self, run: Run, task: Task) -> str:
        """Where the artifacts of the task's attempt go, as the run began: a home that moved takes its own along."""
        root = run.settings.pipeline_root
        return self.below(root, run, task) if "://" in root else self.artifacts(run.run_id, task.path, task.attempt)
