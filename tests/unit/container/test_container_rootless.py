"""Rootless Podman: containers of a user who is not root, with a user made for the test."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from container_lab import attempt, log_lines, put_on_path
from container_person import Person, somebody

from container_image import IMAGE, unavailable
from podman_engine import WITHOUT_LIMITS_TO_SET
from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt, Ending, Exit


@pytest.fixture(scope="module")
def person(podman: str) -> Iterator[Person]:
    """Somebody new, whose Podman has the image of the tests."""
    if shutil.which("newuidmap") is None:
        unavailable("needs Debian's uidmap")
    with somebody() as found:
        _furnish(found, podman)
        yield found
        _leave(found)


def _furnish(person: Person, podman: str) -> None:
    (person.home / "runtime").mkdir(mode=0o700)
    (person.home / "containers.conf").write_text(WITHOUT_LIMITS_TO_SET)
    subprocess.run(["podman", "save", "--quiet", "--output", str(person.home / "image.tar"), podman], check=True)
    for path in (person.home, *person.home.iterdir()):
        os.chown(path, person.uid, person.gid)
    person.do(lambda: _podman("load", "--quiet", "--input", str(person.home / "image.tar")))


def _podman(*arguments: str) -> str:
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _leave(person: Person) -> None:
    """End the process that keeps the user's namespace, and with it the mounts in it."""
    with suppress(FileNotFoundError):
        pause = int((person.home / "runtime/libpod/tmp/pause.pid").read_text())
        os.kill(pause, 9)


@pytest.fixture
def rootless(person: Person) -> Callable[..., tuple[Attempt, Exit]]:
    """Runs a script in a container as that user; gives the attempt and how it ended."""

    def run(script: str, name: str, *, reads: Path | None = None, engine: str = "podman") -> tuple[Attempt, Exit]:
        directory = person.home / name
        given = attempt(
            image=IMAGE,
            argv=("sh", "-c", script),
            directory=directory,
            log=directory / "log",
            env={"OUT": str(directory / "outputs" / "out")},
            executor_input={
                "inputs": {"artifacts": {"given": {"artifacts": [{"uri": str(reads)}] if reads else []}}},
                "outputs": {"parameters": {"out": {"outputFile": f"{directory}/outputs/out"}}},
            },
        )
        return given, person.do(lambda: _ran(given, engine))

    return run


def _ran(given: Attempt, engine: str) -> Exit:
    (given.directory / "outputs").mkdir(parents=True)
    executor = ContainerExecutor(engine, grace_s=0.2, pull=False)
    try:
        return executor.run(given)
    finally:
        executor.close()


def test_what_a_container_writes_is_the_user_s(person: Person, rootless: Callable[..., tuple[Attempt, Exit]]) -> None:
    given, ended = rootless('id -u; umask 077; echo made > "$OUT"', "writes")
    assert ended == Exit(ending=Ending.EXITED, code=0), log_lines(given)
    written = given.directory / "outputs" / "out"
    assert person.do(written.read_text) == "made\n"
    assert (written.stat().st_uid, written.stat().st_mode & 0o777) == (person.uid, 0o600)
    assert "stdout F 0" in log_lines(given)


def test_root_inside_is_the_user_also_where_podman_is_told_to_give_other_numbers(
    person: Person, rootless: Callable[..., tuple[Attempt, Exit]]
) -> None:
    configuration = person.home / "containers.conf"
    usual = configuration.read_text()
    configuration.write_text(usual.replace("[containers]", '[containers]\nuserns = "keep-id"'))
    try:
        given, ended = rootless('echo made > "$OUT"', "maps")
    finally:
        configuration.write_text(usual)
    assert ended == Exit(ending=Ending.EXITED, code=0), log_lines(given)
    assert (given.directory / "outputs" / "out").stat().st_uid == person.uid


def test_a_failure_is_told_and_nothing_is_left(person: Person, rootless: Callable[..., tuple[Attempt, Exit]]) -> None:
    _, ended = rootless("echo no rows >&2; sleep 0.2; exit 3", "fails")
    assert ended == Exit(ending=Ending.EXITED, code=3, message="exit code 3: no rows")
    assert person.do(lambda: _podman("ps", "--all", "--quiet")) == ""


def test_root_inside_has_the_rights_of_the_user_and_no_more(
    person: Person, rootless: Callable[..., tuple[Attempt, Exit]]
) -> None:
    secret = person.home / "of-root"
    secret.write_text("secret")
    secret.chmod(0o600)
    given, ended = rootless(f"cat {secret}", "reads", reads=secret)
    assert (ended.ending, ended.code) == (Ending.EXITED, 1)
    assert any("Permission denied" in line for line in log_lines(given))


def test_what_a_container_writes_is_the_user_s_where_podman_is_called_docker(
    person: Person, rootless: Callable[..., tuple[Attempt, Exit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path("docker", 'exec podman "$@"', person.home, monkeypatch)
    given, ended = rootless('echo made > "$OUT"', "named", engine="docker")
    assert ended == Exit(ending=Ending.EXITED, code=0), log_lines(given)
    assert (given.directory / "outputs" / "out").stat().st_uid == person.uid
