"""The measured pipelines, written as their users write them and compiled by the SDK before anything is timed."""

import argparse
from collections.abc import Callable
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


def loop(task: Callable[..., Any]) -> Pipeline:
    """A loop over 50 items."""

    @dsl.pipeline(name="parallel-for-50")
    def pipeline() -> None:
        with dsl.ParallelFor(list(range(50))) as item:
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


def compile_all(directory: Path, *, install_kfp_package: bool) -> None:
    """Compile every case to `<case>.yaml` in a directory, with components that install kfp when they run, or do not."""
    task = dsl.component(number, install_kfp_package=install_kfp_package)
    exit_task = dsl.component(tidy_up, install_kfp_package=install_kfp_package)
    cases = {
        "single": single(task),
        "chain-20": chain(task),
        "independent-100": independent(task),
        "parallel-for-50": loop(task),
        "exit-handler-10": exit_handler(task, exit_task),
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
