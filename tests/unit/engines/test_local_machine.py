"""What this machine has, read from the files of a kernel that the test lays out."""

import os
from pathlib import Path

import pytest

from postlude.engines.local.machine import Machine, detect
from postlude.engines.local.offering import offer
from postlude.spec.problem import ConfigError

GI = 2**30
CORES = 1000 * len(os.sched_getaffinity(0))
MEMINFO = f"MemTotal:       {8 * 2**20} kB\nMemFree: 1 kB\n"


def kernel(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"proc/meminfo": MEMINFO, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


V2 = "0::/user/session\n"
V1 = "4:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/box\n"


@pytest.mark.parametrize(
    ("files", "cpus", "memory"),
    [
        pytest.param({}, CORES, 8 * GI, id="no-control-groups"),
        pytest.param(
            {
                "proc/self/cgroup": V2,
                "sys/fs/cgroup/user/session/cpu.max": "50000 100000\n",
                "sys/fs/cgroup/user/session/memory.max": f"{2 * GI}\n",
            },
            500,
            2 * GI,
            id="version-2",
        ),
        pytest.param(
            {
                "proc/self/cgroup": V2,
                "sys/fs/cgroup/user/session/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user/session/memory.max": "max\n",
            },
            CORES,
            8 * GI,
            id="version-2-without-limits",
        ),
        pytest.param(
            {"proc/self/cgroup": V2, "sys/fs/cgroup/memory.max": f"{GI}\n"}, CORES, GI, id="limits-above-count-too"
        ),
        pytest.param(
            {
                "proc/self/cgroup": V1,
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "25000\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": f"{3 * GI}\n",
            },
            250,
            3 * GI,
            id="version-1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": V1,
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "9223372036854771712\n",
            },
            CORES,
            8 * GI,
            id="version-1-without-limits",
        ),
        pytest.param(
            {"proc/self/cgroup": "nonsense\n\n:::", "sys/fs/cgroup/memory.max": "lots\n"}, CORES, 8 * GI, id="nonsense"
        ),
    ],
)
def test_processors_and_memory(tmp_path: Path, files: dict[str, str], cpus: int, memory: int) -> None:
    assert detect(kernel(tmp_path, files), {"PATH": ""}) == Machine(millicpus=cpus, memory_bytes=memory)


SMI = "#!/bin/sh\nprintf 'GPU 0: A (UUID: 1)\\nGPU 1: B (UUID: 2)\\n'\n"


@pytest.mark.parametrize(
    ("files", "environment", "devices", "kind"),
    [
        pytest.param(
            {"dev/nvidia0": "", "dev/nvidia10": "", "dev/nvidia2": "", "dev/nvidiactl": ""},
            {},
            ("0", "2", "10"),
            "nvidia.com/gpu",
            id="device-files",
        ),
        pytest.param({"bin/nvidia-smi": SMI}, {}, ("0", "1"), "nvidia.com/gpu", id="nvidia-smi"),
        pytest.param({"bin/nvidia-smi": "#!/bin/sh\nexit 9\n"}, {}, (), "nvidia.com/gpu", id="nvidia-smi-that-fails"),
        pytest.param({"dev/kfd": "", "dev/dri/renderD128": ""}, {}, ("0",), "amd.com/gpu", id="amd"),
        pytest.param({"dev/dri/renderD128": ""}, {}, (), "nvidia.com/gpu", id="a-display-is-no-accelerator"),
        pytest.param(
            {"dev/nvidia0": ""}, {"CUDA_VISIBLE_DEVICES": "3, GPU-a"}, ("3", "GPU-a"), "nvidia.com/gpu", id="variable"
        ),
        pytest.param({"dev/nvidia0": ""}, {"CUDA_VISIBLE_DEVICES": ""}, (), "nvidia.com/gpu", id="empty-variable"),
        pytest.param({"dev/nvidia0": ""}, {"CUDA_VISIBLE_DEVICES": "-1"}, (), "nvidia.com/gpu", id="none-by-minus-one"),
    ],
)
def test_accelerators(
    tmp_path: Path, files: dict[str, str], environment: dict[str, str], devices: tuple[str, ...], kind: str
) -> None:
    root = kernel(tmp_path, files)
    for program in root.glob("bin/*"):
        program.chmod(0o755)
    found = detect(root, {"PATH": str(root / "bin"), **environment})
    assert (found.devices, found.device_type) == (devices, kind)


HERE = Machine(millicpus=2000, memory_bytes=8 * GI, devices=("3",))


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        pytest.param({}, (2000, 8 * GI, ("3",), "nvidia.com/gpu"), id="what-was-found"),
        pytest.param({"cpus": "500m", "memory": "64Gi"}, (500, 64 * GI, ("3",), "nvidia.com/gpu"), id="amounts"),
        pytest.param({"gpus": "0"}, (2000, 8 * GI, (), "nvidia.com/gpu"), id="none"),
        pytest.param({"gpus": "3"}, (2000, 8 * GI, ("3", "0", "1"), "nvidia.com/gpu"), id="more-than-were-found"),
        pytest.param({"gpus": "amd.com/gpu=1"}, (2000, 8 * GI, ("3",), "amd.com/gpu"), id="another-type"),
    ],
)
def test_offer(said: dict[str, str], offered: tuple[object, ...]) -> None:
    found = offer(HERE, **said)
    assert (found.millicpus, found.memory_bytes, found.devices, found.device_type) == offered


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"cpus": "many"}, "cpus: 'many' is not a quantity. Write a number, with a suffix where needed: "),
        ({"cpus": "0"}, "cpus: is 0. Give more than that, or leave it out for what this machine has."),
        ({"memory": "0Gi"}, "memory: is 0Gi. Give more than that, or leave it out for what this machine has."),
        ({"memory": "8GB"}, "memory: '8GB' is not a quantity."),
        ({"gpus": "1.5"}, "gpus: '1.5' is not a whole number."),
        ({"gpus": "=2"}, "gpus: '=2' names no type. Give a number, or TYPE=NUMBER."),
        ({"gpus": "a="}, "gpus: '' is not a quantity."),
        ({"gpus": "2000"}, "gpus: is 2000. Give 1024 or less."),
    ],
)
def test_what_is_no_offer(said: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        offer(HERE, **said)
    assert str(raised.value).startswith(message)
