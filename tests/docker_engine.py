"""A real Docker, for every test that runs containers in it: the one that answers, or a daemon of the tests' own."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from container_image import IMAGE, furnish, trial, unavailable

_STARTS_WITHIN_S = 60

_WITH_LITTLE_TO_ASK_OF_THE_MACHINE = (
    "--storage-driver=vfs",  # a directory for each container, on any file system
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--oom-score-adjust=0",  # less than that is a right that containers do not have
)


@pytest.fixture(scope="session")
def docker_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a Docker that has the image of the tests is spoken to; "" where clients find it by themselves."""
    if not all(map(shutil.which, ("docker", "busybox"))):
        _missing("needs Debian's docker.io and busybox-static")
    scratch = tmp_path_factory.mktemp("docker")
    if _answers(""):
        _furnish("", scratch)
        yield ""
        return
    if os.geteuid() or not all(map(shutil.which, ("dockerd", "setpriv"))):
        _missing("needs a Docker that answers, or root and Debian's docker.io to start one")
    with tempfile.TemporaryDirectory(prefix="postlude-docker-", dir="/tmp") as directory, _daemon(directory) as host:
        Path(directory).chmod(0o711)  # the way to its socket
        _furnish(host, scratch)
        yield host


@pytest.fixture(scope="session")
def docker_socket(docker_host: str) -> Path:
    """The socket on which the daemon listens."""
    where = docker_host or os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return Path(where.removeprefix("unix://"))


@pytest.fixture(scope="module")
def docker(docker_host: str) -> Iterator[str]:
    """The name of an image that Docker really runs here; clients speak to that Docker while the module is tested."""
    with pytest.MonkeyPatch.context() as patch:
        if docker_host:
            patch.setenv("DOCKER_HOST", docker_host)
        yield IMAGE


def _missing(reason: str) -> None:
    """Root can have a Docker wherever it can be installed; other users have one only if somebody gives it to them."""
    if os.geteuid():
        pytest.skip(reason)
    unavailable(reason)


@contextmanager
def _daemon(directory: str) -> Iterator[str]:
    """A daemon that keeps everything in the directory, whose path is short, as a socket's must be."""
    host, log = f"unix://{directory}/docker.sock", Path(directory, "log")
    command = [
        "setpriv", "--pdeathsig=TERM", "dockerd", *_WITH_LITTLE_TO_ASK_OF_THE_MACHINE, f"--host={host}",
        f"--data-root={directory}/data", f"--exec-root={directory}/exec", f"--pidfile={directory}/pid",
    ]  # fmt: skip
    with log.open("wb") as written, subprocess.Popen(command, stdout=written, stderr=written) as daemon:
        try:
            _wait_until_it_answers(host, daemon, log)
            yield host
        finally:
            daemon.terminate()


def _wait_until_it_answers(host: str, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    pause = threading.Event()
    for _ in range(_STARTS_WITHIN_S * 10):
        if _answers(host):
            return
        if daemon.poll() is not None:
            break
        pause.wait(0.1)
    unavailable(f"dockerd does not start: {log.read_text()[-2000:]}")


def _answers(host: str) -> bool:
    asking = [*_client(host), "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asking, capture_output=True, check=False).returncode == 0


def _furnish(host: str, scratch: Path) -> None:
    furnish(_client(host), scratch)
    if said := trial(_client(host)):
        unavailable(f"docker cannot run a container: {said}")


def _client(host: str) -> tuple[str, ...]:
    return ("docker", f"--host={host}") if host else ("docker",)
