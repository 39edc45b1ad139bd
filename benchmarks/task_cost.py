"""What a no-op Python task costs from the executor's call to its end: `python -m benchmarks.task_cost`."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from postlude.core.task import TaskPath
from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Attempt

_SOURCE: Final = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def number(value: int) -> int:
    return value
"""
_SCRIPT: Final = (
    'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main --component_module_path "
    '"$program_path/ephemeral_component.py" "$@"\n'
)
_FAULTS_OF_CHILDREN: Final = 8
"""The place of `cminflt` in /proc/PID/stat, from the state on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Per task: milliseconds on the clock, of processors (of tasks, of their supervisor), and page faults of tasks."""

    wall_ms: float
    task_cpu_ms: float
    supervisor_cpu_ms: float
    faults: float


def main() -> None:
    """Run tasks one after another and two at a time, in turn, and print what one costs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tasks", type=int, default=100, help="for each measurement (default: 100)")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        executor = ProcessExecutor(home=Path(home) / "home")
        attempts = _attempts(Path(home))
        _measure(executor, attempts, tasks=20, abreast=1)
        print("abreast  wall ms  CPU ms: task  supervisor  minor faults")
        for _ in range(given.rounds):
            for abreast in (1, 2):
                cost = _measure(executor, attempts, tasks=given.tasks, abreast=abreast)
                print(
                    f"{abreast:7}  {cost.wall_ms:7.2f}  {cost.task_cpu_ms:12.2f}  {cost.supervisor_cpu_ms:10.2f}"
                    f"  {cost.faults:12.0f}"
                )
        executor.close()


def _attempts(home: Path) -> Iterator[Attempt]:
    number = 0
    while True:
        number += 1
        directory = home / "tasks" / str(number)
        directory.mkdir(parents=True)
        given = {
            "inputs": {"parameterValues": {"value": number}},
            "outputs": {
                "parameters": {"Output": {"outputFile": str(directory / "Output")}},
                "outputFile": str(directory / "output.json"),
            },
        }
        words = ("--executor_input", json.dumps(given), "--function_to_execute", "number")
        yield Attempt(
            run_id="benchmark", path=TaskPath(str(number)), attempt=1, image="", executor_input=given,
            argv=("sh", "-ec", _SCRIPT, _SOURCE, *words), directory=directory, log=directory / "log.txt",
        )  # fmt: skip


def _measure(executor: ProcessExecutor, attempts: Iterator[Attempt], *, tasks: int, abreast: int) -> Cost:
    prepared = [next(attempts) for _ in range(tasks)]
    before, began = _used(), time.perf_counter()
    with ThreadPoolExecutor(abreast) as threads:
        failed = [ended for ended in threads.map(executor.run, prepared) if ended.code != 0]
    wall_s, after = time.perf_counter() - began, _used()
    if failed:
        sys.exit(f"a task failed: {failed[0]}")
    task_s, supervisor_s, faults = (now - then for now, then in zip(after, before, strict=True))
    return Cost(
        wall_ms=1000 * wall_s / tasks,
        task_cpu_ms=1000 * task_s / tasks,
        supervisor_cpu_ms=1000 * supervisor_s / tasks,
        faults=faults / tasks,
    )


def _used() -> tuple[float, float, int]:
    """Processor seconds of what supervisors reaped, their own, and page faults of what they reaped."""
    supervisors = psutil.Process().children()
    times = [each.cpu_times() for each in supervisors]
    stats = [Path(f"/proc/{each.pid}/stat").read_text().rpartition(")")[2].split() for each in supervisors]
    return (
        sum(one.children_user + one.children_system for one in times),
        sum(one.user + one.system for one in times),
        sum(int(fields[_FAULTS_OF_CHILDREN]) for fields in stats),
    )


if __name__ == "__main__":
    main()
