"""Docker with a daemon of root, for a user who is not root and may speak to it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from container_lab import attempt, log_lines
from container_person import Person, somebody

from postlude.executors.container.executor import ContainerExecutor
from postlude.ports.executor import Attempt, Ending, Exit

Ran = Callable[..., tuple[Attempt, Exit]]


@pytest.fixture(scope="module")
def person(docker_socket: Path) -> Iterator[Person]:
    """Somebody new, of the group to which the daemon listens."""
    with somebody(docker_socket.stat().st_gid) as found:
        yield found


@pytest.fixture
def ran(person: Person, docker: str) -> Ran:
    """Runs a script in a container as that user; gives the attempt and how it ended."""

    def run(script: str, name: str, *, reads: Path | None = None) -> tuple[Attempt, Exit]:
        directory = person.home / name
        given = attempt(
            image=docker,
            argv=("sh", "-c", script),
            directory=directory,
            log=directory / "log",
            env={"OUT": str(directory / "outputs" / "out")},
            executor_input={
                "inputs": {"artifacts": {"given": {"artifacts": [{"uri": str(reads)}] if reads else []}}},
                "outputs": {"parameters": {"out": {"outputFile": f"{directory}/outputs/out"}}},
            },
        )
        return given, person.do(lambda: _ran(given))

    return run


def _ran(given: Attempt) -> Exit:
    (given.directory / "outputs").mkdir(parents=True)
    executor = ContainerExecutor("docker", grace_s=0.2, pull=False)
    try:
        return executor.run(given)
    finally:
        executor.close()


def test_what_a_container_writes_is_the_user_s(person: Person, ran: Ran) -> None:
    given, ended = ran('id -u; id -g; umask 077; echo made > "$OUT"; busybox mkdir "$OUT.d"', "writes")
    assert (ended, log_lines(given)) == (
        Exit(ending=Ending.EXITED, code=0),
        [f"stdout F {person.uid}", f"stdout F {person.gid}"],
    )
    written = given.directory / "outputs" / "out"
    assert person.do(written.read_text) == "made\n"
    person.do(written.with_suffix(".d").rmdir)
    assert (written.stat().st_uid, written.stat().st_mode & 0o777) == (person.uid, 0o600)


def test_a_home_to_write_to_is_there(person: Person, ran: Ran) -> None:
    given, ended = ran('echo kept > "$HOME/.cache" && cat "$HOME/.cache"', "keeps")
    assert (ended.code, log_lines(given)) == (0, ["stdout F kept"])
    assert (given.directory / "home" / ".cache").stat().st_uid == person.uid


def test_a_program_has_the_rights_of_the_user_and_not_those_of_the_daemon(person: Person, ran: Ran) -> None:
    secret = person.home / "of-root"
    secret.write_text("secret")
    secret.chmod(0o600)
    os.chown(secret, 0, 0)
    given, ended = ran(f"cat {secret}", "reads", reads=secret)
    assert (ended.ending, ended.code) == (Ending.EXITED, 1)
    assert any("Permission denied" in line for line in log_lines(given))


def test_a_failure_is_told(ran: Ran) -> None:
    _, ended = ran("echo no rows >&2; sleep 0.2; exit 3", "fails")
    assert ended == Exit(ending=Ending.EXITED, code=3, message="exit code 3: no rows")
