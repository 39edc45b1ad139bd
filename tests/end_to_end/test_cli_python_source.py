"""Pipelines in .py files, compiled in a child process of the command."""

import json
import subprocess
import sys
from pathlib import Path

PIPELINE = """
import os, sys
from kfp import dsl
from beside import NAME

print("compiling in", os.path.basename(os.getcwd()))

@dsl.component(base_image="python:3.11")
def say(text: str):
    print(text)

@dsl.pipeline(name=NAME)
def first(text: str = "a"):
    say(text=text)
"""
IMAGE = """
from kfp import dsl

@dsl.container_component
def build():
    return dsl.ContainerSpec(image="gcr.io/tool", command=["build"])
"""
NOTE = (
    "exec-build: runs in the image gcr.io/tool, which needs Docker or Podman; "
    "--containers host runs its command here instead."
)


def validate(directory: Path, file: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "postlude", "validate", file, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, cwd=directory)


def test_a_file_is_compiled_with_its_neighbours_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "beside.py").write_text("NAME = 'named-beside'\n")
    (tmp_path / "flows" / "flow.py").write_text(PIPELINE)
    found = validate(tmp_path, "flows/flow.py")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == 'named-beside: ok (1 task)\n  input text: STRING = "a"\n'


def test_what_a_failing_file_printed_is_shown(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(
        "import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\nraise OSError(5)\n"
    )
    found = validate(tmp_path, "flow.py")
    assert (found.returncode, found.stdout) == (2, "")
    lines = found.stderr.splitlines()
    assert lines[:3] == ["flow.py has 1 problem:", "  line 4: OSError: 5", "  It printed:"]
    assert sorted(lines[3:]) == ["  | to stderr", "  | to stdout"]


def test_a_file_that_ends_the_process_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text("import os\nos._exit(7)\n")
    found = validate(tmp_path, "flow.py")
    said = "flow.py has 1 problem:\n  file: its import ended the compiler's process with exit code 7.\n"
    assert (found.returncode, found.stderr) == (2, said)


def test_an_image_that_needs_an_engine_is_noted(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(IMAGE)
    document = json.loads(validate(tmp_path, "flow.py", "--json").stdout)
    assert (document["ok"], document["tasks"], document["notes"]) == (
        True,
        1,
        [NOTE],
    )


def test_problems_as_json_keep_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("a: 1\n")
    found = validate(tmp_path, "flow.yaml", "--json")
    document = json.loads(found.stdout)
    assert (found.returncode, document["ok"], document["source"]) == (2, False, "flow.yaml")
    assert document["problems"][0]["what"] in found.stderr
