"""`postlude simulate`, `postlude rehearse` and injected faults, as real processes and from Python."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kfp import compiler, dsl

import postlude
from postlude import dsl as authored
from postlude.spec.types import Json


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def prepare() -> int:
    return 3


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def train(rows: int) -> float:
    return rows / 2


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def notify(status: dsl.PipelineTaskFinalStatus) -> str:
    return f"{status.state} {status.error_code} {status.error_message}"


@dsl.pipeline(name="nightly")
def watched():
    with dsl.ExitHandler(notify()):
        rows = prepare()
        train(rows=rows.output)


@dsl.pipeline(name="careless")
def careless():
    rows = prepare()
    with dsl.ExitHandler(notify()):
        train(rows=rows.output)


@authored.pipeline(name="each")
def each_watched():
    with authored.ParallelFor([1, 2, 3]), authored.ExitHandler(notify()):
        prepare()


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("ir")
    for each in (watched, careless, each_watched):
        compiler.Compiler().compile(each, str(directory / f"{each.name}.yaml"))
    return directory


@pytest.fixture(scope="module")
def nightly(pipelines: Path) -> Path:
    return pipelines / "nightly.yaml"


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "postlude", *map(str, arguments)]
    given = {**os.environ, **environment}
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, env=given)


def states(document: Json) -> dict[str, str]:
    return {task["path"]: task["state"] for task in document["tasks"]}


# --- simulate ---------------------------------------------------------------------------------------------------------


def test_simulate_says_what_becomes_of_it_and_writes_nothing(nightly: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = command("simulate", nightly, "--fail", "exit-handler-1/train=no disk", POSTLUDE_HOME=str(home))
    assert (done.returncode, done.stderr, home.exists()) == (0, "", False)
    head, _, tail = done.stdout.partition("     status =\n")
    assert head.splitlines() == [
        "✗ nightly            3.0s",
        "├─ ✗ exit-handler-1  2.0s",
        "│  ├─ ✓ prepare      1.0s",
        "│  └─ ✗ train        1.0s  no disk",
        "└─ ✓ notify          1.0s  exit task of exit-handler-1",
        "",
        "✗ FAILED  nightly, simulated: no code ran, each task takes 1 s",
        "  code 2: exit-handler-1/train: no disk",
        "Exit tasks, in the order in which they fire:",
        "  1. notify after exit-handler-1 at 2.0s, SUCCEEDED",
    ]
    assert json.loads(tail)["failures"][0]["task"] == "exit-handler-1/train"


def test_simulate_gives_json(nightly: Path) -> None:
    done = command("simulate", nightly, "--oom", "exit-handler-1/prepare", "--json")
    document = json.loads(done.stdout)
    assert states(document["run"]) == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/prepare": "FAILED",
        "exit-handler-1/train": "UPSTREAM_FAILED",
        "notify": "SUCCEEDED",
    }
    [fired] = document["exit_tasks"]
    assert (fired["path"], fired["payloads"]["status"]["error"]["code"]) == ("notify", 8)


@pytest.mark.parametrize(
    ("arguments", "states_of_train"),
    [
        (["--output", "exit-handler-1/prepare.Output=many"], "UPSTREAM_FAILED"),
        (["--output", "exit-handler-1/prepare.Output=5"], "SUCCEEDED"),
        (["--cancel-at", "exit-handler-1/prepare"], "CANCELED"),
        (["--timeout", "exit-handler-1/train"], "FAILED"),
        (["--run-timeout", "1.5"], "FAILED"),
        (["--delay", "exit-handler-1/prepare=9", "--run-timeout", "5"], "UPSTREAM_FAILED"),
        (["--fail", "exit-handler-1/prepare@2"], "SUCCEEDED"),
    ],
    ids=" ".join,
)
def test_what_simulate_can_be_told(nightly: Path, arguments: list[str], states_of_train: str) -> None:
    done = command("simulate", nightly, "--json", *arguments)
    assert states(json.loads(done.stdout)["run"])["exit-handler-1/train"] == states_of_train


def test_simulate_refuses_paths_that_are_not_there_all_at_once(nightly: Path) -> None:
    wrong = ["--fail", "trian", "--oom", "exit-handler-1", "--output", "notify.text=1", "--cancel-at", "notfy"]
    done = command("simulate", nightly, *wrong, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "the command line has 4 problems:",
        "  --fail trian: the pipeline has no such task. Use exit-handler-1/train.",
        "  --oom exit-handler-1: is a group. Name a leaf: exit-handler-1/prepare, exit-handler-1/train.",
        "  --output notify.text: the task declares no such output. It has: Output.",
        "  --cancel-at notfy: the pipeline has no such task. Use notify.",
    ]


def test_simulate_says_what_had_no_effect(nightly: Path) -> None:
    faults = ["--fail", "exit-handler-1/prepare", "--oom", "exit-handler-1/train"]
    done = command("simulate", nightly, *faults)
    said = "Note: --oom exit-handler-1/train had no effect: it never ran: UPSTREAM_FAILED"
    assert done.stdout.splitlines()[-1] == said


# --- rehearse ---------------------------------------------------------------------------------------------------------


def test_rehearse_passes_where_somebody_is_told_of_every_failure(nightly: Path) -> None:
    done = command("rehearse", nightly)
    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ nightly: somebody is told of every failure (12 cases tried)" in done.stdout.splitlines()


def test_rehearse_fails_where_nobody_is_told(pipelines: Path) -> None:
    done = command("rehearse", pipelines / "careless.yaml", "--only", "fail", "--only", "oom", "--only", "cancel")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "TASK",
        "  MISHAP     RUN       EXIT TASKS AND WHAT THEY ARE TOLD",
        "prepare",
        "  fail, oom  FAILED    notify: FAILED  [nobody is told]",
        "  cancel     CANCELED  [nobody is told]",
        "exit-handler-1/train",
        "  fail, oom  FAILED    notify: FAILED",
        "  cancel     CANCELED  notify: CANCELED",
        "notify",
        "  fail, oom  FAILED    notify: COMPLETE  [nobody is told, nor need be: it is an exit task]",
        "  cancel     CANCELED  notify: COMPLETE  [it is spared]",
        "",
        "✗ careless: nobody is told of 3 failures (9 cases tried)",
        "  prepare: fail, oom, cancel",
    ]


def test_rehearse_counts_exit_tasks_of_iterations_that_are_told_the_same(pipelines: Path) -> None:
    done = command("rehearse", pipelines / "each.yaml", "--only", "fail")
    assert done.stdout.splitlines()[2:4] == [
        "for-loop-2[0]/exit-handler-3/prepare",
        "  fail    FAILED    for-loop-2[0]/notify: FAILED, for-loop-2[*]/notify: COMPLETE (2 times)",
    ]


def test_rehearse_gives_json_and_can_ask_for_more(nightly: Path) -> None:
    done = command("rehearse", nightly, "--json", "--exit-tasks", "--only", "fail")
    document = json.loads(done.stdout)
    left = [case["task"] for case in document["cases"] if case["required"] and not case["handled"]]
    assert (done.returncode, document["ok"], left) == (1, False, ["notify"])


# --- real runs --------------------------------------------------------------------------------------------------------


def test_run_injects_faults_says_so_in_logs_and_warns_of_those_that_never_happened(
    nightly: Path, tmp_path: Path
) -> None:
    home = ["--home", tmp_path]
    faults = ["--fail", "exit-handler-1/train@1=no disk", "--delay", "notify=0.1", "--kill", "notify@2"]
    done = command("run", nightly, "--json", *home, *faults)
    document = json.loads(done.stdout)
    told = next(task for task in document["tasks"] if task["path"] == "notify")
    assert (done.returncode, told["outputs"]["parameters"]["Output"]) == (1, "FAILED 2 exit-handler-1/train: no disk")
    assert done.stderr == "--kill notify@2 had no effect: there was no attempt 2, only 1\n"
    logs = command("logs", document["run_id"], "exit-handler-1/train", *home).stdout
    assert logs == "postlude: injected fault: it is not run, and fails: no disk\n"


def test_retry_does_not_repeat_faults(nightly: Path, tmp_path: Path) -> None:
    home = ["--home", tmp_path]
    first = json.loads(command("run", nightly, "--json", *home, "--kill", "exit-handler-1/train").stdout)
    again = json.loads(command("retry", first["run_id"], "--json", *home).stdout)
    assert (first["error"]["code"], first["state"], again["state"]) == (8, "FAILED", "SUCCEEDED")


def test_run_refuses_what_it_cannot_inject_before_anything_runs(nightly: Path, tmp_path: Path) -> None:
    done = command("run", nightly, "--home", tmp_path / "home", "--kill", "exit-handler-1/trian")
    assert (done.returncode, done.stdout, (tmp_path / "home").exists()) == (2, "", False)
    assert done.stderr.splitlines() == [
        "the command line has 1 problem:",
        (
            "  --kill exit-handler-1/trian: the pipeline has no such task. "
            "Use exit-handler-1/train or exit-handler-1/prepare."
        ),
    ]


def test_nothing_is_reused_for_a_task_with_a_fault(tmp_path: Path) -> None:
    postlude.run(watched, home=tmp_path).raise_for_state()
    assert postlude.run(watched, home=tmp_path).tasks["exit-handler-1/train"].cached
    faulty = postlude.run(watched, home=tmp_path, faults=[postlude.Fault.fail("exit-handler-1/train")])
    assert {path: (task.state, task.cached) for path, task in faulty.tasks.items()} == {
        "exit-handler-1": ("FAILED", False),
        "exit-handler-1/prepare": ("SUCCEEDED", True),
        "exit-handler-1/train": ("FAILED", False),
        "notify": ("SUCCEEDED", False),
    }


def test_python_warns_of_a_fault_that_never_happened(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"^--kill notify@2 had no effect: there was no attempt 2, only 1$"):
        postlude.run(watched, home=tmp_path, faults=[postlude.Fault.kill("notify", attempt=2)])


# --- from Python ------------------------------------------------------------------------------------------------------


def test_simulate_from_python() -> None:
    found = postlude.simulate(
        watched, fail={"exit-handler-1/train": "no disk"}, outputs={"exit-handler-1/prepare.Output": 4}
    )
    payload = found.exit_task("notify").payload
    assert (found.state, payload["state"], payload["error"]["message"]) == (
        "FAILED",
        "FAILED",
        "exit-handler-1/train: no disk",
    )
    assert found.run.tasks["exit-handler-1/train"].inputs == {"rows": 4}


def test_an_exit_task_that_did_not_fire_is_no_exit_task() -> None:
    found = postlude.simulate(watched, cancel_at="exit-handler-1/prepare")
    with pytest.raises(KeyError, match="bye did not fire; those that did: notify"):
        found.exit_task("bye")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fail": "train"}, "  --fail train: the pipeline has no such task. Use exit-handler-1/train."),
        (
            {"oom": ["notify@x"]},
            "  a fault: is not PATH or PATH@ATTEMPT. Write a task's path, and perhaps '@' and a number.",
        ),
        ({"cancel_at": "notfy"}, "  --cancel-at notfy: the pipeline has no such task. Use notify."),
        ({"outputs": {"notify.x": 1}}, "  --output notify.x: the task declares no such output. It has: Output."),
    ],
)  # fmt: skip
def test_simulate_refuses_what_is_not_there(options: Json, said: str) -> None:
    with pytest.raises(postlude.SpecError) as refused:
        postlude.simulate(watched, **options)
    assert str(refused.value).splitlines()[-1] == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers: is 0. Give 1 or more, or None for no limit."),
        ({"failure_policy": "never"}, "failure_policy: is 'never'. Choose one of: slow, fast."),
        ({"timeout_s": -1}, "timeout_s: is -1. Give more than 0, or None for no limit but the pipeline's own."),
        ({"exit_timeout_s": 0}, "exit_timeout_s: is 0. Give more than 0, or None for no limit but the task's own."),
    ],
)
def test_simulate_refuses_options_it_does_not_have(options: Json, said: str) -> None:
    with pytest.raises(postlude.ConfigError) as refused:
        postlude.simulate(watched, **options)
    assert str(refused.value) == said


def test_a_simulation_is_shown_in_a_line() -> None:
    found = postlude.simulate(watched, fail="notify")
    cause = "notify: an injected failure"
    assert repr(found) == f"<Simulation of nightly: FAILED ({cause}), 1 exit task fired>"
    assert repr(found.exit_tasks) == "[<ExitTask notify after exit-handler-1: FAILED, told COMPLETE>]"


def test_a_rehearsal_is_shown_in_a_line() -> None:
    found = postlude.rehearse(careless, only="timeout")
    assert repr(found) == "<Rehearsal of careless: 1 failure unhandled (3 cases tried)>"
    assert repr(found.unhandled) == "[<Case prepare, timeout: FAILED, nobody told>]"


def test_rehearse_refuses_mishaps_that_it_does_not_know() -> None:
    with pytest.raises(postlude.ConfigError) as refused:
        postlude.rehearse(careless, only=["fail", "kill"])
    assert str(refused.value) == "only: is 'kill'. Choose one of: fail, timeout, oom, cancel."


def test_rehearse_from_python() -> None:
    found = postlude.rehearse(careless, only=["timeout"])
    assert ([(case.task, case.mishap.value) for case in found.unhandled], found.ok) == ([("prepare", "timeout")], False)
