"""The measured pipelines, written as their users write them and compiled by the SDK before anything is timed."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

Pipeline = Any
"""What `dsl.pipeline` returns."""


def number(value: int) -> int:
    """The least that a Python component can do."""
    return value


def tidy_up(status: dsl.PipelineTaskFinalStatus) -> str:
    """The least that an exit task can do."""
    return str(status.state)


def long_text(megabytes: int) -> str:
    """A large output parameter."""
    return "0123456789abcdef" * (megabytes * 65536)


def length(text: str) -> int:
    """A large input parameter."""
    return len(text)


def write(megabytes: int, data: dsl.Output[dsl.Dataset]) -> None:
    """A large output artifact."""
    with open(data.path, "wb") as file:  # noqa: PTH123 - written as authors of pipelines write
        file.writelines(bytes(1 << 20) for _ in range(megabytes))


def size(data: dsl.Input[dsl.Dataset]) -> int:
    """A large input artifact."""
    import os

    return os.path.getsize(data.path)  # noqa: PTH202 - as above


def single(task: Callable[..., Any]) -> Pipeline:
    """One task."""

    @dsl.pipeline(name="single")
    def pipeline() -> None:
        task(value=1)

    return pipeline


def chain(task: Callable[..., Any]) -> Pipeline:
    """20 tasks, each waiting for the output of the one before."""

    @dsl.pipeline(name="chain-of-20")
    def pipeline() -> None:
        last = task(value=1)
        for _ in range(19):
            last = task(value=last.output)

    return pipeline


def independent(task: Callable[..., Any]) -> Pipeline:
    """100 tasks that wait for nothing."""

    @dsl.pipeline(name="independent-100")
    def pipeline() -> None:
        for value in range(100):
            task(value=value)

    return pipeline


def loop(task: Callable[..., Any], size: int) -> Pipeline:
    """A loop over so many items."""

    @dsl.pipeline(name=f"parallel-for-{size}")
    def pipeline() -> None:
        with dsl.ParallelFor(list(range(size))) as item:
            task(value=item)

    return pipeline


def exit_handler(task: Callable[..., Any], exit_task: Callable[..., Any]) -> Pipeline:
    """10 tasks under an exit handler, whose exit task takes their final status."""

    @dsl.pipeline(name="exit-handler-10")
    def pipeline() -> None:
        with dsl.ExitHandler(exit_task()):
            for value in range(10):
                task(value=value)

    return pipeline


def packages(task: Callable[..., Any]) -> Pipeline:
    """5 tasks, one after another, that need the same package."""

    @dsl.pipeline(name="packages-5")
    def pipeline() -> None:
        last = task(value=1)
        for _ in range(4):
            last = task(value=last.output)

    return pipeline


def parameter(producer: Callable[..., Any], consumer: Callable[..., Any]) -> Pipeline:
    """A text of 10 MB from one task to another."""

    @dsl.pipeline(name="parameter-10mb")
    def pipeline() -> None:
        consumer(text=producer(megabytes=10).output)

    return pipeline


def artifact(producer: Callable[..., Any], consumer: Callable[..., Any]) -> Pipeline:
    """A file of 256 MB from one task to three others."""

    @dsl.pipeline(name="artifact-256mb")
    def pipeline() -> None:
        data = producer(megabytes=256).outputs["data"]
        for _ in range(3):
            consumer(data=data)

    return pipeline


def compile_all(directory: Path, *, install_kfp_package: bool) -> None:
    """Compile every case to `<case>.yaml` in a directory, with components that install kfp when they run, or do not."""
    made = partial(dsl.component, install_kfp_package=install_kfp_package)
    task = made(number)
    cases = {
        "single": single(task),
        "chain-20": chain(task),
        "independent-100": independent(task),
        "parallel-for-50": loop(task, 50),
        "exit-handler-10": exit_handler(task, made(tidy_up)),
        "packages-5": packages(made(number, packages_to_install=["cowsay==6.1"])),
        "parameter-10mb": parameter(made(long_text), made(length)),
        "artifact-256mb": artifact(made(write), made(size)),
        "parallel-for-1000": loop(task, 1000),
    }
    directory.mkdir(parents=True)
    for name, pipeline in cases.items():
        compiler.Compiler().compile(pipeline, str(directory / f"{name}.yaml"))


def main() -> None:
    """Compile both variants into the directories `install` and `plain` of the one named."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    compile_all(directory / "install", install_kfp_package=True)
    compile_all(directory / "plain", install_kfp_package=False)


if __name__ == "__main__":
    main()
