"""The cost of a task does not grow with the pipeline: counted in calls and bytes; seconds depend on the machine."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from postlude.core.run import advance, begin
from postlude.core.run_state import FailurePolicy, Run, Settings
from postlude.core.task import (
    CancelRequested,
    Code,
    Command,
    Event,
    Failed,
    Outputs,
    RetryRequested,
    Start,
    Started,
    Succeeded,
    TaskError,
    TaskPath,
)
from postlude.ports.journal import Journal, RunRecord, Save
from postlude.runtime.runner import Runner, Shell
from postlude.spec.types import Json, Pipeline

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.shapes import SHAPES

SMALL, LARGE = 150, 600
TOLERANCE = 1.1

Fails = Callable[[str], bool]


# --- counting ---------------------------------------------------------------------------------------------------------


@contextmanager
def counting() -> Iterator[list[int]]:
    """Counts the calls of functions, Python's own included, on this thread."""
    found = [0]

    def count(_frame: Any, event: str, _argument: Any) -> None:
        found[0] += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        yield found
    finally:
        sys.setprofile(None)


def growth(cost: Callable[[int], tuple[float, int]]) -> float:
    """How much dearer a task is in the large pipeline, given what each costs and how many tasks it has."""
    (small, few), (large, many) = cost(SMALL), cost(LARGE)
    return (large / many) / (small / few)


# --- driving ----------------------------------------------------------------------------------------------------------


def started(start: Start) -> Event:
    return Started(path=start.path, attempt=start.attempt, at=1.0)


def ended(start: Start, fails: Fails) -> Event:
    if fails(start.path):
        error = TaskError(code=Code.UNKNOWN, message="boom", exit_code=1)
        return Failed(path=start.path, attempt=start.attempt, at=2.0, error=error)
    return Succeeded(path=start.path, attempt=start.attempt, at=2.0, outputs=Outputs(parameters={"out": 1}))


def driven(pipeline: Pipeline, fails: Fails, *, all_at_once: bool = False, **settings: Any) -> tuple[Run, int]:
    """The run at its end and how many tasks ran; one task after the other, or all started before the first ends."""
    step = begin(pipeline, Settings(run_id="r", name="scale", created_at=0.0, **settings))
    return finished(step.run, step.commands, fails, all_at_once=all_at_once)


def finished(run: Run, commands: Any, fails: Fails, *, all_at_once: bool = False) -> tuple[Run, int]:
    asked, count = deque(commands), 0
    while asked:
        batch = [asked.popleft() for _ in range(len(asked) if all_at_once else 1)]
        starts = [command for command in batch if isinstance(command, Start)]
        count += len(starts)
        for event in [*map(started, starts), *(ended(start, fails) for start in starts)]:
            step = advance(run, event)
            run = step.run
            asked.extend(step.commands)
    assert run.state.is_final
    return run, count


# --- the state machine ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_a_task_of_the_state_machine(shape: str) -> None:
    def cost(size: int) -> tuple[float, int]:
        pipeline = SHAPES[shape].pipeline(size)
        with counting() as calls:
            _, tasks = driven(pipeline, SHAPES[shape].fails)
        return calls[0], tasks

    assert growth(cost) < TOLERANCE


@pytest.mark.parametrize("shape", ["flat", "fan-out", "deep", "loop", "failures"])
def test_calls_a_task_where_each_fails_and_the_run_fails_fast(shape: str) -> None:
    def cost(size: int) -> tuple[float, int]:
        pipeline = SHAPES[shape].pipeline(size)
        with counting() as calls:
            driven(pipeline, lambda _: True, all_at_once=True, failure_policy=FailurePolicy.FAST)
        return calls[0], size

    assert growth(cost) < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("running", [True, False], ids=["running", "waiting"])
def test_calls_a_task_of_a_cancel(shape: str, *, running: bool) -> None:
    def cost(size: int) -> tuple[float, int]:
        step = begin(SHAPES[shape].pipeline(size), Settings(run_id="r", name="scale", created_at=0.0))
        run, starts = step.run, [command for command in step.commands if isinstance(command, Start)]
        for start in starts if running else ():
            run = advance(run, started(start)).run
        with counting() as calls:
            run = advance(run, CancelRequested(at=2.0, force=True)).run
            error = TaskError(code=Code.CANCELLED, message="stopped")
            for start in starts if running else ():
                run = advance(run, Failed(path=start.path, attempt=1, at=3.0, error=error)).run
        assert run.state.is_final
        return calls[0], size

    assert growth(cost) < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_a_task_of_a_retry(shape: str) -> None:
    def cost(size: int) -> tuple[float, int]:
        run, _ = driven(SHAPES[shape].pipeline(size), lambda _: True)
        failed = tuple(path for path, task in run.tasks.items() if task.kind.is_leaf)
        with counting() as calls:
            step = advance(run, RetryRequested(at=3.0, tasks=failed))
            finished(step.run, step.commands, lambda _: False)
        return calls[0], size

    assert growth(cost) < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_a_task_of_loading(shape: str) -> None:
    def cost(size: int) -> tuple[float, int]:
        document = SHAPES[shape].document(size)
        with counting() as calls:
            SHAPES[shape].pipeline(size)
        return calls[0], len(msgspec.json.encode(document))

    assert growth(cost) < TOLERANCE


# --- what is saved ----------------------------------------------------------------------------------------------------


class Scales(Journal):
    """A journal that only weighs what it is given."""

    def __init__(self) -> None:
        self.weight_bytes = 0

    def begin(self, record: RunRecord) -> None:
        """The pipeline itself is as large as it is."""

    def append(self, save: Save) -> None:
        kept = (save.events, save.tasks, save.run)
        self.weight_bytes += len(msgspec.json.encode(kept)) + sum(map(len, save.values.values()))

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:
        raise NotImplementedError(run_id, first)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("what", ["calls", "bytes"])
def test_cost_a_task_of_saving(shape: str, what: str) -> None:
    def cost(size: int) -> tuple[float, int]:
        pipeline, scales, asked, count = SHAPES[shape].pipeline(size), Scales(), deque[Command](), 0
        with counting() as calls:
            shell = Shell(journal=scales, perform=asked.append, log_of=lambda _: None)
            runner = Runner.begin(pipeline, Settings(run_id="r", name="scale", created_at=0.0), shell)
            while asked:
                command = asked.popleft()
                if isinstance(command, Start):
                    count += 1
                    runner.take([started(command)])
                    runner.take([ended(command, SHAPES[shape].fails)])
        assert runner.run.state.is_final
        return calls[0] if what == "calls" else scales.weight_bytes, count

    assert growth(cost) < TOLERANCE


def test_a_failure_of_thousands_tells_its_exit_task_the_first_and_how_many() -> None:
    run, _ = driven(SHAPES["failures"].pipeline(LARGE), SHAPES["failures"].fails)
    told = run.tasks[TaskPath("told")].inputs.parameters["status"]
    assert [failure["task"] for failure in told["failures"]] == [f"exit-handler-1/t{index}" for index in range(50)]
    assert (told["failureCount"], told["tasks"]) == (LARGE - 1, {"FAILED": LARGE - 1})
    assert told["error"]["message"].endswith(f"exit-handler-1/t9: boom; and {LARGE - 11} more")
