"""The plugin as pytest meets it: every test here runs a pytest of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "testing.md"
STATUS = {"parameterType": "STRUCT"}
IR = {
    "pipelineInfo": {"name": "demo"},
    "schemaVersion": "2.1.0",
    "root": {"dag": {"tasks": {
        "body": {"componentRef": {"name": "comp-body"}},
        "tell": {
            "componentRef": {"name": "comp-tell"},
            "dependentTasks": ["body"],
            "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            "inputs": {"parameters": {"status": {"taskFinalStatus": {"producerTask": "body"}}}},
        },
    }}},
    "components": {
        "comp-body": {"dag": {"tasks": {"train": {"componentRef": {"name": "comp-train"}}}}},
        "comp-train": {
            "executorLabel": "exec", "outputDefinitions": {"parameters": {"loss": {"parameterType": "NUMBER_DOUBLE"}}},
        },
        "comp-tell": {"executorLabel": "exec", "inputDefinitions": {"parameters": {"status": STATUS}}},
    },
    "deploymentSpec": {"executors": {"exec": {"container": {"image": "alpine", "command": ["false"]}}}},
}  # fmt: skip
OPENING = f"""
import sys, threading, pytest
IR = {IR!r}
"""


def given_pytest(
    directory: Path, tests: str, *arguments: str, conftest: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """What pytest says of a file with these tests."""
    (directory / "test_it.py").write_text(OPENING + dedent(tests))
    (directory / "conftest.py").write_text(conftest)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", str(directory), *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "examples"), "PYTHONWARNINGS": "ignore::FutureWarning", **env}
    variables.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [*command, "test_it.py"], cwd=directory, env=variables, capture_output=True, text=True, check=False, timeout=300
    )


def outcome(done: subprocess.CompletedProcess[str]) -> str:
    """The last line without its time: "1 failed, 2 passed"."""
    return re.sub(r" in [\d.]+s.*", "", done.stdout.splitlines()[-1])


def test_a_failed_test_shows_its_runs_and_a_passed_one_does_not(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        def broken():
            raise ValueError("no disk")

        def test_fails(postlude):
            postlude.simulate(IR, fail="train")
            run = postlude.run(IR, replace={"train": broken, "tell": lambda: None})
            assert run.told("tell").state == "COMPLETE"

        def test_passes(postlude):
            postlude.run(IR, replace={"train": lambda: 1.5, "tell": lambda: None}).assert_succeeded()
        """,
        "-rA",
    )
    assert outcome(done) == "1 failed, 1 passed"
    shown = done.stdout.partition("- postlude: simulated run 1, demo -")[2]
    simulated, real = re.split("-+ postlude: run 2, demo -+", shown)
    assert "Root cause  body/train: an injected failure" in simulated
    for line in (
        r"^├─ ✗ body +\S+$",
        r"^│  └─ ✗ train +\S+  ValueError: no disk$",
        r"^└─ ✓ tell +\S+  exit task of body$",
        r"^  Root cause  body/train: ValueError: no disk$",
        r"^  Exit tasks  tell was told that body is FAILED \(2 UNKNOWN: body/train: ValueError: no disk\)$",
        r"^The log of body/train ends:$",
        r"^  broken stands in for the component, in the test's own process$",
        r"^      raise ValueError\(\"no disk\"\)$",
    ):
        assert re.search(line, real, re.MULTILINE), (line, real)
    assert "demo -" not in real
    assert "postlude logs" not in done.stdout


def test_a_fixture_that_fails_shows_its_runs(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        @pytest.fixture
        def trained(postlude):
            run = postlude.simulate(IR, fail="train")
            assert run.state == "SUCCEEDED"
            return run

        def test_it(trained):
            pass
        """,
    )
    assert (outcome(done), done.stdout.count("- postlude: simulated run 1, demo -")) == ("1 error", 1)


def test_a_failed_check_shows_the_test_and_not_the_plugin(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        def told(status):
            assert status["state"] == "COMPLETE"

        def test_check(postlude):
            postlude.simulate(IR, fail="train").assert_succeeded()

        def test_inside(postlude):
            postlude.run(IR, fail="train", replace={"tell": told})
        """,
    )
    assert outcome(done) == "2 failed"
    assert re.findall(r"^(\S+\.py):\d+: (\w*)", done.stdout, re.MULTILINE) == [
        ("test_it.py", "AssertionError"),
        ("test_it.py", ""),
        ("test_it.py", "AssertionError"),
    ]
    assert done.stdout.count("- postlude: ") == 1  # the check has shown the tree of the other run
    assert "E   AssertionError: the run is FAILED" in done.stdout.replace("       ", "   ")
    assert "AssertionError: assert 'FAILED' == 'COMPLETE'" in done.stdout
    assert "raised in place of a component; the run went on to its end and is FAILED" in done.stdout


