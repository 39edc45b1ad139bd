"""Attempts in real containers."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from container_lab import log_lines
from msgspec.structs import replace

from container_image import IMAGE
from postlude.core.task import TaskPath
from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.spec.types import Resources

AttemptOf = Callable[..., Attempt]


@pytest.fixture(autouse=True)
def nothing_left_behind(container_engine: str, run_id: str) -> Iterator[None]:
    """No container of a test's run outlives the test."""
    yield
    assert containers_of(run_id, container_engine) == []


def containers_of(run_id: str, container_engine: str) -> list[str]:
    command = [container_engine, "ps", "--all", "--quiet", f"--filter=label=postlude.run={run_id}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize(
    ("script", "ended"),
    [
        pytest.param("echo fine", Exit(ending=Ending.EXITED, code=0), id="success-says-nothing"),
        pytest.param(
            # Podman may lose what a program writes in the instant in which it ends
            "echo first >&2; echo -n ValueError: no rows >&2; sleep 0.2; exit 3",
            Exit(ending=Ending.EXITED, code=3, message="exit code 3: ValueError: no rows"),
            id="failure-is-told-by-the-last-line-of-stderr",
        ),
        pytest.param(
            "exit 125", Exit(ending=Ending.EXITED, code=125, message="exit code 125"), id="125-of-the-program"
        ),
        pytest.param(
            "exit 127", Exit(ending=Ending.EXITED, code=127, message="exit code 127"), id="127-of-the-program"
        ),
        pytest.param(
            "sh -c 'kill -9 $$'; exit $?",
            Exit(ending=Ending.EXITED, code=-9, message="killed by SIGKILL: Killed"),
            id="signal",
        ),
    ],
)
def test_program_ends(executor: ContainerExecutor, attempt_of: AttemptOf, script: str, ended: Exit) -> None:
    assert executor.run(attempt_of(script)) == ended


def test_log_holds_both_streams_line_by_line(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    attempt = attempt_of("echo one; echo two; echo three >&2; echo -n four >&2")
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert sorted(log_lines(attempt)) == ["stderr F four", "stderr F three", "stdout F one", "stdout F two"]


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param({"argv": ()}, "entry point: 2 arguments: by default", id="nothing-given"),
        pytest.param({"argv": ("a b", "c"), "args_only": True}, "entry point: 2 arguments: a b c", id="args-alone"),
        pytest.param({"argv": ("echo", "a  b")}, "a  b", id="command-replaces-entry-point-and-defaults"),
        pytest.param({"argv": ("echo",)}, "", id="command-without-args"),
        pytest.param({"argv": ("echo", "$(id)", "--rm")}, "$(id) --rm", id="no-shell-and-no-options"),
        pytest.param({"argv": ("pwd",)}, "/there", id="the-image-s-own-working-directory"),
    ],
)
def test_what_runs(executor: ContainerExecutor, attempt_of: AttemptOf, words: dict[str, object], printed: str) -> None:
    attempt = attempt_of(**words)
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert log_lines(attempt) == [f"stdout F {printed}"]


def test_paths_mean_the_same_inside(executor: ContainerExecutor, attempt_of: AttemptOf, tmp_path: Path) -> None:
    data = tmp_path / "data, of ours" / "in.txt"
    data.parent.mkdir()
    data.write_text("imported")
    own = tmp_path / "artifacts" / "train"
    written = [own / "model", tmp_path / "attempt" / "work" / "out", tmp_path / "shared" / "file"]
    for place in (own, tmp_path / "shared"):
        place.mkdir()
    attempt = attempt_of(
        argv=("sh", "-c", 'for file in "$@"; do cat "$0" > "$file"; done', str(data), *map(str, written)),
        executor_input={
            "inputs": {"artifacts": {"rows": {"artifacts": [{"uri": str(data)}]}}},
            "outputs": {"artifacts": {"model": {"artifacts": [{"uri": str(own / "model")}]}}},
        },
        workspace=tmp_path / "shared",
    )
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert [file.read_text() for file in written] == ["imported"] * 3
    assert [file.stat().st_uid for file in written] == [tmp_path.stat().st_uid] * 3


def test_imported_files_cannot_be_changed(executor: ContainerExecutor, attempt_of: AttemptOf, tmp_path: Path) -> None:
    data = tmp_path / "in.txt"
    data.write_text("imported")
    artifacts = {"rows": {"artifacts": [{"uri": data.as_uri()}]}}
    attempt = attempt_of(f"echo changed > {data}", executor_input={"inputs": {"artifacts": artifacts}})
    assert "Read-only file system" in executor.run(attempt).message
    assert data.read_text() == "imported"


def test_variables_arrive_and_never_stand_on_a_command_line(
    executor: ContainerExecutor, attempt_of: AttemptOf, tmp_path: Path
) -> None:
    env = {"PLAIN": ' "a" $HOME # b ', "TWO_LINES": "one\ntwo", "LONG": "x" * 70_000}
    file = tmp_path / "attempt" / "container.env"
    attempt = attempt_of(f'echo "$PLAIN"; echo "$TWO_LINES"; echo ${{#LONG}}; [ -e {file} ] || echo unseen', env=env)
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert log_lines(attempt) == [
        'stdout F  "a" $HOME # b ',
        "stdout F one",
        "stdout F two",
        "stdout F 70000",
        "stdout F unseen",
    ]
    assert not file.exists()


