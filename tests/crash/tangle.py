"""A small pipeline with everything in it that a crash could spoil: `python tangle.py DIRECTORY` compiles it.

Each task leaves its working directory, which names its attempt, in a log; each exit task keeps what it was told.
"""

import sys
from pathlib import Path

from kfp import compiler, dsl


def _shell(script: str, *args: object) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="any", command=["sh", "-euc", f'pwd >> "$0"; {script}'], args=list(args))


@dsl.container_component
def mark(log: str, value: str, result: dsl.OutputPath(str)):
    return _shell('mkdir -p "$(dirname "$2")"; printf %s "$1" > "$2"', log, value, result)


@dsl.container_component
def read(log: str, data: dsl.Input[dsl.Dataset], result: dsl.OutputPath(str)):
    return _shell('mkdir -p "$(dirname "$2")"; cp "$1" "$2"', log, data.path, result)


@dsl.container_component
def write(log: str, data: dsl.Output[dsl.Dataset]):
    return _shell('mkdir -p "$(dirname "$1")"; printf data > "$1"', log, data.path)


@dsl.container_component
def fail_once(log: str, mark: str):
    return _shell('test ! -e "$1" || exit 0; touch "$1"; exit 4', log, mark)


@dsl.container_component
def fail_always(log: str):
    return _shell("echo no luck >&2; exit 3", log)


@dsl.container_component
def tell(log: str, status: dsl.PipelineTaskFinalStatus, told: str):
    return _shell('printf "%s\\n" "$1" >> "$2"', log, status, told)


@dsl.component
def double(log: str, value: int) -> int:
    import os
    from pathlib import Path

    with Path(log).open("a") as file:
        file.write(f"{os.getcwd()}\n")  # noqa: PTH109 - short
    return 2 * value


def _uncached(task: dsl.PipelineTask) -> dsl.PipelineTask:
    return task.set_caching_options(enable_caching=False)


@dsl.pipeline(name="inner")
def inner(log: str, told: str) -> None:
    exit_task = _uncached(tell(log=log, told=told))
    with dsl.ExitHandler(exit_task):
        failed = fail_always(log=log).set_retry(1, backoff_duration="0s")
        mark(log=log, value="never").after(failed)


@dsl.pipeline(name="tangle")
def tangle(log: str, failed_once: str, told_outer: str, told_inner: str, data: str) -> None:
    exit_task = _uncached(tell(log=log, told=told_outer))
    with dsl.ExitHandler(exit_task):
        imported = dsl.importer(artifact_uri=data, artifact_class=dsl.Dataset)
        _uncached(read(log=log, data=imported.output))
        first, second = (_uncached(mark(log=log, value=value)) for value in ("first", "second"))
        _uncached(double(log=log, value=21)).after(first, second)
        _uncached(read(log=log, data=_uncached(write(log=log)).output))
        with dsl.ParallelFor(["a", "b", "c"], parallelism=2) as item:
            _uncached(mark(log=log, value=item))
        _uncached(fail_once(log=log, mark=failed_once)).set_retry(2, backoff_duration="0s")
        mark(log=log, value="warm")
        mark(log=log, value="kept")
        inner(log=log, told=told_inner)


@dsl.pipeline(name="warm")
def warm(log: str) -> None:
    """Puts the outputs of one task of the tangle into the cache."""
    mark(log=log, value="warm")


def main() -> None:
    directory = Path(sys.argv[1])
    for pipeline in (tangle, warm):
        compiler.Compiler().compile(pipeline, str(directory / f"{pipeline.name}.yaml"))


if __name__ == "__main__":
    main()