def test_every_test_has_a_home_of_its_own(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        import os, pytest
        homes = []

        @pytest.mark.parametrize("number", [1, 2])
        def test_home(postlude, tmp_path, number):
            assert postlude.runs == [] and not postlude.home.exists()
            run = postlude.run(IR, replace={"train": lambda: number, "tell": lambda: None})
            assert run.task("train").outputs["loss"] == number and postlude.runs == [run]
            assert (postlude.home / "postlude.db").exists() and tmp_path in postlude.home.parents
            assert postlude.home not in homes and "POSTLUDE_DATABASE_URL" not in os.environ
            homes.append(postlude.home)

        def test_others(tmp_path):
            assert os.environ["POSTLUDE_DATABASE_URL"].startswith("postgresql:")
        """,
        POSTLUDE_HOME=str(tmp_path / "everybodys"),
        POSTLUDE_DATABASE_URL="postgresql://nobody@nowhere.invalid/everybodys",
    )
    assert (outcome(done), (tmp_path / "everybodys").exists()) == ("3 passed", False)


def test_options_for_all_tests_are_a_fixture(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        import pytest

        @pytest.fixture
        def postlude_options():
            return {"status_words": "sdk", "cache": True}

        def test_words(postlude):
            replace = {"train": lambda: 1, "tell": lambda: None}
            assert postlude.run(IR, replace=replace).told("tell").state == "SUCCEEDED"
            assert postlude.run(IR, replace=replace, status_words="kfp").told("tell").state == "COMPLETE"
        """,
    )
    assert outcome(done) == "1 passed"


def test_a_function_that_outlives_its_test_is_named(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        def test_stuck(postlude):
            stuck = threading.Event()
            run = postlude.run(IR, replace={"train": stuck.wait, "tell": lambda: None}, timeout_s=0.3)
            assert run.task("train").error.code == 4
        """,
    )
    assert outcome(done) == "1 passed, 1 warning"
    said = "StillRunningWarning: still running after the test, since nothing can stop a function: body/train, attempt 1"
    assert said in done.stdout


def test_nothing_is_imported_until_a_test_asks_for_the_fixture(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        def test_modules():
            loaded = {name for name in sys.modules if name.partition(".")[0] == "postlude"}
            assert loaded == {"postlude", "postlude.pytest_plugin"}
            assert not {"kfp", "sqlalchemy", "msgspec", "click", "yaml", "rich"} & set(sys.modules)
        """,
        "-p",
        "no:schemathesis",
    )
    assert outcome(done) == "1 passed"


def test_compiled_pipelines_need_no_sdk(tmp_path: Path) -> None:
    done = given_pytest(
        tmp_path,
        """
        def test_ir(postlude):
            with pytest.raises(ImportError):
                import kfp
            run = postlude.run(IR, fail={"train": "no disk"}, replace={"tell": lambda **given: print(given)})
            assert run.calls("tell")[0]["status"]["error"]["message"] == "body/train: no disk"
            assert postlude.simulate(IR).told("tell").state == "COMPLETE"
        """,
        conftest="import sys; sys.modules['kfp'] = None",
    )
    assert outcome(done) == "1 passed"


def test_the_plugin_can_be_left_out(tmp_path: Path) -> None:
    done = given_pytest(tmp_path, "def test_it(postlude): pass", "-p", "no:postlude")
    assert (outcome(done), "fixture 'postlude' not found" in done.stdout) == ("1 error", True)


def test_reports_of_parallel_workers_show_runs_too(tmp_path: Path) -> None:
    done = given_pytest(tmp_path, "def test_it(postlude): assert postlude.simulate(IR).state == 'FAILED'", "-n1")
    assert (outcome(done), "- postlude: simulated run 1, demo -" in done.stdout) == ("1 failed", True)


def test_what_the_page_shows_passes(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block)
    done = given_pytest(
        tmp_path, "", "-rA", "-k", "block", *sorted(path.name for path in tmp_path.glob("test_block_*"))
    )
    passed = re.findall(r"^PASSED test_block_(\d)", done.stdout, re.MULTILINE)
    assert (outcome(done), passed) == ("7 passed", [*"0000", "2", *"33"]), done.stdout
