"""A real Podman with a small image of its own, for every test that runs containers."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE = "localhost/postlude-test:1"

APPLETS = ("[", "cat", "dd", "echo", "env", "id", "kill", "printf", "pwd", "sh", "sleep", "stat", "touch", "true")

ENTRY = "#!/bin/sh\necho entry point: $# arguments: $@\n"

WITHOUT_LIMITS_TO_SET = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
runtime = "runc"
"""
"""For hosts that are containers or small machines themselves: no rlimits to raise, no bridge, both cgroup versions."""


def unavailable(reason: str) -> None:
    """Where tests must not be left out, a machine without Podman is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image that Podman really runs here."""
    busybox = shutil.which("busybox")
    if shutil.which("podman") is None or busybox is None:
        unavailable("needs Debian's podman, runc and busybox-static")
    assert busybox is not None
    scratch = tmp_path_factory.mktemp("podman")
    with pytest.MonkeyPatch.context() as patch:
        _import_image(_archive(Path(busybox), scratch))
        _configure(scratch, patch)
        yield IMAGE


def _archive(busybox: Path, scratch: Path) -> Path:
    bin_ = scratch / "image" / "bin"
    bin_.mkdir(parents=True)
    (scratch / "image" / "there").mkdir()
    shutil.copy(busybox.resolve(), bin_ / "busybox")
    (bin_ / "entry").write_text(ENTRY)
    (bin_ / "entry").chmod(0o755)
    for applet in APPLETS:
        (bin_ / applet).symlink_to("busybox")
    archive = scratch / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(scratch / "image", arcname=".")
    return archive


def _import_image(archive: Path) -> None:
    changes = ('ENTRYPOINT ["/bin/entry"]', 'CMD ["by", "default"]', "ENV PATH=/bin", "WORKDIR /there")
    done = subprocess.run(
        ["podman", "import", "--quiet", *(f"--change={change}" for change in changes), str(archive), IMAGE],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        unavailable(f"podman cannot import an image: {done.stderr}")


def _configure(scratch: Path, patch: pytest.MonkeyPatch) -> None:
    """Use Podman as it is configured where that works, else with what a restricted machine needs."""
    said = _trial()
    if said:
        configuration = scratch / "containers.conf"
        configuration.write_text(WITHOUT_LIMITS_TO_SET)
        patch.setenv("CONTAINERS_CONF", str(configuration))
        said = _trial()
    if said:
        unavailable(f"podman cannot run a container: {said}")


def _trial() -> str:
    trial = ["podman", "run", "--rm", "--cpus=0.5", "--memory=64m", IMAGE]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""
