"""Terminals that are closed, output that cannot be written, and tasks that write to the terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp import compiler, dsl

import postlude
from postlude.wiring.stores import open_catalog

TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
TITLE = b"\x1b]0;owned"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def hold(seconds: float):
    import time

    print("\x1b]0;owned\x07\x1b[31mwaiting", flush=True)
    time.sleep(seconds)
    raise RuntimeError("\x1b]0;owned\x07")


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def notify(status: dsl.PipelineTaskFinalStatus):
    print(status.state)


@dsl.pipeline(name="waiting")
def waiting(seconds: float = 0.0):
    with dsl.ExitHandler(notify()):
        hold(seconds=seconds)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("ir") / "waiting.yaml"
    compiler.Compiler().compile(waiting, str(target))
    return target


def on_a_terminal(*arguments: object, until: Callable[[bytes], bool] = lambda _: False) -> tuple[bytes, int]:
    """What the command prints on a terminal, which is closed when `until` says so, and its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        argv = [sys.executable, "-m", "postlude", *map(str, arguments)]
        os.execve(sys.executable, argv, {**os.environ, **TERMINAL})  # noqa: S606 - no shell is the point
    printed = b""
    while not until(printed):
        try:
            printed += os.read(terminal, 65536)
        except OSError:  # the command has ended, and nobody holds the other side
            break
    os.close(terminal)
    return printed, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def states(home: Path) -> dict[str, str]:
    document = open_catalog(home).run("")
    return {"": document["state"]} | {task["path"]: task["state"] for task in document["tasks"]}


def test_a_closed_terminal_cancels_the_run_and_exit_tasks_run(pipeline: Path, tmp_path: Path) -> None:
    def under_way(printed: bytes) -> bool:
        return b"hold" in printed

    on_a_terminal("run", pipeline, "--home", tmp_path, "-p", "seconds=600", until=under_way)
    assert states(tmp_path) == {
        "": "CANCELED",
        "exit-handler-1": "CANCELED",
        "exit-handler-1/hold": "CANCELED",
        "notify": "SUCCEEDED",
    }


def test_tasks_do_not_reach_the_terminal(pipeline: Path, tmp_path: Path) -> None:
    ran, code = on_a_terminal("run", pipeline, "--home", tmp_path)
    shown, _ = on_a_terminal("show", "--home", tmp_path)
    logged, _ = on_a_terminal("logs", "", "hold", "--home", tmp_path)
    assert code == 1
    assert [TITLE in printed for printed in (ran, shown, logged)] == [False, False, False]
    assert "␛]0;owned␇\x1b[31mwaiting\x1b[0m".encode() in logged


def postlude_with(stdout: object, *arguments: object, closed: bool = False) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "postlude", *map(str, arguments)]
    if closed:
        argv = ["sh", "-c", 'exec "$@" >&-', "sh", *argv]
    return subprocess.run(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=120)  # type: ignore[call-overload, no-any-return]  # a file or a descriptor


def test_output_that_cannot_be_written_does_not_decide_how_a_run_goes(pipeline: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        run = postlude_with(full, "run", pipeline, "--home", tmp_path)
    assert (run.returncode, run.stderr) == (1, "standard output cannot be written: No space left on device.\n")
    assert states(tmp_path)["notify"] == "SUCCEEDED"


def test_a_document_that_cannot_be_written_is_said_with_how_the_run_ended(pipeline: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        run = postlude_with(full, "run", pipeline, "--json", "--home", tmp_path)
        show = postlude_with(full, "show", "--home", tmp_path)
    run_id = open_catalog(tmp_path).run("")["run_id"][:8]
    cause = "standard output cannot be written: No space left on device."
    assert (run.returncode, run.stderr) == (2, f"{cause} The run ended FAILED; `postlude show {run_id}` shows it.\n")
    assert (show.returncode, show.stderr) == (2, f"{cause}\n")


def test_a_closed_standard_output_is_no_output(pipeline: Path, tmp_path: Path) -> None:
    run = postlude_with(subprocess.DEVNULL, "run", pipeline, "--home", tmp_path, closed=True)
    assert (run.returncode, run.stderr) == (1, "")


def test_a_task_that_ran_no_process_has_no_log(tmp_path: Path) -> None:
    @dsl.component(base_image="python:3.11", install_kfp_package=False)
    def add(a: int) -> int:
        return a + 1

    @dsl.pipeline(name="adding")
    def adding():
        add(a=1)

    first, second = (postlude.run(adding, home=tmp_path) for _ in range(2))
    assert [(run.tasks["add"].cached, run.tasks["add"].log is None) for run in (first, second)] == [
        (False, False),
        (True, True),
    ]
    said = postlude_with(subprocess.DEVNULL, "logs", "--home", tmp_path)
    run_id = second.run_id[:8]
    what = (
        f"run {run_id}: nothing of the run ran as a process, so there is no log. `postlude show {run_id}` says why.\n"
    )
    assert (said.returncode, said.stderr) == (2, what)
