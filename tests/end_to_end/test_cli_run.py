"""`postlude run` and the commands that read what it leaves, as real processes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kfp import compiler, dsl

from postlude.spec.types import Json


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def train(rows: int, seconds: float):
    import sys
    import time

    print(f"say: training on {rows} rows", flush=True)
    print("say: a warning", file=sys.stderr, flush=True)
    time.sleep(seconds)
    if rows < 1:
        raise ValueError("the table has 0 rows")


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def notify(seconds: float, status: dsl.PipelineTaskFinalStatus):
    import time

    print("say: told", status.state, status.error_code, flush=True)
    time.sleep(seconds)


@dsl.pipeline(name="train-and-notify")
def demo(rows: int, seconds: float = 0.0, notify_seconds: float = 0.0):
    with dsl.ExitHandler(notify(seconds=notify_seconds)):
        train(rows=rows, seconds=seconds).set_caching_options(enable_caching=False)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("ir") / "demo.yaml"
    compiler.Compiler().compile(demo, str(target))
    return target


def argv(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "postlude", *map(str, arguments)]


def postlude(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **environment}
    return subprocess.run(argv(*arguments), capture_output=True, text=True, check=False, timeout=120, env=given)


@pytest.fixture(scope="module")
def home(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one failed run."""
    home = tmp_path_factory.mktemp("home")
    assert postlude("run", pipeline, "--home", home, "-p", "rows=0", "--name", "nightly").returncode == 1
    return home


def shown(home: Path, *arguments: str) -> Json:
    return json.loads(postlude("show", *arguments, "--json", "--home", home).stdout)


def test_a_failed_run_prints_events_and_the_verdict(pipeline: Path, tmp_path: Path) -> None:
    run = postlude("run", pipeline, "--home", tmp_path, "-p", "rows=0")
    assert (run.returncode, run.stderr) == (1, "")
    lines = [re.sub(r"^\d\d:\d\d:\d\d |\b\d+(\.\d+)?m?s\b", "", line) for line in run.stdout.splitlines()]
    assert lines[:5] == [
        "exit-handler-1/train RUNNING",
        "exit-handler-1/train FAILED  ValueError: the table has 0 rows",
        "exit-handler-1 FAILED ",
        "notify RUNNING",
        "notify SUCCEEDED ",
    ]
    assert lines[5].startswith("✗ FAILED  train-and-notify in ")
    assert lines[6] == "  Root cause  exit-handler-1/train: ValueError: the table has 0 rows"
    assert re.fullmatch(r"              postlude logs [0-9a-f]{8} 'exit-handler-1/train'", lines[8])
    told = "exit-handler-1 is FAILED (2 UNKNOWN: exit-handler-1/train: ValueError: the table has 0 rows)"
    assert lines[9] == f"  Exit tasks  notify was told that {told}"


def test_a_success_is_exit_code_0_and_json_is_one_document_that_show_repeats(pipeline: Path, tmp_path: Path) -> None:
    run = postlude("run", pipeline, "--home", tmp_path, "-p", "rows=1", "--json")
    document = json.loads(run.stdout)
    assert (run.returncode, run.stderr, document["schema"], document["state"]) == (
        0,
        "",
        "postlude.run/v1",
        "SUCCEEDED",
    )
    assert shown(tmp_path) == shown(tmp_path, document["run_id"][:6]) == document


