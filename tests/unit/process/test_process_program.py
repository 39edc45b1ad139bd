"""Other programs: what they see, how they end, what they leave behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process_lab import EXITED_WELL, Lab, lines
from started import Started, gone, until_gone

from postlude.executors.arguments import refusal
from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Ending, Exit

IGNORES_SIGTERM = 'trap "" TERM; echo ready; sleep 100 & wait; sleep 100'
LOST = "the supervisor of the task's process was killed by signal 9: nobody saw the end"


def test_python3_is_our_interpreter(lab: Lab) -> None:
    attempt = lab.program("sh", "-c", 'python3 -c "import sys; print(sys.prefix)"; echo "$PWD"')
    assert lab.executor.run(attempt) == EXITED_WELL
    assert lines(attempt) == [sys.prefix, str(attempt.directory / "work")]


def test_a_program_that_does_not_exist_never_starts(lab: Lab) -> None:
    message = (
        "program 'my_program' was not found on PATH: install it on this machine, or run the task in its container image"
    )
    assert lab.executor.run(lab.program("my_program")) == Exit(ending=Ending.NOT_STARTED, message=message)


def test_a_file_that_is_no_program_never_starts(lab: Lab) -> None:
    message = "program '/etc/passwd' cannot be started: Permission denied: check the file and its permissions"
    assert lab.executor.run(lab.program("/etc/passwd")) == Exit(ending=Ending.NOT_STARTED, message=message)


def test_an_argument_that_is_too_long_is_refused(lab: Lab) -> None:
    given = lab.program("echo", "x" * 1_000_000)
    ended = lab.executor.run(given)
    assert ended == Exit(ending=Ending.REFUSED, message=refusal(given))
    assert ended.message.startswith('argument 1 of its command ("xxxx')


def test_variables_that_are_too_long_are_said_to_be(lab: Lab) -> None:
    message = "program 'echo' cannot be started: its arguments are too long: pass large values as artifacts"
    given = lab.program("echo", env={"LONG": "x" * 1_000_000})
    assert lab.executor.run(given) == Exit(ending=Ending.NOT_STARTED, message=message)


@pytest.mark.parametrize(("argv", "args_only"), [((), False), (("--flag",), True)])
def test_an_image_s_own_entry_point_is_not_on_this_machine(lab: Lab, argv: tuple[str, ...], *, args_only: bool) -> None:
    message = "the task names no command, so its image's own entry point is meant: run it in its container image"
    attempt = lab.program(*argv, args_only=args_only)
    assert lab.executor.run(attempt) == Exit(ending=Ending.NOT_STARTED, message=message)


def test_a_log_that_cannot_be_opened_is_said(lab: Lab) -> None:
    ended = lab.executor.run(lab.program("true", log=Path("/dev/null/x/log")))
    assert ended == Exit(
        ending=Ending.NOT_STARTED, message="cannot start a process: [Errno 20] Not a directory: '/dev/null/x'"
    )


def test_huge_output_arrives_whole(lab: Lab) -> None:
    attempt = lab.program("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; seq 20000")
    assert lab.executor.run(attempt) == EXITED_WELL
    text = "".join(lines(attempt))
    assert text == "x" * 3_000_000 + "".join(map(str, range(1, 20001)))


def test_binary_output_is_kept_readable(lab: Lab) -> None:
    attempt = lab.program("printf", r"a\377\000b\n")
    assert lab.executor.run(attempt) == EXITED_WELL
    assert lines(attempt) == ["a\N{REPLACEMENT CHARACTER}\0b"]


def test_what_a_program_leaves_behind_is_killed_even_in_a_session_of_its_own(lab: Lab) -> None:
    attempt = lab.program("sh", "-c", "sleep 100 & echo $!; setsid sleep 100 & echo $!; setsid -f sleep 100; exit 0")
    assert lab.executor.run(attempt) == EXITED_WELL
    assert [gone(int(pid)) for pid in lines(attempt)] == [True, True]
    found = subprocess.run(["pgrep", "-f", "^sleep 100$"], capture_output=True, text=True, check=False).stdout.split()
    works = [str(Path(f"/proc/{pid}/cwd").readlink()) for pid in found if not gone(int(pid))]
    assert str(attempt.directory / "work") not in works


def test_time_is_up(lab: Lab) -> None:
    ended = lab.executor.run(lab.program("sleep", "100", timeout_s=0.05))
    assert ended == Exit(ending=Ending.TIMED_OUT, code=-15, message="timed out after 0.05 s")


def test_terminate_asks_first(lab: Lab) -> None:
    attempt = lab.program("sh", "-c", 'trap "echo bye; exit 4" TERM; echo ready; sleep 100 & wait')
    started = Started(lab.executor, attempt)
    started.until("ready")
    lab.executor.terminate(attempt.run_id, attempt.path, attempt.attempt, grace_s=20)
    assert started.ended() == Exit(ending=Ending.TERMINATED, code=4, message="terminated on request")
    assert lines(attempt) == ["ready", "bye"]


def test_terminate_kills_what_does_not_listen(lab: Lab) -> None:
    attempt = lab.program("sh", "-c", IGNORES_SIGTERM)
    started = Started(lab.executor, attempt)
    started.until("ready")
    lab.executor.terminate(attempt.run_id, attempt.path, attempt.attempt, grace_s=0.05)
    assert started.ended() == Exit(ending=Ending.TERMINATED, code=-9, message="terminated on request")


def test_terminating_again_can_only_hasten_the_end(lab: Lab) -> None:
    attempt = lab.program("sh", "-c", IGNORES_SIGTERM)
    started = Started(lab.executor, attempt)
    started.until("ready")
    for grace_s in (100, 0, 100):
        lab.executor.terminate(attempt.run_id, attempt.path, attempt.attempt, grace_s=grace_s)
    assert started.ended().code == -9


def test_close_kills_what_runs(own: Lab) -> None:
    attempt = own.program("sh", "-c", IGNORES_SIGTERM)
    started = Started(own.executor, attempt)
    started.until("ready")
    own.executor.close()
    assert started.ended() == Exit(ending=Ending.TERMINATED, code=-9, message="terminated on request")
    ended = own.executor.run(own.program("true"))
    assert ended == Exit(ending=Ending.TERMINATED, message="the executor was closed")


def test_a_dead_supervisor_loses_what_ran_and_is_replaced(own: Lab) -> None:
    attempt = own.program("sh", "-c", "sleep 100 & echo $$ $!; wait")
    started = Started(own.executor, attempt)
    started.until("stdout")
    leader, other = map(int, lines(attempt)[0].split())
    supervisor = int(Path(f"/proc/{leader}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(supervisor, signal.SIGKILL)
    assert started.ended() == Exit(ending=Ending.LOST, message=LOST)
    assert own.executor.run(own.program("true")) == EXITED_WELL
    assert until_gone([leader, other])


def test_an_interpreter_that_does_not_work_is_named(tmp_path: Path) -> None:
    executor = ProcessExecutor(home=tmp_path / "home", python="/bin/false")
    ended = executor.run(Lab(executor, tmp_path).program("true"))
    executor.close()
    assert ended.ending is Ending.LOST
    assert "/bin/false" in ended.message or "nobody saw the end" in ended.message


def test_an_interpreter_that_does_not_exist_is_named(tmp_path: Path) -> None:
    executor = ProcessExecutor(home=tmp_path / "home", python="/no/python")
    executor.prepare()
    message = "cannot start the interpreter /no/python: [Errno 2] No such file or directory: '/no/python'"
    assert executor.run(Lab(executor, tmp_path).program("true")) == Exit(ending=Ending.NOT_STARTED, message=message)


ENGINE = """
import sys
from pathlib import Path
from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Attempt
home = Path(sys.argv[1])
executor = ProcessExecutor(home=home / "home")
executor.run(Attempt(run_id="r", path="t", attempt=1, image="", argv=("sh", "-c", sys.argv[2]), executor_input={},
                     directory=home, log=home / "log.txt"))
"""


def test_tasks_die_with_the_engine(tmp_path: Path) -> None:
    script = 'trap "" TERM; sleep 100 & echo $!; setsid sleep 100 & echo $!; echo $$; wait'
    engine = subprocess.Popen([sys.executable, "-c", ENGINE, str(tmp_path), script])
    log = tmp_path / "log.txt"
    while not (log.exists() and log.read_text().count("\n") == 3):
        assert engine.poll() is None
    pids = [int(line.split()[-1]) for line in log.read_text().splitlines()]
    engine.kill()
    engine.wait()
    assert until_gone(pids)
