"""`postlude compile`, and commands on files that are written with `postlude.dsl`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from postlude.spec.load import load

NESTED = """
from postlude import dsl

@dsl.component(base_image="python:3.11")
def train(epochs: int) -> str:
    raise ValueError("no data")

@dsl.component(base_image="python:3.11")
def alert(status: dsl.PipelineTaskFinalStatus, failures: str = "[]") -> str:
    return f"{status.state} {failures}"

@dsl.component(base_image="python:3.11")
def clean(model: str = "none") -> str:
    return model

@dsl.pipeline(name="nightly")
def nightly(epochs: int = 2):
    "Trains every night."
    with dsl.ExitHandler(alert(failures=dsl.FAILURES)):
        with dsl.ExitHandler(lambda: clean(model=trained.output)):
            trained = train(epochs=epochs)

@dsl.pipeline(name="other")
def other():
    clean()
"""
REFUSED = """
from postlude import dsl

@dsl.component(base_image="python:3.11")
def clean():
    pass

@dsl.pipeline
def nightly():
    with dsl.ExitHandler(clean(), name="guard"):
        pass
"""
COUNTED = "nightly (3 tasks, 2 groups, 2 exit handlers)\n"


def postlude(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "postlude", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240, cwd=directory)


def rewritten(directory: Path, target: str, source: str = "nightly.yaml") -> subprocess.CompletedProcess[str]:
    return postlude(directory, "compile", source, "-o", target)


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which the pipeline was compiled through a link; nothing may change in it."""
    directory = tmp_path_factory.mktemp("nightly")
    (directory / "nightly.py").write_text(NESTED)
    (directory / "real.yaml").write_text("old")
    (directory / "nightly.yaml").symlink_to("real.yaml")
    found = postlude(directory, "compile", "nightly.py", "-o", "nightly.yaml", "--pipeline", "nightly")
    assert (found.returncode, found.stdout, found.stderr) == (0, f"nightly.yaml: {COUNTED}", "")
    return directory


@pytest.fixture
def place(nightly: Path, tmp_path: Path) -> Path:
    """A directory with the compiled pipeline alone."""
    (tmp_path / "nightly.yaml").write_bytes((nightly / "nightly.yaml").read_bytes())
    return tmp_path


def test_yaml_is_the_sdks_own_text_and_a_link_stays_one(nightly: Path) -> None:
    text = (nightly / "real.yaml").read_text()
    assert text.startswith("# PIPELINE DEFINITION\n# Name: nightly\n# Description: Trains every night.\n")
    assert (nightly / "nightly.yaml").is_symlink()
    names = {each.name for each in nightly.iterdir()} - {"__pycache__"}
    assert names == {"nightly.py", "nightly.yaml", "real.yaml"}


def test_every_format_holds_the_same_pipeline(place: Path) -> None:
    again = [rewritten(place, target) for target in ("nightly.json", "again.yml", "-")]
    back = rewritten(place, "back.yaml", "nightly.json")
    texts = [(place / name).read_text() for name in ("nightly.yaml", "nightly.json", "again.yml", "back.yaml")]
    assert [found.returncode for found in (*again, back)] == [0, 0, 0, 0]
    digests = {load(text, name="ir").digest for text in (*texts, again[-1].stdout)}
    assert len(digests) == 1
    assert json.loads(texts[1]) == yaml.safe_load(texts[0])


def test_a_refused_pipeline_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "refused.py").write_text(REFUSED)
    (tmp_path / "kept.yaml").write_text("kept")
    found = postlude(tmp_path, "compile", "refused.py", "-o", "kept.yaml")
    why = "DslError: ExitHandler 'guard' (exit-handler-1): has no tasks. Put a task into it, or drop it."
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == f"refused.py has 1 problem:\n  line 10: {why}\n"
    assert (tmp_path / "kept.yaml").read_text() == "kept"


def test_a_wrong_target_is_refused(place: Path) -> None:
    (place / "directory.yaml").mkdir()
    said = {target: rewritten(place, target).stderr for target in ("a.txt", "no/a.yaml", "directory.yaml")}
    assert said == {
        "a.txt": "a.txt: not a kind of file that holds IR. Name it .yaml or .json, or - for stdout.\n",
        "no/a.yaml": "no/a.yaml: cannot be written (No such file or directory). "
        "Name a file in a directory that you may write to.\n",
        "directory.yaml": "directory.yaml: cannot be written (Is a directory). "
        "Name a file in a directory that you may write to.\n",
    }
    assert sorted(each.name for each in place.iterdir()) == ["directory.yaml", "nightly.yaml"]


def test_json_cannot_hold_a_platform_spec(place: Path) -> None:
    platform = {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": 60}}}}
    with (place / "nightly.yaml").open("a") as file:
        file.write("---\n" + yaml.safe_dump(platform))
    found = rewritten(place, "nightly.json")
    assert found.returncode == 2
    assert found.stderr == "nightly.json: a .json file cannot hold the pipeline's platform spec. Name it .yaml.\n"
    assert not (place / "nightly.json").exists()
    assert rewritten(place, "both.yaml").returncode == 0
    assert load((place / "both.yaml").read_text(), name="ir").timeout_s == 60


def test_a_file_written_with_postlude_dsl_runs(tmp_path: Path) -> None:
    (tmp_path / "nightly.py").write_text(NESTED)
    flags = ("--pipeline", "nightly", "--home", "home", "--json", "--run-url", "http://ui/{run_id}")
    found = postlude(tmp_path, "run", "nightly.py", *flags)
    assert found.returncode == 1, found.stderr
    document = json.loads(found.stdout)
    outputs = {task["path"]: task["outputs"]["parameters"] for task in document["tasks"] if task["outputs"]}
    assert outputs["exit-handler-1/clean"] == {"Output": "none"}
    alerted = outputs["alert"]["Output"]
    assert alerted.startswith('FAILED [{"displayName":"train","message":"ValueError: no data"')
