"""Functions in place of components: how an attempt ends, what is written, and what stops it."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from postlude.core.task import TaskPath
from postlude.executors.fake import FakeExecutor
from postlude.executors.process.log import read_log
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.spec.types import (
    ArtifactOutput,
    Component,
    InputDefinitions,
    OutputDefinitions,
    ParameterInput,
    ParameterOutput,
    ParameterType,
)
from postlude.testing import Call, ReplacingExecutor, StandIn, StandIns

PATH = TaskPath("loop[1]/train")
WELL = Exit(ending=Ending.EXITED, code=0)
STOPPED = Exit(ending=Ending.TERMINATED, code=-15, message="terminated on request")
COMPONENT = Component(
    name="train",
    inputs=InputDefinitions(parameters={"rows": ParameterInput(type=ParameterType.LIST)}),
    outputs=OutputDefinitions(
        parameters={"Output": ParameterOutput(type=ParameterType.NUMBER_DOUBLE)},
        artifacts={"model": ArtifactOutput(schema_title="system.Model")},
    ),
)


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    kind = {"schemaTitle": "system.Model"}
    model = {"name": "model", "uri": str(tmp_path / "model"), "type": kind, "metadata": {"kind": "m"}}
    return Attempt(
        run_id="run", path=PATH, attempt=1, image="i", argv=("true",),
        executor_input={
            "inputs": {"parameterValues": {"rows": [1, 2]}, "artifacts": {}},
            "outputs": {
                "parameters": {"Output": {"outputFile": str(tmp_path / "Output")}},
                "artifacts": {"model": {"artifacts": [model]}},
                "outputFile": str(tmp_path / "outputs" / "report.json"),
            },
        },
        directory=tmp_path, log=tmp_path / "logs" / "log.txt",
    )  # fmt: skip


def replacing(function: Callable[..., Any], path: str = PATH) -> tuple[ReplacingExecutor, StandIns]:
    stand_ins = StandIns([StandIn(path=path, component=COMPONENT, function=function)], everywhere=True)
    return ReplacingExecutor(FakeExecutor, stand_ins, now=lambda: 0.0), stand_ins


def logged(attempt: Attempt) -> list[str]:
    return [line.text for line in read_log(attempt.log)]


def reported(attempt: Attempt) -> Any:
    return msgspec.json.decode(Path(attempt.executor_input["outputs"]["outputFile"]).read_bytes())


class OwnError(Exception):
    pass


def raising(error: BaseException) -> Callable[..., None]:
    def fake() -> None:
        raise error

    return fake


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        pytest.param(
            ValueError("no disk"), Exit(ending=Ending.EXITED, code=1, message="ValueError: no disk"), id="error"
        ),
        pytest.param(ValueError(), Exit(ending=Ending.EXITED, code=1, message="ValueError"), id="error-without-words"),
        pytest.param(
            OwnError("mine"), Exit(ending=Ending.EXITED, code=1, message=f"{__name__}.OwnError: mine"), id="own-error"
        ),
        pytest.param(
            MemoryError("full"), Exit(ending=Ending.EXITED, code=1, message="MemoryError: full", oom=True), id="memory"
        ),
        pytest.param(SystemExit(), WELL, id="exit"),
        pytest.param(SystemExit(3), Exit(ending=Ending.EXITED, code=3, message="exit code 3"), id="exit-code"),
        pytest.param(
            SystemExit("bye"), Exit(ending=Ending.EXITED, code=1, message="exit code 1: bye"), id="exit-words"
        ),
    ],
)
def test_what_is_raised_ends_the_attempt_as_a_program_ends(attempt: Attempt, error: BaseException, ended: Exit) -> None:
    executor, stand_ins = replacing(raising(error))
    assert (executor.run(attempt), list(stand_ins.objections)) == (ended, [])


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_without_words_is_named(attempt: Attempt) -> None:
    ended = replacing(raising(BrokenError()))[0].run(attempt)
    assert ended.message == f"{__name__}.BrokenError: <exception str() failed>"


WHERE: ContextVar[str] = ContextVar("WHERE", default="nowhere")


def test_a_function_sees_the_context_of_the_test_and_leaves_it_alone(attempt: Attempt) -> None:
    seen: list[str] = []

    def fake() -> None:
        seen.append(WHERE.get())
        WHERE.set("in the function")

    token = WHERE.set("in the test")
    executor, _ = replacing(fake)
    executor.run(attempt)
    executor.run(attempt)
    assert (seen, WHERE.get()) == (["in the test", "in the test"], "in the test")
    WHERE.reset(token)


@pytest.mark.parametrize("error", [AssertionError("assert 1 == 2"), KeyboardInterrupt()], ids=["assertion", "base"])
def test_what_is_meant_for_the_test_fails_the_attempt_and_is_kept(attempt: Attempt, error: BaseException) -> None:
    executor, stand_ins = replacing(raising(error))
    ended = executor.run(attempt)
    assert (ended.ending, ended.code, list(stand_ins.objections)) == (Ending.EXITED, 1, [error])


def test_the_log_names_the_function_and_shows_its_traceback(attempt: Attempt) -> None:
    executor, _ = replacing(raising(ValueError("no disk")))
    executor.run(attempt)
    first, second, where, code, *_, last = logged(attempt)
    assert (first, second) == (
        "fake stands in for the component, in the test's own process",
        "Traceback (most recent call last):",
    )
    assert (Path(__file__).name in where, code.strip(), last) == (True, "raise error", "ValueError: no disk")


def test_what_is_returned_is_reported_as_the_sdk_reports_it(attempt: Attempt, tmp_path: Path) -> None:
    def fake(rows: list[int], model: Any) -> float:
        Path(model.path).write_text("weights")
        model.metadata["loss"] = 0.5
        return len(rows) / 4

    executor, _ = replacing(fake)
    assert executor.run(attempt) == WELL
    model = {"name": "model", "uri": str(tmp_path / "model"), "metadata": {"kind": "m", "loss": 0.5}}
    assert reported(attempt) == {"parameterValues": {"Output": 0.5}, "artifacts": {"model": {"artifacts": [model]}}}
    assert (tmp_path / "model").read_text() == "weights"


def test_an_unfit_result_fails_the_attempt_with_the_name_of_the_function(attempt: Attempt) -> None:
    executor, _ = replacing(lambda: {1, 2})
    why = "Object of type set is not JSON serializable"
    message = f"<lambda> returned {{1, 2}} as output 'Output', which is no JSON value: {why}"
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=1, message=message)
    assert logged(attempt)[-1] == message


def test_calls_are_recorded_with_all_inputs_as_they_were(attempt: Attempt) -> None:
    def fake(rows: list[int]) -> float:
        rows.clear()
        return 0.0

    executor, stand_ins = replacing(fake)
    executor.run(attempt)
    assert list(stand_ins.calls) == [Call(path=PATH, attempt=1, inputs={"rows": [1, 2]})]
    assert attempt.executor_input["inputs"]["parameterValues"] == {"rows": [1, 2]}


def test_given_outputs_are_reported_without_a_call(attempt: Attempt) -> None:
    stand_ins = StandIns([StandIn(path=PATH, component=COMPONENT, outputs={"Output": 2.5, "model": "gs://b/m"})])
    assert ReplacingExecutor(FakeExecutor, stand_ins).run(attempt) == WELL
    expected = {"parameterValues": {"Output": 2.5}, "artifacts": {"model": {"artifacts": [{"uri": "gs://b/m"}]}}}
    assert (reported(attempt), list(stand_ins.calls)) == (expected, [])


def test_other_attempts_are_those_of_the_other_executor(attempt: Attempt) -> None:
    inner = FakeExecutor()
    stand_ins = StandIns([StandIn(path="loop[2]/train", component=COMPONENT, function=print)])
    assert ReplacingExecutor(lambda: inner, stand_ins).run(attempt) == WELL
    assert [each.path for each in inner.attempts] == [PATH]


@pytest.mark.parametrize(("everywhere", "made"), [(True, 0), (False, 1)], ids=["nobody-needs-it", "somebody-may"])
def test_the_other_executor_is_only_made_for_tasks_that_need_it(
    attempt: Attempt, *, everywhere: bool, made: int
) -> None:
    inner: list[FakeExecutor] = []

    def make() -> FakeExecutor:
        inner.append(FakeExecutor())
        return inner[-1]

    stand_ins = StandIns([StandIn(path=PATH, component=COMPONENT, function=lambda: 1.0)], everywhere=everywhere)
    executor = ReplacingExecutor(make, stand_ins)
    executor.run(attempt)
    executor.close()
    assert len(inner) == made


# --- what stops it ----------------------------------------------------------------------------------------------------


def stopped(attempt: Attempt, stop: Callable[[ReplacingExecutor], object]) -> tuple[Exit, StandIns]:
    """How an attempt ends that is stopped while its function runs; the function ends after that."""
    began, may_end = threading.Event(), threading.Event()

    def stuck() -> float:
        began.set()
        may_end.wait(30)
        return 1.0

    executor, stand_ins = replacing(stuck)
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(executor.run, attempt)
        assert began.wait(30)
        stop(executor)
        found = ended.result(30)
    assert stand_ins.wait(0.0) == ["loop[1]/train, attempt 1"]
    may_end.set()
    return found, stand_ins


@pytest.mark.parametrize(
    ("stop", "ended"),
    [
        pytest.param(lambda executor: executor.terminate("run", PATH, 1, grace_s=60), STOPPED, id="terminated"),
        pytest.param(lambda executor: executor.close(), STOPPED, id="closed"),
        pytest.param(
            lambda executor: executor.kill("run", PATH, 1),
            Exit(ending=Ending.EXITED, code=-9, message="killed by SIGKILL"),
            id="killed",
        ),
    ],
)
def test_a_stopped_attempt_is_over_at_once_and_its_function_goes_on(
    attempt: Attempt, stop: Callable[[ReplacingExecutor], object], ended: Exit
) -> None:
    found, stand_ins = stopped(attempt, stop)
    assert (found, stand_ins.wait(30), Path(attempt.executor_input["outputs"]["outputFile"]).exists()) == (
        ended,
        [],
        False,
    )


def test_a_time_limit_ends_the_attempt(attempt: Attempt) -> None:
    may_end = threading.Event()
    executor, stand_ins = replacing(lambda: may_end.wait(30))
    ended = executor.run(replace(attempt, timeout_s=0.05))
    may_end.set()
    assert ended == Exit(ending=Ending.TIMED_OUT, code=-15, message="timed out after 0.05 s")
    assert stand_ins.wait(30) == []


def test_an_attempt_that_was_terminated_before_it_began_calls_nothing(attempt: Attempt) -> None:
    executor, stand_ins = replacing(sys.exit)
    executor.terminate("run", PATH, 1, grace_s=1)
    assert executor.run(attempt) == Exit(ending=Ending.TERMINATED, message="terminated before it started")
    assert list(stand_ins.calls) == []


def test_an_attempt_that_does_not_run_cannot_be_killed(attempt: Attempt) -> None:
    executor, _ = replacing(lambda: 1.0)
    assert not executor.kill("run", PATH, 1)
    assert executor.run(attempt) == WELL
    assert not executor.kill("run", PATH, 1)


# --- who stands in ----------------------------------------------------------------------------------------------------


def test_of_several_the_closest_stands_in() -> None:
    def stand_in(path: str, rank: int) -> StandIn:
        return StandIn(path=path, rank=rank, component=COMPONENT, function=print)

    by_component, by_name = stand_in("loop[1]/train", 2), stand_in("loop[*]/train", 1)
    anywhere, here = stand_in("loop[*]/train", 0), stand_in("loop[2]/train", 0)
    stand_ins = StandIns([by_component, by_name, anywhere, here])
    found = [stand_ins.of(path) for path in ("loop[1]/train", "loop[2]/train", "loop[2]/trial")]
    assert found == [anywhere, here, None]
