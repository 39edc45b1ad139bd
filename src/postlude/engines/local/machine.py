"""What this machine has, as far as this process may use it. What cannot be found out is taken as not limited."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

_NVIDIA: Final = "nvidia.com/gpu"
_AMD: Final = "amd.com/gpu"
_ANSWER_WITHIN_S: Final = 5.0
_PAGES_OF_NO_LIMIT: Final = 2**60
"""Bytes. Kernels with the first version of control groups write no limit as a number of about this size."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        millicpus: Thousandths of a processor.
        devices: Accelerators, as CUDA_VISIBLE_DEVICES names them.
    """

    millicpus: int
    memory_bytes: int
    devices: tuple[str, ...] = ()
    device_type: str = _NVIDIA


NO_MACHINE: Final = Machine(millicpus=0, memory_bytes=0)
"""To check what an operator asks for without looking at the machine."""


def detect(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Machine:
    """Look at the processors, the memory and the accelerators. Never raises, and takes milliseconds.

    Args:
        root: Where the file system begins.
        environment: CUDA_VISIBLE_DEVICES in it is obeyed.
    """
    devices, kind = _devices(root, environment)
    return Machine(millicpus=_millicpus(root), memory_bytes=_memory(root), devices=devices, device_type=kind)


# --- processors and memory --------------------------------------------------------------------------------------------


def _millicpus(root: Path) -> int:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([allowed * 1000, *_cpu_quotas(root)])


def _cpu_quotas(root: Path) -> Iterator[int]:
    for group in _groups(root, "cpu"):
        words = [*_read(group / "cpu.max").split(), "", ""]
        for quota, period in (
            (words[0], words[1]),
            (_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")),
        ):
            if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
                yield max(1, int(quota) * 1000 // int(period))


def _memory(root: Path) -> int:
    return min([_total(root), *_memory_limits(root)])


def _total(root: Path) -> int:
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemTotal":
            return int(amount.split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _memory_limits(root: Path) -> Iterator[int]:
    for group in _groups(root, "memory"):
        for text in (_read(group / "memory.max"), _read(group / "memory.limit_in_bytes")):
            if text.isdecimal() and 0 < int(text) < _PAGES_OF_NO_LIMIT:
                yield int(text)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The control groups that this process is in, for one controller, and those above; of both versions."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        inner = top / path.strip("/")
        yield from (group for group in (inner, *inner.parents) if group.is_relative_to(top))


def _read(path: Path) -> str:
    """What a file of the kernel says; nothing where it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


# --- accelerators -----------------------------------------------------------------------------------------------------


def _devices(root: Path, environment: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    if "CUDA_VISIBLE_DEVICES" in environment:
        named = (one.strip() for one in environment["CUDA_VISIBLE_DEVICES"].split(","))
        return tuple(one for one in named if one and one != "-1"), _NVIDIA
    nvidia = _numbered(root / "dev", "nvidia") or _asked(environment)
    if nvidia:
        return nvidia, _NVIDIA
    amd = _numbered(root / "dev/dri", "renderD") if (root / "dev/kfd").exists() else ()
    return tuple(str(number) for number, _ in enumerate(amd)), _AMD if amd else _NVIDIA


def _numbered(directory: Path, name: str) -> tuple[str, ...]:
    """The numbers of device files, in order."""
    found = (path.name.removeprefix(name) for path in directory.glob(f"{name}[0-9]*"))
    return tuple(sorted((each for each in found if each.isdecimal()), key=int))


def _asked(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What NVIDIA's own program counts, where there is one: in some virtual machines there are no device files."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH", os.defpath))
    if program is None:
        return ()
    try:
        said = subprocess.run(  # noqa: S603 - NVIDIA's own program, found on the operator's PATH
            [program, "--list-gpus"], capture_output=True, text=True, check=False, timeout=_ANSWER_WITHIN_S
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    listed = [line for line in said.stdout.splitlines() if line.startswith("GPU ")]
    return tuple(str(number) for number, _ in enumerate(listed)) if said.returncode == 0 else ()
