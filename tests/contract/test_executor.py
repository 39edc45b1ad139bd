"""What every executor owes, run against each of them.

To add one: a subclass of `Subject` that makes the executor and says how its attempts are told what to do.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_programs import acted
from msgspec.structs import replace

from container_image import IMAGE as CONTAINER_IMAGE
from postlude.core.task import TaskPath
from postlude.executors.container.executor import ContainerExecutor
from postlude.executors.fake import FakeExecutor
from postlude.executors.process.executor import ProcessExecutor
from postlude.executors.process.log import read_log
from postlude.executors.routing import RoutingExecutor
from postlude.ports.executor import Attempt, Ending, Executor, Exit
from postlude.runtime.faults import Fault
from postlude.spec.types import Component
from postlude.testing import FaultyExecutor, ReplacingExecutor, StandIn, StandIns

READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An executor under test.

    Attributes:
        make: Makes it; it may keep things in the directory it gets.
        killed_by_grace: The exit code of a program that ignores SIGTERM.
        image: The image of its attempts.
        needs: A fixture without which it cannot run.
    """

    name: str
    make: Callable[[Path], Executor]
    killed_by_grace: int = -9
    image: str = "busybox"
    needs: str = ""


OF_ANOTHER = StandIn(path="loop[*]/x", component=Component(name="comp-x"), function=print)

SUBJECTS = (
    Subject(name="process", make=lambda home: ProcessExecutor(home=home)),
    Subject(
        name="routing",
        make=lambda home: RoutingExecutor(process=ProcessExecutor(home=home), container=lambda: None, host=True),
    ),
    Subject(
        name="podman",
        make=lambda _home: ContainerExecutor("podman", grace_s=0.2, pull_grace_s=0.0),
        image=CONTAINER_IMAGE,
        needs="podman",
    ),
    Subject(
        name="docker",
        make=lambda _home: ContainerExecutor("docker", grace_s=0.2, pull_grace_s=0.0),
        image=CONTAINER_IMAGE,
        needs="docker",
    ),
    Subject(name="fake", make=lambda _home: FakeExecutor(acted)),
    Subject(
        name="faulty",
        # it has faults, and none of them is for the attempts of these tests
        make=lambda home: FaultyExecutor(ProcessExecutor(home=home), [Fault.fail("other"), Fault.kill("loop[*]/x")]),
    ),
    Subject(
        name="replacing",
        # likewise
        make=lambda home: ReplacingExecutor(lambda: ProcessExecutor(home=home), StandIns([OF_ANOTHER])),
    ),
)
RUNS_PROGRAMS = [each for each in SUBJECTS if each.name != "fake"]
"""Those that what a program finds at its start can be asked of."""

of_programs = pytest.mark.parametrize("subject", RUNS_PROGRAMS, ids=lambda subject: subject.name, indirect=True)


