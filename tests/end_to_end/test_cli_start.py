"""What starting the command costs, counted in modules: clocks on shared machines prove nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp import compiler, dsl

HEAVY = (
    "kfp", "sqlalchemy", "alembic", "psycopg", "rich", "prompt_toolkit", "packaging", "yaml", "tarfile", "msgspec",
    "asyncio", "google.protobuf", "obstore", "importlib.metadata", "ssl",
    "postlude.executors.container.executor", "postlude.runtime.faults", "postlude.engines.simulated.scenario",
)  # fmt: skip
IR = {
    "pipelineInfo": {"name": "demo"},
    "schemaVersion": "2.1.0",
    "root": {"dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}}}}},
    "components": {"comp-say": {"executorLabel": "exec-say"}},
    "deploymentSpec": {"executors": {"exec-say": {"container": {"image": "alpine", "command": ["true"]}}}},
}
PROGRAM = """
import json, sys
try:
    {body}
finally:
    print(json.dumps([name for name in {heavy} if name in sys.modules]), file=sys.stderr)
"""


def loaded(body: str, exit_code: int = 0) -> list[str]:
    text = PROGRAM.format(body=body, heavy=HEAVY)
    child = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60)
    assert child.returncode == exit_code, child.stderr
    found: list[str] = json.loads(child.stderr.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("body", "exit_code"),
    [
        pytest.param("import postlude", 0, id="import"),
        pytest.param("from postlude.cli.main import postlude; postlude(['--help'])", 0, id="help"),
        pytest.param("from postlude.cli.main import postlude; postlude(['nonsense'])", 2, id="unknown-command"),
    ],
)
def test_nothing_heavy_is_imported(body: str, exit_code: int) -> None:
    assert loaded(body, exit_code) == []


@pytest.mark.parametrize(
    ("command", "exit_code"), [("validate", 0), ("graph", 0), ("simulate", 0), ("rehearse", 1)], ids=str
)
def test_reading_a_pipeline_needs_neither_sdk_nor_database_nor_rich(
    command: str, exit_code: int, tmp_path: Path
) -> None:
    source = tmp_path / "demo.json"
    source.write_text(json.dumps(IR))
    found = loaded(f"from postlude.cli.main import postlude; postlude([{command!r}, {str(source)!r}])", exit_code)
    assert not set(found) & {"kfp", "sqlalchemy", "alembic", "rich", "google.protobuf"}


def test_running_a_compiled_pipeline_imports_what_it_needs_and_no_more(tmp_path: Path) -> None:
    source, home = tmp_path / "demo.json", tmp_path / "home"
    source.write_text(json.dumps(IR))
    command = ["run", str(source), "--home", str(home), "--containers", "host"]
    found = loaded(f"from postlude.cli.main import postlude; postlude({command!r})")
    assert found == ["msgspec"]


@dsl.component
def greet(name: str) -> str:
    return f"hello {name}"


@dsl.pipeline(name="greeting")
def greeting() -> None:
    greet(name="you")


def test_running_a_python_component_that_asks_for_the_sdk_imports_no_more_than_that(tmp_path: Path) -> None:
    source, home = tmp_path / "greeting.json", tmp_path / "home"
    compiler.Compiler().compile(greeting, str(tmp_path / "greeting.yaml"))
    source.write_text(json.dumps(yaml.safe_load((tmp_path / "greeting.yaml").read_text())))
    command = ["run", str(source), "--home", str(home), "--no-cache"]
    assert loaded(f"from postlude.cli.main import postlude; postlude({command!r})") == ["msgspec"]


def test_yaml_is_parsed_once(tmp_path: Path) -> None:
    source, home = tmp_path / "demo.yaml", tmp_path / "home"
    source.write_text(yaml.safe_dump(IR))
    command = ["run", str(source), "--home", str(home), "--containers", "host"]
    body = f"from postlude.cli.main import postlude; postlude({command!r})"
    assert (loaded(body), loaded(body)) == (["yaml", "msgspec"], ["msgspec"])


def test_a_changed_pipeline_is_parsed_again(tmp_path: Path) -> None:
    source = tmp_path / "demo.yaml"
    found = []
    for name in ("first", "second", "first"):
        source.write_text(yaml.safe_dump({**IR, "pipelineInfo": {"name": name}}))
        command = [sys.executable, "-m", "postlude", "run", str(source), "--json", "--home", str(tmp_path / "home")]
        done = subprocess.run(
            [*command, "--containers", "host"], capture_output=True, text=True, check=True, timeout=60
        )
        found.append(json.loads(done.stdout)["pipeline"])
    assert found == ["first", "second", "first"]


def test_validate_uses_what_runs_have_parsed_and_makes_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, home = tmp_path / "demo.yaml", tmp_path / "home"
    source.write_text(yaml.safe_dump(IR))
    monkeypatch.setenv("POSTLUDE_HOME", str(home))
    validate, run = (
        f"from postlude.cli.main import postlude; postlude({command!r})"
        for command in (["validate", str(source)], ["run", str(source), "--containers", "host"])
    )
    first, made = loaded(validate), home.exists()
    loaded(run)
    assert ("yaml" in first, made, "yaml" in loaded(validate)) == (True, False, False)


def test_help_lists_every_command() -> None:
    text = subprocess.run(
        [sys.executable, "-m", "postlude", "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    listed = [line.split()[0] for line in text.partition("Commands:\n")[2].splitlines()]
    reading = ["validate", "simulate", "rehearse", "compile", "graph", "runs", "show", "logs", "events", "explain"]
    assert listed == ["run", *reading, "cancel", "stop", "resume", "retry", "verify", "gc", "env", "version"]
