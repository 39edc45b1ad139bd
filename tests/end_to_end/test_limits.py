"""Limits that authors set are kept on this machine, and what broke them is named to whoever is told."""

from harness import Harness
from kfp import dsl


@dsl.component
def devour() -> int:
    held = []
    while True:
        held.append(bytearray(b"x" * (1 << 20)))


@dsl.container_component
def devour_in_a_shell() -> dsl.ContainerSpec:
    program = "held = []\nwhile True: held.append(bytearray(b'x' * (1 << 20)))"
    return dsl.ContainerSpec(image="python:3.11", command=["python3", "-c", program])


@dsl.component
def modest() -> str:
    return "fine"


@dsl.component
def tell(status: dsl.PipelineTaskFinalStatus) -> str:
    return f"{status.error_code}: {status.error_message}"


@dsl.component
def count_processors() -> int:
    import os

    return len(os.sched_getaffinity(0))


def test_a_task_over_its_memory_limit_fails_with_code_8_and_its_neighbours_succeed(harness: Harness) -> None:
    @dsl.pipeline(name="memory")
    def pipeline() -> None:
        with dsl.ExitHandler(tell()):
            devour().set_memory_limit("256Mi")
            devour_in_a_shell().set_memory_limit("200M")
            modest().set_memory_limit("1Gi")

    result = harness.run(pipeline, containers="host")

    component, program = result.error("exit-handler-1/devour"), result.error("exit-handler-1/devour-in-a-shell")
    assert component is not None
    assert program is not None
    assert (component[0], program[0]) == (8, 8)
    assert component[1].startswith("out of memory: it held ")
    assert component[1].endswith(" MiB, more than its memory limit of 256Mi")
    assert program[1].endswith(" MiB, more than its memory limit of 200M")
    assert result.states_of("exit-handler-1/modest", "tell") == ["SUCCEEDED", "SUCCEEDED"]
    assert result.outputs("tell")["Output"].startswith("8: ")
    assert (result.state, result.code) == ("FAILED", 8)


def test_a_task_sees_as_many_processors_as_its_limit_gives_it(harness: Harness) -> None:
    @dsl.pipeline(name="processors")
    def pipeline() -> None:
        count_processors().set_cpu_limit("500m")

    assert harness.run(pipeline).outputs("count-processors")["Output"] == 1
