"""The engines that are compared, each as a command that runs one compiled pipeline to its end."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A pipeline that every engine runs.

    Attributes:
        tasks: How many tasks it runs.
        needs_venv: Whether its tasks install packages, so that `kfp.local` has to make them environments of their own.
        too_many_to_install: Whether a pip for each of its tasks would take too long to be worth a measurement.
    """

    tasks: int
    needs_venv: bool = False
    too_many_to_install: bool = False


CASES: Final = {
    "single": Case(tasks=1),
    "chain-20": Case(tasks=20),
    "independent-100": Case(tasks=100),
    "parallel-for-50": Case(tasks=50),
    "exit-handler-10": Case(tasks=11),
    "packages-5": Case(tasks=5, needs_venv=True),
    "parameter-10mb": Case(tasks=2),
    "artifact-256mb": Case(tasks=4),
    "parallel-for-1000": Case(tasks=1000, too_many_to_install=True),
}
"""By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One engine in one configuration.

    Attributes:
        title: Its column in the table.
        variant: Which compilation it runs: components that install kfp when they run, or do not ("plain").
        command: The program and arguments, from the case, the source file and an empty home directory.
        tasks_run: How many tasks succeeded, from what the command printed and its home.
        installs: Whether it runs pip for each task.
        has_sdk: Whether environments that it makes for tasks have the SDK.
    """

    title: str
    variant: str
    command: Callable[[Case, Path, Path], list[str]]
    tasks_run: Callable[[str, Path], int]
    installs: bool = False
    has_sdk: bool = True


def _postlude(_case: Case, source: Path, home: Path) -> list[str]:
    return [sys.executable, "-m", "postlude", "run", str(source), "--home", str(home), "--no-cache", "--json"]


def _postlude_tasks(output: str, _home: Path) -> int:
    tasks = json.loads(output)["tasks"]
    return sum(task["kind"] == "task" and task["state"] == "SUCCEEDED" for task in tasks)


def _kfp_local(case: Case, source: Path, home: Path) -> list[str]:
    venv = ["--venv"] if case.needs_venv else []
    return [sys.executable, "-m", "benchmarks.kfp_local", str(source), str(home), *venv]


def _kfp_local_tasks(_output: str, home: Path) -> int:
    return sum(1 for _ in home.glob("**/executor_output.json"))


SIDES = (
    Side(title="Postlude", variant="install", command=_postlude, tasks_run=_postlude_tasks),
    Side(title="kfp.local", variant="install", command=_kfp_local, tasks_run=_kfp_local_tasks, installs=True),
    Side(
        title="kfp.local, nothing installed",
        variant="plain",
        command=_kfp_local,
        tasks_run=_kfp_local_tasks,
        has_sdk=False,
    ),
)
"""The first is what the others are compared with."""
