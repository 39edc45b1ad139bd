"""What a task asks for, from its component's words."""

from typing import Any

import pytest

from postlude.core.demand import Demand, demand_of, words_of
from postlude.core.task import Code, TaskError, TaskPath
from run_lab import Rehearsal, constant, pipeline, task

GI = 2**30
CHANNEL = "{{$.inputs.parameters['pipelinechannel--size']}}"


def asked(resources: Any, size: str = "") -> Demand | TaskError:
    """What a task asks for whose program has these resources, and whose input `pipelinechannel--size` is the size."""
    name = "pipelinechannel--size"
    sized = {"executorLabel": "big", "inputDefinitions": {"parameters": {name: {"parameterType": "STRING"}}}}
    run = Rehearsal.of(
        pipeline(
            {"a": task("sized", given={name: constant(size)})},
            {"sized": sized},
            executors={"big": {"container": {"image": "i", "command": ["c"], "resources": resources}}},
        )
    ).run
    return demand_of(run, run.tasks[TaskPath("a")])


@pytest.mark.parametrize(
    ("resources", "demand"),
    [
        pytest.param({}, Demand(), id="nothing"),
        pytest.param(
            {"resourceCpuRequest": "500m", "resourceMemoryRequest": "1Gi"},
            Demand(millicpus=500, memory_bytes=GI),
            id="requests",
        ),
        pytest.param(
            {"resourceCpuLimit": "2", "resourceMemoryLimit": "1G"},
            Demand(millicpus=2000, memory_bytes=10**9),
            id="limits-stand-for-requests",
        ),
        pytest.param(
            {"resourceCpuRequest": "1", "resourceCpuLimit": "4"}, Demand(millicpus=1000), id="a-request-counts-alone"
        ),
        pytest.param(
            {"cpuLimit": 1.5, "memoryLimit": 0.5, "cpuRequest": 1.0, "memoryRequest": 0.25},
            Demand(millicpus=1000, memory_bytes=25 * 10**7),
            id="numbers-of-older-compilers",
        ),
        pytest.param({"resourceCpuRequest": "0", "resourceMemoryLimit": ""}, Demand(), id="zero-is-nothing"),
        pytest.param(
            {"resourceCpuRequest": "0.1m", "resourceMemoryRequest": "1m"},
            Demand(millicpus=1, memory_bytes=1),
            id="parts-are-rounded-up",
        ),
        pytest.param(
            {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "2"}},
            Demand(devices=2, device_type="nvidia.com/gpu"),
            id="accelerators",
        ),
        pytest.param(
            {"accelerator": {"type": "NVIDIA_TESLA_T4", "count": "1"}},
            Demand(devices=1, device_type="NVIDIA_TESLA_T4"),
            id="accelerators-of-older-compilers",
        ),
        pytest.param({"accelerator": {"resourceType": "nvidia.com/gpu"}}, Demand(), id="a-type-alone-asks-for-none"),
    ],
)
def test_demand(resources: Any, demand: Demand) -> None:
    assert asked(resources) == demand


@pytest.mark.parametrize(("size", "amount"), [("2Gi", 2 * GI), ("512M", 512 * 10**6), ("", 0)])
def test_a_value_known_at_run_time_only(size: str, amount: int) -> None:
    assert asked({"resourceMemoryLimit": CHANNEL}, size) == Demand(memory_bytes=amount)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        pytest.param({"resourceMemoryRequest": "1GB"}, "memory request: '1GB' is not a quantity. ", id="no-quantity"),
        pytest.param({"resourceCpuLimit": CHANNEL}, "CPU limit: 'big' is not a quantity. ", id="at-run-time"),
        pytest.param(
            {"resourceCpuRequest": "2", "resourceCpuLimit": "1500m"},
            "CPU request: '2' is above the limit of '1500m'. Raise the limit or ask for less",
            id="a-request-above-its-limit",
        ),
        pytest.param(
            {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "0.5"}},
            "accelerator count: '0.5' is not a whole number",
            id="half-an-accelerator",
        ),
    ],
)
def test_no_demand(resources: Any, message: str) -> None:
    found = asked(resources, "big")
    assert isinstance(found, TaskError)
    assert (found.code, found.message.startswith(message)) == (Code.INVALID_ARGUMENT, True), found.message


def test_words() -> None:
    whole = Demand(millicpus=1000, memory_bytes=3 * GI // 2, devices=1, device_type="nvidia.com/gpu")
    part = Demand(millicpus=250, memory_bytes=100, devices=2)
    assert (list(words_of(whole)), list(words_of(part)), list(words_of(Demand()))) == (
        ["1 CPU", "1.5 GiB of memory", "1 GPU (nvidia.com/gpu)"],
        ["0.25 CPUs", "100 bytes of memory", "2 GPUs"],
        [],
    )