def test_limits_hold(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    limits = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max"
    attempt = attempt_of(limits, resources=Resources(memory_limit="32Mi", cpu_limit="500m"))
    assert executor.run(attempt) == Exit(ending=Ending.EXITED, code=0)
    assert f"stdout F {32 * 2**20}" in log_lines(attempt)


def test_memory_limit_ends_the_program(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    # Docker watches a container's memory from just after its start on, and misses what happens at once
    script = "sleep 0.3; exec dd if=/dev/zero of=/dev/null bs=64M count=1"
    attempt = attempt_of(script, resources=Resources(memory_limit="16Mi"))
    assert executor.run(attempt) == Exit(
        ending=Ending.EXITED, code=-9, message="out of memory: its limit is 16Mi", oom=True
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            {"argv": ("/bin/nothing", "x")},
            f"image '{IMAGE}' has no program '/bin/nothing': "
            'exec: "/bin/nothing": stat /bin/nothing: no such file or directory. Check the component\'s command',
            id="no-such-program",
        ),
        pytest.param(
            {"argv": ("/there",)},
            f"image '{IMAGE}' cannot run '/there': exec: \"/there\": permission denied",
            id="not-executable",
        ),
        pytest.param(
            {"resources": Resources(memory_limit="1GB")}, "memory limit: '1GB' is not a quantity", id="bad-limit"
        ),
        pytest.param({"image": "--privileged"}, "image '--privileged' could not be pulled", id="an-image-is-no-option"),
        pytest.param({"image": ""}, "no image is named", id="no-image"),
        pytest.param({"env": {"A B": "1"}}, "environment variable 'A B': not a name", id="bad-variable"),
    ],
)
def test_what_cannot_start(
    executor: ContainerExecutor, attempt_of: AttemptOf, words: dict[str, object], message: str
) -> None:
    ended = executor.run(attempt_of(**words))
    assert (ended.ending, ended.code) == (Ending.NOT_STARTED, None)
    assert message in ended.message


def test_terminate_lets_the_program_tidy_up(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    attempt = attempt_of("trap 'echo tidied; exit 5' TERM; echo > $READY; while true; do sleep 0.05; done")
    ended = run_and(executor, attempt, lambda: terminate(executor, attempt, grace_s=60))
    assert (ended, log_lines(attempt)) == (
        Exit(ending=Ending.TERMINATED, code=5, message="terminated on request"),
        ["stdout F tidied"],
    )


def test_terminate_kills_what_does_not_end(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    attempt = attempt_of("trap '' TERM; echo > $READY; sleep 600")
    ended = run_and(executor, attempt, lambda: terminate(executor, attempt, grace_s=0.2))
    assert ended == Exit(ending=Ending.TERMINATED, code=-9, message="terminated on request")


def test_close_kills_what_runs(executor: ContainerExecutor, attempt_of: AttemptOf, container_engine: str) -> None:
    attempt = attempt_of("echo > $READY; sleep 600")

    def close() -> None:
        executor.close()
        assert containers_of(attempt.run_id, container_engine) == []

    assert run_and(executor, attempt, close).ending is Ending.TERMINATED
    assert executor.run(attempt) == Exit(ending=Ending.NOT_STARTED, message="the executor is closed")


def test_time_limit(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    ended = executor.run(attempt_of("trap '' TERM; sleep 600", timeout_s=1.0))
    assert ended == Exit(ending=Ending.TIMED_OUT, code=-9, message="timed out after 1 s")


def test_terminating_what_does_not_run_changes_nothing(executor: ContainerExecutor, attempt_of: AttemptOf) -> None:
    executor.terminate("no-run", TaskPath("none"), 1, grace_s=0)
    assert executor.run(attempt_of()) == Exit(ending=Ending.EXITED, code=0)


def test_a_container_of_the_same_attempt_in_another_process_is_left_alone(
    executor: ContainerExecutor, attempt_of: AttemptOf, container_engine: str
) -> None:
    attempt = attempt_of("echo > $READY; sleep 600")
    other = ContainerExecutor(container_engine, roots=())
    second = replace(attempt, argv=("true",), log=attempt.directory / "second.log")

    def meanwhile() -> None:
        assert other.run(second) == Exit(ending=Ending.EXITED, code=0)
        other.close()
        assert len(containers_of(attempt.run_id, container_engine)) == 1
        terminate(executor, attempt, grace_s=0)

    assert run_and(executor, attempt, meanwhile).code == -9


def test_leftovers_of_a_crash_are_removed(executor: ContainerExecutor, run_id: str, container_engine: str) -> None:
    command = [
        container_engine,
        "run",
        "--detach",
        f"--label=postlude.run={run_id}",
        "--entrypoint=sleep",
        IMAGE,
        "600",
    ]
    subprocess.run(command, check=True, capture_output=True)
    assert executor.remove_leftovers("another-run") == 0
    assert executor.remove_leftovers(run_id) == 1
    assert executor.remove_leftovers(run_id) == 0


def terminate(executor: ContainerExecutor, attempt: Attempt, *, grace_s: float) -> None:
    executor.terminate(attempt.run_id, attempt.path, attempt.attempt, grace_s=grace_s)


def run_and(executor: ContainerExecutor, attempt: Attempt, act: Callable[[], None]) -> Exit:
    """Run the attempt and act as soon as its program writes to the pipe that it finds in its working directory."""
    ended: list[Exit] = []
    os.mkfifo(attempt.env["READY"])
    thread = threading.Thread(target=lambda: ended.append(executor.run(attempt)))
    thread.start()
    Path(attempt.env["READY"]).read_text()
    act()
    thread.join(60)
    return ended[0]
