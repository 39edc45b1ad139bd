"""What the README shows is what a newcomer gets."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text()
VARYING = (
    (r"\S*/runs/", "HOME/runs/"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "RUN"),
    (r"\b(run|logs) [0-9a-f]{8}\b", r"\1 RUN"),
    (r"\b(\d+\.\ds|\d+ms)\b", "TOOK"),
    (r" +", " "),  # a duration's length moves what follows it
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


SHOWN, NOTIFIED = blocks("text")
NESTED, SCRIPT, TEST = blocks("python")


def steady(text: str) -> list[str]:
    """The lines of a text without what differs from run to run."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text.splitlines()


def run(*argv: object, home: Path) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "POSTLUDE_HOME": str(home), "PYTHONPATH": str(EXAMPLES), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=given, cwd=ROOT)


def postlude(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "postlude", *arguments, home=home)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the README's first command was run."""
    home = tmp_path_factory.mktemp("home")
    command = README.partition(".venv/bin/postlude run ")[2].splitlines()[0].split()
    assert postlude("run", *command, home=home).returncode == 1
    return home


def test_readme_shows_nested_handlers_as_an_example_has_them() -> None:
    example = (EXAMPLES / "nested_handlers.py").read_text()

    assert textwrap.indent(NESTED, " " * 8) in example


def test_readme_shows_the_tree_and_the_verdict_of_its_first_command(home: Path) -> None:
    assert steady(postlude("show", home=home).stdout) == steady(SHOWN)


def test_readme_shows_what_the_exit_task_printed(home: Path) -> None:
    logged = steady(postlude("logs", "", "notify", home=home).stdout)
    assert [line for line in logged if line in steady(NOTIFIED)] == steady(NOTIFIED)


def test_readme_second_command_succeeds_with_a_cached_task(home: Path) -> None:
    command = README.partition("\n.venv/bin/postlude run ")[2].splitlines()[0].split()
    done = postlude("run", *command, home=home)
    assert (done.returncode, re.findall(r"(\S+) SUCCEEDED \S+ cached", done.stdout)) == (0, ["exit-handler-1/prepare"])


def test_readme_script_prints_the_loss(home: Path) -> None:
    done = run("-c", SCRIPT, home=home)
    assert (float(done.stdout) < 0.01, done.stderr) == (True, "")


def test_readme_test_passes_under_pytest(tmp_path: Path) -> None:
    test = tmp_path / "test_pipeline.py"
    test.write_text(TEST)
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, test, home=tmp_path / "home")
    assert "1 passed" in done.stdout


def test_readme_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
