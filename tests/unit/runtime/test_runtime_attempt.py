"""The end of an attempt as an error, and one attempt from its cache to its outputs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postlude.core.task import Code, Event, Failed, Succeeded, TaskError, TaskPath
from postlude.executors.fake import FakeExecutor, Script, Succeed, by_path
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.ports.journal import Cache
from postlude.runtime.attempt import Bench, Berth, error_of, perform_attempt
from postlude.spec.types import Json
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.memory import open_memory_store
from postlude.testing import ManualClock
from run_lab import Rehearsal, integer, leaf, pipeline, task


@pytest.mark.parametrize(
    ("ended", "code", "message"),
    [
        pytest.param(Exit(ending=Ending.EXITED, code=3, message="exit code 3"), 2, "exit code 3", id="exit code"),
        pytest.param(Exit(ending=Ending.EXITED, code=1), 2, "the attempt ended: exited", id="nothing said"),
        pytest.param(Exit(ending=Ending.EXITED, code=-9, message="killed"), 8, "killed", id="SIGKILL (F19)"),
        pytest.param(Exit(ending=Ending.EXITED, code=-11, message="SIGSEGV"), 2, "SIGSEGV", id="another signal"),
        pytest.param(Exit(ending=Ending.EXITED, code=137, message="m", oom=True), 8, "m", id="memory limit"),
        pytest.param(Exit(ending=Ending.EXITED, code=0, message="m", oom=True), 8, "m", id="memory limit of a child"),
        pytest.param(Exit(ending=Ending.TIMED_OUT, code=-9, message="timed out"), 4, "timed out", id="timeout"),
        pytest.param(Exit(ending=Ending.TERMINATED, code=-9, message="m"), 1, "m", id="on request"),
        pytest.param(Exit(ending=Ending.NOT_STARTED, message="no docker"), 14, "no docker", id="never started"),
        pytest.param(Exit(ending=Ending.LOST), 14, "the attempt ended: lost", id="lost"),
    ],
)
def test_error_of(ended: Exit, code: int, message: str) -> None:
    assert error_of(ended) == TaskError(code=Code(code), message=message, exit_code=ended.code)


def test_an_exit_with_0_is_no_error() -> None:
    assert error_of(Exit(ending=Ending.EXITED, code=0)) is None


# --- a whole attempt --------------------------------------------------------------------------------------------------

CACHED = task("made", cachingOptions={"enableCache": True})
MADE = leaf(
    outputs={"parameters": {"n": integer()}, "artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}}}
)
MAKING = by_path({"make": Succeed(parameters={"n": 7}, artifacts={"data": "text"}, metadata={"data": {"rows": 1}})})


class Broken(Cache):
    """A cache that cannot be read."""

    def find(self, key: str) -> Json | None:  # noqa: ARG002 - the port's
        raise PermissionError(13, "Permission denied", "cache.db")

    def keep(self, key: str, outputs: Json, *, run_id: str, path: str, at: float) -> None:  # noqa: ARG002 - the port's
        raise AssertionError("nothing was found out")


@pytest.fixture
def perform(tmp_path: Path) -> Callable[..., Event]:
    """Performs the one attempt of a pipeline with a task "make", each call as another run."""

    def performed(script: Script, cache: Cache | None = None, run_id: str = "run-1") -> Event:
        run = Rehearsal.of(pipeline({"make": CACHED}, {"made": MADE}), run_id=run_id).run
        bench = Bench(executor=FakeExecutor(script), artifacts=LocalArtifacts(), clock=ManualClock(9.0), cache=cache)
        berth = Berth(directory=tmp_path / run_id / "attempt", artifacts=str(tmp_path / run_id / "artifacts"))
        return perform_attempt(bench, run, run.tasks[TaskPath("make")], berth)

    return performed


def test_what_a_program_writes_is_collected(perform: Callable[..., Event], tmp_path: Path) -> None:
    event = perform(MAKING)
    assert isinstance(event, Succeeded)
    (data,) = event.outputs.artifacts["data"]
    assert (event.path, event.attempt, event.at, event.cached) == ("make", 1, 9.0, False)
    assert (event.outputs.parameters, data.metadata, data.producer) == ({"n": 7}, {"rows": 1}, "make")
    assert (Path(data.uri).read_text(), data.digest[:7]) == ("text", "sha256:")
    assert Path(data.uri).is_relative_to(tmp_path)


def test_the_same_task_again_is_not_run(perform: Callable[..., Event]) -> None:
    cache = open_memory_store().cache
    first = perform(MAKING, cache)
    again = perform(by_path({}), cache, "run-2")
    assert isinstance(first, Succeeded)
    assert again == Succeeded(path=TaskPath("make"), attempt=1, at=9.0, outputs=first.outputs, cached=True)


def test_a_cached_artifact_that_is_gone_is_made_again(perform: Callable[..., Event]) -> None:
    cache = open_memory_store().cache
    first = perform(MAKING, cache)
    assert isinstance(first, Succeeded)
    Path(first.outputs.artifacts["data"][0].uri).unlink()
    again = perform(MAKING, cache, "run-2")
    assert isinstance(again, Succeeded)
    assert not again.cached


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(
            by_path({}), TaskError(code=Code.NOT_FOUND, message="output 'n' was not written"), id="no output (F14)"
        ),
        pytest.param(
            by_path({"make": Succeed(parameters={"n": "seven"})}),
            TaskError(code=Code.INVALID_ARGUMENT, message="output 'n': expected NUMBER_INTEGER, got \"seven\""),
            id="an output of another type",
        ),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_a_failed_attempt(perform: Callable[..., Event], script: Script, error: TaskError) -> None:
    assert perform(script) == Failed(path=TaskPath("make"), attempt=1, at=9.0, error=error)


def raises(_attempt: Attempt) -> Succeed:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(
    ("script", "cache", "code", "message"),
    [
        pytest.param(raises, None, Code.INTERNAL, "a defect of the engine: ZeroDivisionError: a bug", id="a defect"),
        pytest.param(
            MAKING,
            Broken(),
            Code.UNAVAILABLE,
            "the attempt's files cannot be used: PermissionError: [Errno 13] Permission denied: 'cache.db'",
            id="a file that cannot be read",
        ),
    ],
)
def test_what_nobody_foresaw_is_a_failed_attempt_that_says_where(
    perform: Callable[..., Event], script: Script, cache: Cache | None, code: Code, message: str
) -> None:
    event = perform(script, cache)
    assert isinstance(event, Failed)
    assert event.error.code is code
    assert event.error.message.startswith(f"{message} (test_runtime_attempt.py:")


def test_a_failed_attempt_is_not_kept(perform: Callable[..., Event]) -> None:
    cache = open_memory_store().cache
    perform(by_path({}), cache)
    assert isinstance(perform(MAKING, cache, "run-2"), Succeeded)
