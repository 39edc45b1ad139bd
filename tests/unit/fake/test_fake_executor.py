"""The executor that runs nothing: what its script says, and what a test can ask of it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from postlude.core.task import TaskPath
from postlude.executors.fake import (
    OUT_OF_MEMORY,
    Behaviour,
    Fail,
    FakeExecutor,
    Hold,
    NotStart,
    Succeed,
    TimeOut,
    Vanish,
    by_path,
)
from postlude.ports.executor import Attempt, Ending, Exit

Making = Callable[..., Attempt]


@pytest.fixture
def attempt_of(tmp_path: Path) -> Making:
    """Builds attempts that declare an output parameter "n" and an output artifact "data"."""

    def build(path: str = "make", attempt: int = 1, **words: Any) -> Attempt:
        data = {"name": "data", "uri": str(tmp_path / "artifacts" / "data"), "metadata": {}}
        outputs = {
            "parameters": {"n": {"outputFile": str(tmp_path / "outputs" / "n")}},
            "artifacts": {"data": {"artifacts": [data]}},
            "outputFile": str(tmp_path / "outputs" / "executor_output.json"),
        }
        given = {"image": "python", "argv": (), "executor_input": {"inputs": {}, "outputs": outputs}}
        return Attempt(
            run_id="run", path=TaskPath(path), attempt=attempt, directory=tmp_path, log=tmp_path / "log.txt",
            **{**given, **words},
        )  # fmt: skip

    return build


@pytest.mark.parametrize(
    ("behaviour", "ended"),
    [
        (Succeed(), Exit(ending=Ending.EXITED, code=0)),
        (Fail(exit_code=3), Exit(ending=Ending.EXITED, code=3, message="exit code 3")),
        (Fail(message="ValueError: x"), Exit(ending=Ending.EXITED, code=1, message="ValueError: x")),
        (Fail(exit_code=-15), Exit(ending=Ending.EXITED, code=-15, message="killed by SIGTERM")),
        (OUT_OF_MEMORY, Exit(ending=Ending.EXITED, code=-9, message="killed: out of memory", oom=True)),
        (TimeOut(), Exit(ending=Ending.TIMED_OUT, code=-15, message="timed out")),
        (NotStart(message="no such image"), Exit(ending=Ending.NOT_STARTED, message="no such image")),
        (Vanish(), Exit(ending=Ending.LOST, message="its supervisor died")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_behaviour_ends_in_its_way(attempt_of: Making, behaviour: Behaviour, ended: Exit) -> None:
    assert FakeExecutor(by_path({"make": behaviour})).run(attempt_of()) == ended


def test_a_timeout_names_the_attempt_s_limit(attempt_of: Making) -> None:
    ended = FakeExecutor(by_path({"make": TimeOut()})).run(attempt_of(timeout_s=2.5))
    assert ended.message == "timed out after 2.5 s"


def test_outputs_are_written_as_a_program_of_the_sdk_writes_them(attempt_of: Making, tmp_path: Path) -> None:
    behaviour = Succeed(parameters={"n": 7}, artifacts={"data": "text"}, metadata={"data": {"rows": 1}})
    FakeExecutor(by_path({"make": behaviour})).run(attempt_of())
    report = json.loads((tmp_path / "outputs" / "executor_output.json").read_text())
    assert report["parameterValues"] == {"n": 7}
    assert report["artifacts"]["data"]["artifacts"][0]["metadata"] == {"rows": 1}
    assert (tmp_path / "artifacts" / "data").read_text() == "text"


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Succeed(parameters={"m": 1}), "script of 'make': it declares no output parameter 'm', only n"),
        (Succeed(artifacts={"model": ""}), "script of 'make': it declares no output artifact 'model', only data"),
        (Succeed(metadata={"x": {}}), "script of 'make': it declares no output artifact 'x', only data"),
    ],
)
def test_a_script_that_does_not_fit_the_task_is_refused(attempt_of: Making, behaviour: Behaviour, message: str) -> None:
    with pytest.raises(LookupError) as refused:
        FakeExecutor(by_path({"make": behaviour})).run(attempt_of())
    assert str(refused.value) == message


def test_a_sequence_says_it_attempt_by_attempt_and_its_last_goes_on(attempt_of: Making) -> None:
    executor = FakeExecutor(by_path({"make": [Fail(exit_code=1), Fail(exit_code=2)]}))
    assert [executor.run(attempt_of(attempt=number)).code for number in (1, 2, 3)] == [1, 2, 2]


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^no behaviour for a, b: name at least one, or leave the path out$"):
        by_path({"b": [], "a": (), "c": Succeed()})


@pytest.mark.parametrize(("otherwise", "code"), [(None, 0), (Fail(exit_code=4), 4)])
def test_what_the_script_does_not_name_does_otherwise(
    attempt_of: Making, otherwise: Behaviour | None, code: int
) -> None:
    assert FakeExecutor(by_path({}, otherwise=otherwise)).run(attempt_of("other")).code == code


def test_a_held_attempt_goes_on_when_it_is_released(attempt_of: Making) -> None:
    executor = FakeExecutor(by_path({"make": Hold(then=Fail(exit_code=5))}))
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(executor.run, attempt_of())
        executor.wait_for("make")
        with pytest.raises(TimeoutError, match=r"^still running after 0 s: make$"):
            executor.wait_until_idle(timeout_s=0)
        assert (executor.running, ended.done()) == (frozenset({"make"}), False)
        executor.release("make")
        executor.wait_until_idle()
        assert ended.result(10).code == 5
    assert executor.running == frozenset()


def test_what_was_released_before_is_not_held(attempt_of: Making) -> None:
    executor = FakeExecutor(by_path({"make": Hold()}))
    executor.release("make")
    assert executor.run(attempt_of()).code == 0


def test_a_request_to_end_counts_before_a_release(attempt_of: Making) -> None:
    executor = FakeExecutor(by_path({"make": Hold()}))
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(executor.run, attempt_of())
        executor.wait_for("make")
        executor.terminate("run", TaskPath("make"), 1, grace_s=0)
        executor.release("make")
        assert ended.result(10).ending is Ending.TERMINATED


def test_an_attempt_that_is_stopped_before_it_runs_is_none_of_the_attempts(attempt_of: Making) -> None:
    executor = FakeExecutor()
    executor.terminate("run", TaskPath("make"), 1, grace_s=0)
    ended = executor.run(attempt_of())
    assert ended == Exit(ending=Ending.TERMINATED, message="terminated before it started")
    assert (executor.attempts, executor.most_at_once) == ((), 0)


def test_after_close_nothing_starts(attempt_of: Making) -> None:
    executor = FakeExecutor()
    executor.close()
    assert executor.run(attempt_of()).ending is Ending.TERMINATED


def test_waiting_in_vain_says_what_has_begun(attempt_of: Making) -> None:
    executor = FakeExecutor()
    with pytest.raises(TimeoutError, match=r"^attempt 1 of 'b' did not begin in 0 s; begun: none$"):
        executor.wait_for("b", timeout_s=0)
    executor.run(attempt_of("a"))
    with pytest.raises(TimeoutError, match=r"^attempt 2 of 'a' did not begin in 0 s; begun: a \(1\)$"):
        executor.wait_for("a", 2, timeout_s=0)


def test_the_log_has_the_time_of_the_clock(attempt_of: Making, tmp_path: Path) -> None:
    said = Succeed(says=(("stdout", "hello"),))
    FakeExecutor(by_path({"make": said}), now=lambda: 0.5).run(attempt_of())
    assert (tmp_path / "log.txt").read_text() == "1970-01-01T00:00:00.500000Z stdout F hello\n"
