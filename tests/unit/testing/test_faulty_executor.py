"""Faults injected into the attempts of an executor: what is reported, what is run, and what the log says."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from postlude.core.task import TaskPath
from postlude.executors.fake import FakeExecutor, Hold, Succeed, by_path
from postlude.executors.process.executor import ProcessExecutor
from postlude.executors.process.log import read_log
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.runtime.faults import Fault
from postlude.testing import FaultyExecutor

WELL = Exit(ending=Ending.EXITED, code=0)
KILLED = Exit(ending=Ending.EXITED, code=-9, message="killed by SIGKILL")
PATH = TaskPath("loop[1]/train")


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(
        run_id="run", path=PATH, attempt=1, image="i", argv=("true",), executor_input={},
        directory=tmp_path, log=tmp_path / "logs" / "log.txt",
    )  # fmt: skip


def faulty(faults: Sequence[Fault], behaviour: Succeed | Hold | None = None) -> tuple[FaultyExecutor, FakeExecutor]:
    inner = FakeExecutor(by_path({}, otherwise=behaviour))
    return FaultyExecutor(inner, faults, now=lambda: 0.0), inner


def logged(attempt: Attempt) -> list[str]:
    return [line.text for line in read_log(attempt.log)]


@pytest.mark.parametrize(
    ("fault", "ended", "ran"),
    [
        pytest.param(Fault.fail(PATH), Exit(ending=Ending.EXITED, code=1, message="an injected failure"), 0, id="fail"),
        pytest.param(
            Fault.fail("loop[*]/train", message="no\ndisk"),
            Exit(ending=Ending.EXITED, code=1, message="no\ndisk"),
            0,
            id="in-every-iteration-with-words",
        ),
        pytest.param(Fault.fail(PATH, attempt=1), Exit(ending=Ending.EXITED, code=1, message="an injected failure"), 0,
                     id="this-attempt"),
        pytest.param(Fault.fail(PATH, attempt=2), WELL, 1, id="another-attempt"),
        pytest.param(Fault.fail("loop[2]/train"), WELL, 1, id="another-iteration"),
        pytest.param(Fault.kill(PATH), KILLED, 1, id="killed-though-it-ended-before"),
        pytest.param(Fault.delay(PATH, 0.01), WELL, 1, id="delay"),
    ],
)  # fmt: skip
def test_how_an_attempt_with_a_fault_ends(attempt: Attempt, fault: Fault, ended: Exit, ran: int) -> None:
    executor, inner = faulty([fault])
    assert (executor.run(attempt), len(inner.attempts)) == (ended, ran)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.fail(PATH, message="no\ndisk"), "postlude: injected fault: it is not run, and fails: no disk"),
        (Fault.kill(PATH), "postlude: injected fault: it is killed as soon as it runs"),
        (Fault.delay(PATH, 0.01), "postlude: injected fault: it starts 0.01 s later"),
    ],
    ids=str,
)
def test_the_log_says_what_was_injected(attempt: Attempt, fault: Fault, said: str) -> None:
    executor, _ = faulty([fault])
    executor.run(attempt)
    assert logged(attempt) == [said]


def test_of_several_faults_the_first_that_ends_it_counts(attempt: Attempt) -> None:
    delays = [Fault.delay(PATH, 0.01), Fault.delay(PATH, 0.02)]
    assert faulty([*delays, Fault.kill(PATH), Fault.fail(PATH)])[0].run(attempt) == KILLED
    assert logged(attempt)[0] == "postlude: injected fault: it starts 0.03 s later"


def test_a_process_is_really_killed(attempt: Attempt, tmp_path: Path) -> None:
    executor = FaultyExecutor(ProcessExecutor(home=tmp_path / "home"), [Fault.kill(PATH)])
    try:
        began = time.monotonic()
        assert executor.run(Attempt(**{**_fields(attempt), "argv": ("sleep", "100")})) == KILLED
        assert time.monotonic() - began < 50
    finally:
        executor.close()


def _fields(attempt: Attempt) -> dict[str, object]:
    return {name: getattr(attempt, name) for name in attempt.__struct_fields__}


def test_a_delay_puts_the_start_off(attempt: Attempt) -> None:
    executor, inner = faulty([Fault.delay(PATH, 0.2)])
    began = time.monotonic()
    executor.run(attempt)
    assert time.monotonic() - began >= 0.2
    assert len(inner.attempts) == 1


@pytest.mark.parametrize("fault", [Fault.delay(PATH, 100), Fault.fail(PATH), Fault.kill(PATH)], ids=str)
def test_what_was_stopped_before_it_came_to_run_starts_nothing(attempt: Attempt, fault: Fault) -> None:
    executor, inner = faulty([fault])
    executor.terminate("run", PATH, 1, grace_s=0)
    assert (executor.run(attempt).ending, len(inner.attempts)) == (Ending.TERMINATED, 0)


def test_a_delay_ends_when_the_attempt_is_stopped(attempt: Attempt) -> None:
    executor, inner = faulty([Fault.delay(PATH, 100)])
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(executor.run, attempt)
        pause = threading.Event()
        while not attempt.log.exists():
            pause.wait(0.01)
        executor.terminate("run", PATH, 1, grace_s=0)
        assert (ended.result(30).ending, len(inner.attempts)) == (Ending.TERMINATED, 0)


def test_a_delay_ends_when_the_executor_is_closed(attempt: Attempt) -> None:
    executor, _ = faulty([Fault.delay(PATH, 100)])
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(executor.run, attempt)
        pause = threading.Event()
        while not attempt.log.exists():
            pause.wait(0.01)
        executor.close()
        assert ended.result(30).ending is Ending.TERMINATED
