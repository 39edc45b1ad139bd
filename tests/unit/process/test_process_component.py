"""Python components forked from a warm interpreter behave as in a fresh one."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace
from process_lab import EXITED_WELL, Lab, lines

from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Ending, Exit


def test_it_works_in_a_directory_of_its_own_with_nothing_inherited(lab: Lab) -> None:
    def look() -> dict[str, Any]:
        import os
        import signal
        import sys
        import tempfile
        from pathlib import Path

        return {
            "cwd": str(Path.cwd()), "first_path": sys.path[0], "tmp": tempfile.gettempdir(),
            "fds": len(list(Path("/proc/self/fd").iterdir())),
            "leads": os.getpid() == os.getsid(0) == os.getpgrp(), "argv0": Path(sys.argv[0]).name,
            "main": sys.modules["__main__"].__name__,
            "postlude": [name for name in sys.modules if name.split(".")[0] == "postlude"],
            "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "runtime": os.environ["_KFP_RUNTIME"],
            "sigchld": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, "stdin": sys.stdin.read(),
            "encoding": sys.stdout.encoding,
        }  # fmt: skip

    attempt = lab.component(look)
    assert lab.executor.run(attempt) == EXITED_WELL
    seen = json.loads((attempt.directory / "output.json").read_text())["parameterValues"]["Output"]
    assert seen == {
        "cwd": str(attempt.directory / "work"), "first_path": str(attempt.directory / "component"),
        "tmp": str(attempt.directory / "tmp"), "leads": True, "argv0": "executor_main.py", "main": "__main__",
        "postlude": [], "sigterm": True, "sigchld": True, "runtime": "true", "stdin": "", "encoding": "utf-8",
        "fds": 4,
    }  # fmt: skip


def test_the_engine_s_secrets_stay_with_the_engine(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> dict[str, Any]:
        import os

        return dict(os.environ)

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("WANTED", "wanted")
    executor = ProcessExecutor(home=lab.home / "other", passed_env=["WANTED"])
    try:
        env = Lab(executor, lab.home / "secrets").value_of(look, env={"OWN": "own"})
    finally:
        executor.close()
    assert (env.get("AWS_SECRET_ACCESS_KEY"), env["WANTED"], env["OWN"]) == (None, "wanted", "own")
    assert env["HOME"] == os.environ["HOME"]


def test_no_two_components_draw_the_same_numbers(lab: Lab) -> None:
    def draw() -> dict[str, Any]:
        import random
        import uuid

        return {"random": random.random(), "uuid": str(uuid.uuid4())}  # noqa: S311 - no secret

    drawn = [lab.value_of(draw) for _ in range(3)]
    assert len({one["random"] for one in drawn}) == len({one["uuid"] for one in drawn}) == 3


def test_one_component_leaves_nothing_for_the_next(lab: Lab) -> None:
    def mark() -> dict[str, Any]:
        import os
        import sys

        seen = {"module": "marked" in sys.modules, "env": "MARKED" in os.environ}
        sys.modules["marked"] = sys
        os.environ["MARKED"] = "1"
        return seen

    assert [lab.value_of(mark) for _ in range(2)] == [{"module": False, "env": False}] * 2


def test_variables_read_at_start_take_effect(lab: Lab) -> None:
    def look() -> dict[str, Any]:
        import sys
        from pathlib import Path

        return {"optimized": sys.flags.optimize, "cwd": Path.cwd().name, "seed": hash("a")}

    seen = [lab.value_of(look, env={"PYTHONHASHSEED": "1", "PYTHONOPTIMIZE": "1"}) for _ in range(2)]
    assert seen[0] == seen[1]
    assert (seen[0]["optimized"], seen[0]["cwd"]) == (1, "work")


def boom() -> None:
    raise ValueError("boom\n  twice")


def leave_with_code() -> None:
    import sys

    sys.exit(7)


def leave_with_text() -> None:
    import sys

    sys.exit("no data")


def leave_at_once() -> None:
    import os

    os._exit(3)


def kill_itself() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def no_syntax() -> None:
    exec("def (")  # noqa: S102 - a constant


def interrupt() -> None:
    raise KeyboardInterrupt


def longest_argument() -> int:
    import sys

    return max(map(len, sys.argv))


@pytest.mark.parametrize("env", [pytest.param({}, id="forked"), pytest.param({"PYTHONUTF8": "1"}, id="fresh")])
def test_an_input_may_be_longer_than_a_command_line_takes(lab: Lab, env: dict[str, str]) -> None:
    attempt = lab.component(longest_argument, env=env)
    long = replace(attempt, argv=(*attempt.argv, "--more", "x" * 1_000_000))
    assert lab.executor.run(long) == EXITED_WELL, long.log.read_text()
    assert json.loads((long.directory / "output.json").read_text())["parameterValues"]["Output"] == 1_000_000


@pytest.mark.parametrize("env", [pytest.param({}, id="forked"), pytest.param({"PYTHONUTF8": "1"}, id="fresh")])
@pytest.mark.parametrize(
    ("function", "code", "message"),
    [
        (boom, 1, "ValueError: boom twice"),
        (leave_with_code, 7, "exit code 7"),
        (leave_with_text, 1, "exit code 1: no data"),
        (leave_at_once, 3, "exit code 3"),
        (kill_itself, -9, "killed by SIGKILL"),
        (no_syntax, 1, "SyntaxError: invalid syntax (<string>, line 1)"),
        (interrupt, -2, "killed by SIGINT"),
    ],
)
def test_how_a_component_ends(lab: Lab, function: object, code: int, message: str, env: dict[str, str]) -> None:
    attempt = lab.component(function, env=env)  # type: ignore[arg-type]
    assert lab.executor.run(attempt) == Exit(ending=Ending.EXITED, code=code, message=message)


def test_a_traceback_starts_in_the_sdk_and_shows_the_component_s_lines(lab: Lab) -> None:
    attempt = lab.component(boom)
    lab.executor.run(attempt)
    said = lines(attempt, "stderr")
    assert said[0] == "Traceback (most recent call last):"
    assert "executor_main.py" in said[1]
    assert '    raise ValueError("boom\\n  twice")' in said
    assert said[-2:] == ["ValueError: boom", "  twice"]


def test_exit_functions_run_threads_are_waited_for_and_output_is_flushed(lab: Lab) -> None:
    def leave_work() -> None:
        import atexit
        import sys
        import threading

        go = threading.Event()
        threading.Thread(target=lambda: (go.wait(), print("thread"))).start()
        atexit.register(lambda: sys.stdout.write("exit function"))
        threading.Timer(0.05, go.set).start()

    attempt = lab.component(leave_work)
    assert lab.executor.run(attempt) == EXITED_WELL
    assert lines(attempt)[-2:] == ["thread", "exit function"]


def test_a_component_can_use_processes(lab: Lab) -> None:
    def pool() -> dict[str, Any]:
        import multiprocessing

        with multiprocessing.get_context("spawn").Pool(1) as workers:
            return {"sum": workers.apply(sum, [[1, 2]])}

    assert lab.value_of(pool) == {"sum": 3}


def test_components_run_side_by_side(lab: Lab) -> None:
    def meet() -> None:
        import os
        import time
        from pathlib import Path

        place = Path(os.environ["PLACE"])
        (place / str(os.getpid())).mkdir()
        while len(list(place.iterdir())) < 3:
            time.sleep(0.001)

    place = lab.home / "place"
    place.mkdir()
    attempts = [lab.component(meet, env={"PLACE": str(place)}, timeout_s=20) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lab.executor.run, attempts)) == [EXITED_WELL] * 3


def test_the_engine_never_imports_the_sdk(lab: Lab) -> None:
    import subprocess
    import sys

    code = "import sys, postlude.executors.process.executor; print('kfp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
