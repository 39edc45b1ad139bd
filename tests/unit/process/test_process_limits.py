"""Limits are kept, what breaks them is told why, and nobody else notices."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from process_lab import EXITED_WELL, Lab
from started import Started, working_in

from postlude.core.task import Code
from postlude.executors.process.executor import ProcessExecutor
from postlude.executors.process.supervisor.processors import Processors
from postlude.ports.executor import Ending, Exit
from postlude.runtime.attempt import error_of
from postlude.spec.types import Resources

MUCH = "memory limit: 'much' is not a quantity. Write a number, with a suffix where needed: '500m', '2', '1Gi', '2G'"
SMALL = Resources(memory_limit="128Mi")
FILLS_MEMORY = "held = []\nwhile True: held.append(bytearray(b'x' * (1 << 20)))"


def fill() -> None:
    held = []
    while True:
        held.append(bytearray(b"x" * (1 << 20)))


def fill_in_children() -> None:
    import os

    for _ in range(4):
        if os.fork() == 0:
            held = bytearray(b"x" * (60 << 20))
            os.read(os.pipe()[0], len(held))
    os.wait()


def ran_out(ended: Exit) -> tuple[Ending, int | None, bool, str]:
    message, _, rest = ended.message.partition("it held ")
    return ended.ending, ended.code, ended.oom, f"{message}it held {rest.partition(' ')[2]}"


OUT_OF_MEMORY = (
    Ending.EXITED, -9, True, "out of memory: it held MiB, more than its memory limit of 128Mi",
)  # fmt: skip


@pytest.mark.parametrize("env", [pytest.param({}, id="forked"), pytest.param({"PYTHONUTF8": "1"}, id="fresh")])
@pytest.mark.parametrize("function", [fill, fill_in_children])
def test_a_component_over_its_memory_limit_is_killed(lab: Lab, function: Any, env: dict[str, str]) -> None:
    assert ran_out(lab.executor.run(lab.component(function, resources=SMALL, env=env))) == OUT_OF_MEMORY


def test_a_program_over_its_memory_limit_is_killed(lab: Lab) -> None:
    assert ran_out(lab.executor.run(lab.program("python3", "-c", FILLS_MEMORY, resources=SMALL))) == OUT_OF_MEMORY


def test_a_component_within_its_memory_limit_is_left_alone(lab: Lab) -> None:
    def hold() -> int:
        held = bytearray(b"x" * (200 << 20))
        return len(held) >> 20

    assert lab.value_of(hold, resources=Resources(memory_limit="512Mi")) == 200


def test_memory_that_is_only_reserved_does_not_count(lab: Lab) -> None:
    def reserve() -> int:
        import mmap

        return len(mmap.mmap(-1, 1 << 34)) >> 30

    assert lab.value_of(reserve, resources=SMALL) == 16


def test_memory_that_the_system_refuses_is_out_of_memory_too(lab: Lab) -> None:
    def ask_for_too_much() -> None:
        bytearray(1 << 60)

    ended = lab.executor.run(lab.component(ask_for_too_much))
    assert ended == Exit(ending=Ending.EXITED, code=1, message="MemoryError", oom=True)
    error = error_of(ended)
    assert error is not None
    assert error.code is Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            Resources(memory_limit="much"),
            MUCH,
        ),
        (
            Resources(cpu_limit="0"),
            "CPU limit: '0' is not above zero. Leave the limit out where there is to be none",
        ),
    ],
)
def test_a_limit_that_is_none_is_said(lab: Lab, resources: Resources, message: str) -> None:
    assert lab.executor.run(lab.program("true", resources=resources)) == Exit(
        ending=Ending.NOT_STARTED, message=message
    )


# --- processes --------------------------------------------------------------------------------------------------------

FEW = 300
BOMB = "bomb() { bomb | bomb & }; bomb; sleep 1000"


def multiply() -> None:
    """Children in sessions of their own, out of reach of a signal to the group."""
    import os
    import time

    while True:
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)


def many(ended: Exit) -> tuple[Ending, int | None, str]:
    error = error_of(ended)
    assert error is not None
    assert error.code is Code.RESOURCE_EXHAUSTED
    return ended.ending, ended.code, ended.message


TOO_MANY = (Ending.EXITED, -9, f"killed: it had more than {FEW} processes at a time")


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose attempts may have few processes only."""
    executor = ProcessExecutor(home=tmp_path / "home", most_processes=FEW)
    yield Lab(executor, tmp_path)
    executor.close()


def test_a_fork_bomb_is_put_out_and_harms_nobody_else(few: Lab) -> None:
    os.mkfifo(few.home / "go")
    beside = Started(few.executor, few.program("sh", "-c", 'read line < "$GO"', env={"GO": str(few.home / "go")}))
    attempt = few.program("sh", "-c", BOMB)
    assert many(few.executor.run(attempt)) == TOO_MANY
    assert working_in(attempt.directory / "work") == []
    (few.home / "go").write_text("go\n")
    assert beside.ended() == EXITED_WELL
    assert few.executor.run(few.program("true")) == EXITED_WELL


def test_a_component_that_multiplies_is_put_out(few: Lab) -> None:
    attempt = few.component(multiply)
    assert many(few.executor.run(attempt)) == TOO_MANY
    assert working_in(attempt.directory / "work") == []


# --- processors -------------------------------------------------------------------------------------------------------


def allowed() -> list[int]:
    import os

    return sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize(("limit", "most"), [("500m", 1), ("1", 1), ("1000", 0), ("", 0)])
def test_a_component_runs_on_so_many_processors_at_most(lab: Lab, limit: str, most: int) -> None:
    everywhere = allowed()
    given = lab.value_of(allowed, resources=Resources(cpu_limit=limit))
    assert set(given) <= set(everywhere)
    assert len(given) == (most or len(everywhere))


def test_the_least_used_processors_are_given_first() -> None:
    processors = Processors()
    everywhere = allowed()
    given = [processors.give(attempt, 1) for attempt in everywhere]
    assert len(everywhere) < 2 or sorted(one for each in given for one in each) == everywhere
    processors.take_back(everywhere[0])
    assert processors.give(-1, 1) == given[0]