@pytest.fixture(scope="module", params=SUBJECTS, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    if found.needs:
        request.getfixturevalue(found.needs)
    return found


@pytest.fixture(scope="module")
def executor(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    made = subject.make(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture
def attempt(subject: Subject, tmp_path: Path) -> Attempt:
    return Attempt(
        run_id="run", path=TaskPath("group/task[1]"), attempt=1, image=subject.image, argv=("true",), executor_input={},
        directory=tmp_path, log=tmp_path / "logs" / "task.txt", workspace=tmp_path,
    )  # fmt: skip


def shell(attempt: Attempt, script: str) -> Attempt:
    return replace(attempt, argv=("sh", "-c", script))


def logged(attempt: Attempt) -> list[tuple[str, str]]:
    return [(line.stream, line.text) for line in read_log(attempt.log)]


def wait_for(attempt: Attempt, text: str) -> None:
    """Wait until the running task has written the text."""
    pause = threading.Event()
    for _ in range(3000):
        if attempt.log.exists() and text in attempt.log.read_text():
            return
        pause.wait(0.01)
    raise AssertionError(f"the task never wrote {text!r}")


@pytest.mark.parametrize(
    ("script", "ended"),
    [
        pytest.param("exit 0", Exit(ending=Ending.EXITED, code=0), id="well"),
        pytest.param("exit 3", Exit(ending=Ending.EXITED, code=3, message="exit code 3"), id="exit-code"),
        pytest.param(
            "echo first >&2; echo last >&2; echo; sleep 0.2; exit 3",
            Exit(ending=Ending.EXITED, code=3, message="exit code 3: last"),
            id="last-words",
        ),
    ],
)
def test_run_says_how_it_ended(executor: Executor, attempt: Attempt, script: str, ended: Exit) -> None:
    assert executor.run(shell(attempt, script)) == ended


def test_the_log_holds_both_streams_to_the_last_byte(executor: Executor, attempt: Attempt) -> None:
    executor.run(shell(attempt, "echo out; echo err >&2; printf end"))
    assert sorted(logged(attempt)) == [("stderr", "err"), ("stdout", "end"), ("stdout", "out")]


@of_programs
def test_the_component_s_variables_are_set_and_the_parent_s_secrets_are_not(
    executor: Executor, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    executor.run(replace(shell(attempt, 'echo "$OWN,$SOME_TOKEN"'), env={"OWN": "a b"}))
    assert logged(attempt) == [("stdout", "a b,")]


@of_programs
def test_arguments_arrive_as_they_are(executor: Executor, attempt: Attempt) -> None:
    words = ("$HOME", "a b", "", "*", "'\"", "é\nline")
    executor.run(replace(attempt, argv=("printf", "<%s>", *words)))
    assert "\n".join(text for _, text in logged(attempt)) == "".join(f"<{word}>" for word in words)


@of_programs
def test_a_program_that_does_not_exist_never_starts(executor: Executor, attempt: Attempt) -> None:
    ended = executor.run(replace(attempt, argv=("no-such-program",)))
    assert (ended.ending, ended.code) == (Ending.NOT_STARTED, None)
    assert "no-such-program" in ended.message


def test_the_time_limit_ends_it(executor: Executor, attempt: Attempt) -> None:
    ended = executor.run(replace(attempt, argv=("sleep", "100"), timeout_s=0.1))
    assert (ended.ending, ended.message) == (Ending.TIMED_OUT, "timed out after 0.1 s")


def test_terminate_lets_it_finish_within_the_grace_period(executor: Executor, attempt: Attempt) -> None:
    running = shell(attempt, f'trap "echo bye; exit 0" TERM; echo {READY}; while true; do sleep 0.01; done')
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(executor.run, running)
        wait_for(running, READY)
        executor.terminate("run", running.path, 1, grace_s=30)
        assert ended.result(30).ending is Ending.TERMINATED
    assert logged(attempt)[-1] == ("stdout", "bye")


def test_terminate_kills_it_after_the_grace_period(executor: Executor, subject: Subject, attempt: Attempt) -> None:
    running = shell(attempt, f'trap "" TERM; echo {READY}; while true; do sleep 0.01; done')
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(executor.run, running)
        wait_for(running, READY)
        executor.terminate("run", running.path, 1, grace_s=0.05)
        killed = ended.result(30)
    assert (killed.ending, killed.code) == (Ending.TERMINATED, subject.killed_by_grace)


def test_a_kill_is_its_end_by_a_signal_that_nobody_here_sent(executor: Executor, attempt: Attempt) -> None:
    running = shell(attempt, f'trap "" TERM; echo {READY}; while true; do sleep 0.01; done')
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(executor.run, running)
        wait_for(running, READY)
        assert executor.kill("run", running.path, 1)
        assert ended.result(30) == Exit(ending=Ending.EXITED, code=-9, message="killed by SIGKILL")


def test_a_kill_finds_nothing_where_nothing_runs(executor: Executor, attempt: Attempt) -> None:
    assert not executor.kill("run", attempt.path, 1)
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert not executor.kill("run", attempt.path, 1)


def test_terminating_something_unknown_is_ignored(executor: Executor, attempt: Attempt) -> None:
    executor.terminate("run", TaskPath("never"), 1, grace_s=0)
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)


def test_terminating_it_before_it_came_to_run_starts_nothing(
    executor: Executor, attempt: Attempt, tmp_path: Path
) -> None:
    executor.terminate("run", attempt.path, 7, grace_s=0)
    ended = executor.run(replace(shell(attempt, f"echo ran > {tmp_path}/mark"), attempt=7))
    assert (ended.ending, (tmp_path / "mark").exists()) == (Ending.TERMINATED, False)


def test_attempts_run_side_by_side(executor: Executor, attempt: Attempt, tmp_path: Path) -> None:
    meet = 'touch "$PLACE/$NAME"; while ! { [ -e "$PLACE/a" ] && [ -e "$PLACE/b" ]; }; do sleep 0.01; done'
    both = []
    for name in ("a", "b"):
        directory = tmp_path / f"task-{name}"
        directory.mkdir()
        env = {"PLACE": str(tmp_path), "NAME": name}
        both.append(
            replace(shell(attempt, meet), path=TaskPath(name), directory=directory, log=directory / "log", env=env)
        )
    with ThreadPoolExecutor(2) as threads:
        assert [ended.code for ended in threads.map(executor.run, both, timeout=30)] == [0, 0]


def test_begin_does_not_wait_for_the_end(executor: Executor, attempt: Attempt) -> None:
    told = threading.Event()
    running = shell(attempt, f'trap "" TERM; echo {READY}; while true; do sleep 0.01; done')
    ended = executor.begin(running)
    ended.add_done_callback(lambda _: told.set())
    wait_for(running, READY)
    assert not told.is_set()
    executor.terminate("run", running.path, 1, grace_s=0.05)
    assert ended.result(30).ending is Ending.TERMINATED
    assert told.wait(30)


def test_close_ends_what_runs(subject: Subject, attempt: Attempt, tmp_path: Path) -> None:
    executor = subject.make(tmp_path / "home")
    running = shell(attempt, f"echo {READY}; sleep 100")
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(executor.run, running)
        wait_for(running, READY)
        executor.close()
        assert ended.result(30).ending is Ending.TERMINATED
