"""The image of the tests, made from scratch of what this machine has: no registry is asked."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

IMAGE = "localhost/postlude-test:1"

APPLETS = ("[", "cat", "dd", "echo", "env", "id", "kill", "printf", "pwd", "sh", "sleep", "stat", "touch", "true")

ENTRY = "#!/bin/sh\necho entry point: $# arguments: $@\n"

CHANGES = ('ENTRYPOINT ["/bin/entry"]', 'CMD ["by", "default"]', "ENV PATH=/bin", "WORKDIR /there")
"""What the image says of itself, in the words of a Dockerfile."""

_LABEL = "postlude.test-image"


def unavailable(reason: str) -> None:
    """Where tests must not be left out, a machine without a container engine is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def furnish(client: Sequence[str], scratch: Path) -> None:
    """Give an engine the image, unless it has this very one: each import would leave the one before it behind.

    Args:
        client: The engine's client and the options that it always gets.
        scratch: An empty directory.
    """
    busybox = Path(shutil.which("busybox") or "").resolve()
    made_of = _digest(busybox)
    look = ("image", "inspect", "--format", f'{{{{index .Config.Labels "{_LABEL}"}}}}', IMAGE)
    if _called(client, *look).stdout.strip() == made_of:
        return
    changes = (f"--change={change}" for change in (*CHANGES, f"LABEL {_LABEL}={made_of}"))
    done = _called(client, "import", *changes, str(_archive(busybox, scratch)), IMAGE)
    if done.returncode:
        unavailable(f"{client[0]} cannot import an image: {done.stderr}")


def trial(client: Sequence[str]) -> str:
    """Why the engine cannot run the image with limits; "" where it can."""
    done = _called(client, "run", "--rm", "--cpus=0.5", "--memory=64m", IMAGE)
    return done.stderr if done.returncode else ""


def _called(client: Sequence[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*client, *arguments], capture_output=True, text=True, check=False)


def _digest(busybox: Path) -> str:
    return hashlib.sha256(busybox.read_bytes() + repr((APPLETS, ENTRY, CHANGES)).encode()).hexdigest()


def _archive(busybox: Path, scratch: Path) -> Path:
    bin_ = scratch / "image" / "bin"
    bin_.mkdir(parents=True)
    (scratch / "image" / "there").mkdir()
    shutil.copy(busybox, bin_ / "busybox")
    (bin_ / "entry").write_text(ENTRY)
    (bin_ / "entry").chmod(0o755)
    for applet in APPLETS:
        (bin_ / applet).symlink_to("busybox")
    archive = scratch / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(scratch / "image", arcname=".")
    return archive
