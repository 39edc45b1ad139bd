import random
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from kfp import dsl

from postlude.api.compiling import IR_FILE, REPORT_FILE, Report, compile_file, is_component
from postlude.api.source import load_source

HEAD = """
from kfp import dsl

@dsl.component(base_image="python:3.11")
def say(text: str):
    print(text)
"""
ONE = f"""{HEAD}
@dsl.pipeline(name="first-pipeline")
def first():
    say(text="a")
"""
TWO = f"""{ONE}
alias = first

@dsl.pipeline(name="second-pipeline")
def second():
    say(text="b")
"""
PART = f"""{ONE}
@dsl.pipeline(name="third-pipeline")
def third():
    say(text="c")
    first()
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("sys.path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in {*sys.modules} - before:
        if name.startswith("flow"):
            del sys.modules[name]


def compiled(directory: Path, text: str, wanted: str = "") -> str | Report:
    (directory / "flow.py").write_text(text)
    compile_file(directory / "flow.py", wanted, directory)
    report = directory / REPORT_FILE
    if report.exists():
        return msgspec.json.decode(report.read_bytes(), type=Report)
    return load_source(_renamed(directory)).name


def _renamed(directory: Path) -> Path:
    return (directory / IR_FILE).rename(directory / "ir.yaml")


@pytest.mark.parametrize(
    ("text", "wanted", "name"),
    [
        pytest.param(ONE, "", "first-pipeline", id="the-only-pipeline-though-there-is-a-component"),
        pytest.param(HEAD, "", "say", id="a-lone-component"),
        pytest.param(PART, "", "third-pipeline", id="the-only-one-that-is-no-part-of-another"),
        pytest.param(PART, "first", "first-pipeline", id="a-part-by-name"),
        pytest.param(TWO, "second", "second-pipeline", id="by-function"),
        pytest.param(TWO, "alias", "first-pipeline", id="by-another-name-of-it"),
        pytest.param(TWO, "first-pipeline", "first-pipeline", id="by-pipeline-name"),
        pytest.param(TWO, "say", "say", id="a-component-by-name"),
    ],
)
def test_the_pipeline_is_chosen(tmp_path: Path, text: str, wanted: str, name: str) -> None:
    assert compiled(tmp_path, text, wanted) == name


@pytest.mark.parametrize(
    ("text", "wanted", "where", "what"),
    [
        pytest.param(
            TWO, "", "pipelines", "there are 2: first, second. Choose one with --pipeline first.", id="a-choice-to-make"
        ),
        pytest.param(
            TWO, "third", "pipelines", "none is named 'third'. The file has: first, second, say.", id="no-such-name"
        ),
        pytest.param(
            "x = 1",
            "",
            "pipelines",
            "there is none. Decorate a function at the top level of the file with @dsl.pipeline.",
            id="nothing-there",
        ),
        pytest.param(
            HEAD + HEAD.replace("say", "sing"),
            "",
            "pipelines",
            "there is none, and 2 components: say, sing. Decorate a function with @dsl.pipeline, "
            "or choose a component with --pipeline say.",
            id="only-components",
        ),
        pytest.param("x = (", "", "line 1", "'(' was never closed. Python cannot read the file.", id="bad-syntax"),
        pytest.param("\n1 / 0", "", "line 2", "ZeroDivisionError: division by zero", id="a-failing-import"),
        pytest.param(
            "import sys\nsys.exit(3)",
            "",
            "line 2",
            "the file exits (3) when it is imported. Put that under: if __name__ == '__main__'",
            id="an-exit",
        ),
        pytest.param(
            "import nowhere_to_be_found",
            "",
            "line 1",
            f"imports 'nowhere_to_be_found', which {sys.executable} does not have. Install it there, "
            "or import it inside the component that needs it.",
            id="a-missing-package",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, wanted: str, where: str, what: str) -> None:
    assert compiled(tmp_path, text, wanted) == Report(where=where, what=what)


def test_the_sdk_s_own_words_are_kept(tmp_path: Path) -> None:
    report = compiled(tmp_path, ONE.replace('text="a"', "text=1"))
    assert isinstance(report, Report)
    assert report.where == "line 10"
    assert report.what.startswith("InconsistentTypeException: Incompatible argument passed to the input 'text'")


def test_a_file_named_like_a_module_in_use_does_not_take_its_place(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text(ONE)
    compile_file(tmp_path / "random.py", "", tmp_path)
    assert (tmp_path / IR_FILE).exists()
    assert sys.modules["random"] is random


@dsl.component(base_image="python:3.11")
def greet(name: str) -> str:
    return name


@dsl.pipeline(name="in-process")
def greeting(name: str = "you") -> None:
    greet(name=name)


def test_objects_are_compiled_in_process() -> None:
    assert [is_component(value) for value in (greet, greeting, greet.python_func, 3)] == [True, True, False, False]
    assert (load_source(greet).name, load_source(greeting).name) == ("greet", "in-process")
