"""What a program installs by itself stays in its attempt."""

import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from process_lab import EXITED_WELL, Lab, lines

PACKAGE = "postludepipprobe"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A directory that holds one package, with a script."""
    name = f"{PACKAGE}-1.0"
    with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{PACKAGE}.py", "def main():\n    print('from the script')\n")
        archive.writestr(f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
        archive.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}.dist-info/entry_points.txt", f"[console_scripts]\n{PACKAGE}={PACKAGE}:main\n")
        archive.writestr(f"{name}.dist-info/RECORD", "")
    return tmp_path


def installed() -> set[str]:
    return {str(one.metadata["Name"]) for one in distributions()}


def install(index: Path) -> str:
    return f"python3 -m pip install --quiet --disable-pip-version-check --no-index --find-links {index} {PACKAGE}"


def test_a_program_finds_what_it_installed_and_nobody_else_does(lab: Lab, index: Path) -> None:
    show = f"import {PACKAGE}; print({PACKAGE}.__file__)"
    wrapper = f'({install(index)} || {install(index)} --user) && "$0" "$@"'
    attempt = lab.program("sh", "-c", wrapper, "python3", "-u", "-c", show)
    assert lab.executor.run(attempt) == EXITED_WELL, attempt.log.read_text()
    assert lines(attempt) == [str(attempt.directory / "site-packages" / f"{PACKAGE}.py")]
    assert PACKAGE not in installed()


def test_the_scripts_of_an_installed_package_are_on_the_path(lab: Lab, index: Path) -> None:
    attempt = lab.program("sh", "-c", f"{install(index)} && {PACKAGE}")
    assert lab.executor.run(attempt) == EXITED_WELL, attempt.log.read_text()
    assert lines(attempt) == ["from the script"]


def test_what_the_interpreter_itself_has_is_left_alone(lab: Lab, index: Path) -> None:
    """Another release of an installed package goes beside it, not in its place."""
    name = "pyyaml-0.0.1"
    with zipfile.ZipFile(index / f"{name}-py3-none-any.whl", "w") as archive:
        archive.writestr("yaml.py", "__version__ = '0.0.1'\n")
        archive.writestr(f"{name}.dist-info/METADATA", "Metadata-Version: 2.1\nName: PyYAML\nVersion: 0.0.1\n")
        archive.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}.dist-info/RECORD", "")
    before = {(one.metadata["Name"], one.version) for one in distributions()}
    show = "import yaml; print(yaml.__version__)"
    attempt = lab.program("sh", "-c", f"{install(index)} PyYAML==0.0.1 && python3 -c '{show}'")
    assert lab.executor.run(attempt) == EXITED_WELL, attempt.log.read_text()
    assert lines(attempt) == ["0.0.1"]
    assert {(one.metadata["Name"], one.version) for one in distributions()} == before


def test_a_component_imports_what_it_installs_while_it_runs(lab: Lab, index: Path) -> None:
    def needs_more() -> str:
        import importlib
        import os
        import subprocess
        import sys

        name = "postludepipprobe"
        options = ["--quiet", "--disable-pip-version-check", "--no-index", "--find-links", os.environ["INDEX"]]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, name], check=True)
        return importlib.import_module(name).__name__

    assert lab.value_of(needs_more, env={"INDEX": str(index)}) == PACKAGE
    assert PACKAGE not in installed()


def test_variables_of_the_task_that_name_the_same_thing_are_kept(lab: Lab, tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    attempt = lab.program("sh", "-c", 'echo "$PYTHONPATH"; echo "$PATH"', env=env)
    assert lab.executor.run(attempt) == EXITED_WELL
    site = attempt.directory / "site-packages"
    assert lines(attempt) == [f"{site}:{tmp_path}", f"{site}/bin:/usr/bin:/bin"]
