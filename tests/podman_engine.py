"""A real Podman, for every test that runs containers in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_image import IMAGE, furnish, trial, unavailable

WITHOUT_LIMITS_TO_SET = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
runtime = "runc"
"""
"""For hosts that are containers or small machines themselves: no rlimits to raise, no bridge, both cgroup versions."""

_CLIENT = ("podman",)


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image that Podman really runs here."""
    if not all(map(shutil.which, ("podman", "busybox"))):
        unavailable("needs Debian's podman, runc and busybox-static")
    scratch = tmp_path_factory.mktemp("podman")
    with pytest.MonkeyPatch.context() as patch:
        furnish(_CLIENT, scratch)
        _configure(scratch, patch)
        yield IMAGE


def _configure(scratch: Path, patch: pytest.MonkeyPatch) -> None:
    """Use Podman as it is configured where that works, else with what a restricted machine needs."""
    said = trial(_CLIENT)
    if said:
        configuration = scratch / "containers.conf"
        configuration.write_text(WITHOUT_LIMITS_TO_SET)
        patch.setenv("CONTAINERS_CONF", str(configuration))
        said = trial(_CLIENT)
    if said:
        unavailable(f"podman cannot run a container: {said}")
