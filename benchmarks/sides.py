"""The engines that are compared, each as a command that runs one compiled pipeline to its end."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CASES = {"single": 1, "chain-20": 20, "independent-100": 100, "parallel-for-50": 50, "exit-handler-10": 11}
"""How many tasks each case runs, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One engine in one configuration.

    Attributes:
        title: Its column in the table.
        variant: Which compilation it runs: components that install kfp when they run, or do not ("plain").
        command: The program and arguments, from the source file and an empty home directory.
        tasks_run: How many tasks succeeded, from what the command printed and its home.
    """

    title: str
    variant: str
    command: Callable[[Path, Path], list[str]]
    tasks_run: Callable[[str, Path], int]


def _postlude(source: Path, home: Path) -> list[str]:
    return [sys.executable, "-m", "postlude", "run", str(source), "--home", str(home), "--no-cache", "--json"]


def _postlude_tasks(output: str, _home: Path) -> int:
    tasks = json.loads(output)["tasks"]
    return sum(task["kind"] == "task" and task["state"] == "SUCCEEDED" for task in tasks)


def _kfp_local(source: Path, home: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.kfp_local", str(source), str(home)]


def _kfp_local_tasks(_output: str, home: Path) -> int:
    return sum(1 for _ in home.glob("**/executor_output.json"))


SIDES = (
    Side(title="Postlude", variant="install", command=_postlude, tasks_run=_postlude_tasks),
    Side(title="kfp.local", variant="install", command=_kfp_local, tasks_run=_kfp_local_tasks),
    Side(title="kfp.local, nothing installed", variant="plain", command=_kfp_local, tasks_run=_kfp_local_tasks),
)
"""The first is what the others are compared with."""