def test_json_of_a_failed_run_is_one_document(pipeline: Path, tmp_path: Path) -> None:
    run = postlude("run", pipeline, "--home", tmp_path, "-p", "rows=0", "--json")
    assert (run.returncode, json.loads(run.stdout)["state"]) == (1, "FAILED")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param([], "required", id="missing"),
        pytest.param(
            ["-p", "rows=x"], "-p rows=x: the value is not JSON, and 'rows' is a NUMBER_INTEGER.", id="not-json"
        ),
        pytest.param(["-p", "rows=1", "-p", "row=1"], "row", id="unknown"),
        pytest.param(["-p", "rows=1", "--params", "none.json"], "none.json: cannot be read", id="no-such-file"),
        pytest.param(["-p", "rows=1", "--workers", "0"], "Invalid value for '--workers'", id="no-workers"),
        pytest.param(["-p", "rows=1", "--containers", "lxc"], "'lxc' is not one of 'auto'", id="unknown-engine"),
    ],
)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_what_is_refused_is_said_on_stderr_with_exit_code_2(
    pipeline: Path, tmp_path: Path, given: list[str], said: str, as_json: tuple[str, ...]
) -> None:
    run = postlude("run", pipeline, "--home", tmp_path, *given, *as_json)
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    run = postlude("run", tmp_path / "none.yaml", "--home", tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert "none.yaml: there is no such file." in run.stderr


def test_params_from_a_file(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("rows: 0\nseconds: 0\n")
    run = postlude("run", pipeline, "--home", tmp_path, "--params", tmp_path / "params.yaml", "-p", "rows=1", "--json")
    document = json.loads(run.stdout)
    assert next(task for task in document["tasks"] if task["path"] == "exit-handler-1/train")["state"] == "SUCCEEDED"


# --- cancel -----------------------------------------------------------------------------------------------------------


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the run ended without {text!r}")


def started(pipeline: Path, home: Path, *arguments: str) -> subprocess.Popen[str]:
    command = argv("run", pipeline, "--home", home, "-p", "rows=1", *arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_run_and_exit_tasks_still_run(pipeline: Path, tmp_path: Path, number: int) -> None:
    with started(pipeline, tmp_path, "-p", "seconds=20") as process:
        wait_for(process, "train RUNNING")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("Canceling: running tasks are stopped, exit tasks still run.")) == (130, 1)
    assert "notify SUCCEEDED" in out
    assert "■ CANCELED  train-and-notify" in out
    assert "notify was told that exit-handler-1 is CANCELED (1 CANCELLED" in out


def test_a_second_signal_stops_exit_tasks_too(pipeline: Path, tmp_path: Path) -> None:
    with started(pipeline, tmp_path, "-p", "seconds=20", "-p", "notify_seconds=20") as process:
        for line in ("train RUNNING", "notify RUNNING"):
            wait_for(process, line)
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, "Stopping everything, exit tasks included." in err) == (130, True)
    assert "notify CANCELED" in out


def test_a_reader_that_leaves_does_not_end_the_run(pipeline: Path, tmp_path: Path) -> None:
    with started(pipeline, tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(timeout=60), shown(tmp_path)["state"]) == (0, "SUCCEEDED")


# --- on a terminal ----------------------------------------------------------------------------------------------------


def on_terminal(*arguments: object, **environment: str) -> str:
    """Everything the command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    size = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    given = {**{key: value for key, value in os.environ.items() if key != "NO_COLOR"}, **size, **environment}
    with subprocess.Popen(argv(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=given):
        os.close(theirs)
        written = b"".join(_until_closed(ours))
    os.close(ours)
    return written.decode()


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # what Linux reports when the other side is closed
            return
        if not chunk:
            return
        yield chunk


def test_a_terminal_gets_a_live_tree_then_tree_and_verdict_in_colour(pipeline: Path, tmp_path: Path) -> None:
    written = on_terminal("run", pipeline, "--home", tmp_path, "-p", "rows=0", "-p", "seconds=0.5")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    assert "● exit-handler-1" in plain
    assert re.search(r"✗ train +\d+(\.\d+)?m?s +ValueError: the table has 0 rows", plain)
    assert "✗ FAILED  train-and-notify in" in plain
    assert "\x1b[1;31m" in written


def test_no_color_is_respected(home: Path) -> None:
    text = on_terminal("show", "--home", home, NO_COLOR="1")
    assert "✗ FAILED" in text
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


# --- what is left -----------------------------------------------------------------------------------------------------


def test_show_draws_the_tree_and_the_verdict(home: Path) -> None:
    lines = postlude("show", "--home", home).stdout.splitlines()
    assert [re.sub(r" +\d+(\.\d+)?m?s\b", "", line).rstrip() for line in lines[:4]] == [
        "✗ train-and-notify",
        "├─ ✗ exit-handler-1",
        "│  └─ ✗ train  ValueError: the table has 0 rows",
        "└─ ✓ notify  exit task of exit-handler-1",
    ]
    assert lines[5].startswith("✗ FAILED  train-and-notify in ")


def test_runs_lists_them(home: Path) -> None:
    header, row = postlude("runs", "--home", home).stdout.splitlines()
    assert header.split() == ["RUN", "PIPELINE", "STATE", "STARTED", "DURATION"]
    assert re.fullmatch(r"[0-9a-f]{8} +train-and-notify +FAILED +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\S+", row.rstrip())


def test_runs_as_json(home: Path) -> None:
    document = json.loads(postlude("runs", "--home", home, "--json").stdout)
    assert [(run["pipeline"], run["state"]) for run in document["runs"]] == [("train-and-notify", "FAILED")]


def test_no_runs_yet(tmp_path: Path) -> None:
    assert postlude("runs", "--home", tmp_path).stdout == "No runs yet. `postlude run SOURCE` makes one.\n"
    assert postlude("show", "--home", tmp_path).returncode == 2


def written(*arguments: object) -> list[str]:
    """What the components themselves wrote; the SDK's executor writes to the same log."""
    logs = postlude("logs", *arguments)
    assert logs.returncode == 0, logs.stderr
    return [line for line in logs.stdout.splitlines() if "say: " in line]


@pytest.mark.parametrize("task", ["exit-handler-1/train", "train", "exit-handler-1"])
def test_logs_of_one_task_are_what_it_wrote(home: Path, task: str) -> None:
    lines = written("", task, "--home", home)
    assert lines == ["say: training on 0 rows", "say: a warning"]


def test_logs_of_all_tasks_say_whose_they_are(home: Path) -> None:
    lines = written("--home", home)
    assert (lines[0], lines[-1]) == ("[exit-handler-1/train] say: training on 0 rows", "[notify] say: told FAILED 2")


def test_logs_with_timestamps(home: Path) -> None:
    (line,) = written("", "notify", "--timestamps", "--home", home)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 say: told FAILED 2", line)


def test_logs_of_an_attempt(home: Path) -> None:
    assert written("", "notify", "--attempt", "1", "--home", home) == ["say: told FAILED 2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "trian"], "has no task 'trian'. There are: exit-handler-1, exit-handler-1/train, notify."),
        (["", "notify", "--attempt", "2"], "notify: has no attempt 2; it had 1. Choose one of them with --attempt."),
        (["zz"], "no run starts with 'zz'"),
    ],
)
def test_logs_that_are_not_there(home: Path, arguments: list[str], said: str) -> None:
    refused = postlude("logs", *arguments, "--home", home)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
