"""Large parameters: whole wherever a task or a user reads them, kept once, and small in the journal and documents."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Harness
from kfp import compiler, dsl

MEGABYTES = 10
SIZE = MEGABYTES * 1024 * 1024


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def make(size: int) -> str:
    return "x" * size


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def measure(text: str) -> int:
    return len(text)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def refuse(text: str, gate: str) -> int:
    from pathlib import Path

    if not Path(gate).exists():
        raise RuntimeError("closed")
    return len(text)


@dsl.container_component
def count(text: str):
    return dsl.ContainerSpec(image="busybox", command=["sh", "-c", 'echo "${#1}"', "sh", text])


@dsl.pipeline(name="large")
def large(size: int) -> str:
    made = make(size=size)
    measure(text=made.output)
    measure(text=made.output)
    return made.output


@dsl.pipeline(name="program")
def program(size: int):
    made = make(size=size)
    count(text=made.output)


@dsl.pipeline(name="gated")
def gated(size: int, gate: str):
    made = make(size=size)
    refuse(text=made.output, gate=gate)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def finished(home: Path) -> Any:
    return Harness(home=home).run(large, {"size": SIZE}, cache=False).run


def postlude(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "postlude", *arguments, "--home", str(home)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_every_consumer_and_the_user_get_the_whole_value(finished: Any) -> None:
    assert (finished.tasks["measure"].outputs["Output"], finished.tasks["measure-2"].outputs["Output"]) == (SIZE, SIZE)
    assert finished.outputs["Output"] == "x" * SIZE
    assert finished.tasks["measure"].inputs["text"] == finished.tasks["make"].outputs["Output"] == "x" * SIZE


def test_documents_show_a_reference(finished: Any, home: Path) -> None:
    shown = json.loads(postlude(home, "show", finished.run_id, "--json").stdout)
    reference = shown["outputs"]["Output"]
    assert list(reference) == ["postlude.value/v1"]
    told = reference["postlude.value/v1"]
    assert (told["size_bytes"], told["preview"]) == (SIZE + 2, '"' + "x" * 79)
    assert told["digest"].startswith("sha256:")
    tasks = {task["path"]: task for task in shown["tasks"]}
    assert tasks["measure"]["inputs"]["parameters"] == tasks["measure-2"]["inputs"]["parameters"] == {"text": reference}


def test_the_value_is_kept_once(finished: Any, home: Path) -> None:
    with sqlite3.connect(home / "postlude.db") as database:
        tables = {"journal": "event", "tasks": "document", "runs": "document", "large_values": "content"}
        sizes = {
            table: database.execute(f"SELECT sum(length({column})) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            for table, column in tables.items()
        }
    assert sizes.pop("large_values") == SIZE + 2
    assert sum(sizes.values()) < SIZE / 100


@pytest.mark.parametrize("command", [("verify",), ("events",), ("show",)], ids=lambda command: command[0])
def test_commands_that_read_the_run(command: tuple[str, ...], finished: Any, home: Path) -> None:
    done = postlude(home, *command, finished.run_id)
    assert (done.returncode, len(done.stdout) < 10_000) == (0, True), done.stderr


def test_a_program_cannot_take_it_and_says_so(harness: Harness) -> None:
    result = harness.run(program, {"size": 200_000}, containers="host")
    code, message = result.error("count") or (0, "")
    assert code == 3
    assert message == (
        'argument 4 of its command ("' + "x" * 40 + '") has 200,000 bytes, and a program can be given 131,071 in one '
        "at most (its largest input is 'text' with 200,000 bytes). Pass large values as artifacts, or take them in a "
        "Python component."
    )


def test_a_program_takes_what_fits(harness: Harness) -> None:
    assert harness.run(program, {"size": 131_071}, containers="host").state == "SUCCEEDED"


def test_a_retry_goes_on_with_the_kept_value(tmp_path: Path) -> None:
    home, source, gate = tmp_path / "home", tmp_path / "gated.yaml", tmp_path / "gate"
    compiler.Compiler().compile(gated, str(source))
    arguments = ["-p", f"size={SIZE}", "-p", f"gate={gate}", "--no-cache", "--json"]
    failed = json.loads(postlude(home, "run", str(source), *arguments).stdout)
    gate.touch()
    done = postlude(home, "retry", failed["run_id"], "--json")
    assert done.returncode == 0, done.stderr
    tasks = {task["path"]: task for task in json.loads(done.stdout)["tasks"]}
    assert failed["state"] == "FAILED"
    assert (tasks["make"]["attempts"], tasks["refuse"]["outputs"]["parameters"]) == (1, {"Output": SIZE})
