"""One pipeline with everything that the installed SDK can say. `python sdk_matrix_pipeline.py OUT.yaml` compiles it.

What an SDK release does not have is left out, so that the rest stays comparable from release to release.
"""

# ruff: noqa: ANN201 - a component that returns nothing is written without an annotation, as authors write it
import inspect
import sys
from typing import List, Optional  # noqa: UP035 - the words that every SDK release reads

from kfp import compiler, dsl
from kfp.dsl import Dataset, Input, Output

HAS_COLLECTED = hasattr(dsl, "Collected")
HAS_BRANCHES = hasattr(dsl, "If")
HAS_ONE_OF = hasattr(dsl, "OneOf")


@dsl.component
def count_to(last: int) -> List[int]:  # noqa: UP006 - as above
    return list(range(1, last + 1))


@dsl.component
def double(n: int) -> int:
    return 2 * n


@dsl.component
def add_up(values: List[int]) -> int:  # noqa: UP006 - as above
    return sum(values)


@dsl.component
def label(who: str, age: str) -> str:
    return f"{who} is {age}"


@dsl.component
def choose(word: str) -> str:
    return word


@dsl.component
def take(branch: str) -> str:
    return branch


@dsl.component
def relay(word: str) -> str:
    return word.upper()


@dsl.component
def greet(name: str = "you", title: Optional[str] = None) -> str:  # noqa: UP045 - as above
    return f"{title or 'dear'} {name}"


@dsl.component
def write(text: str, data: Output[Dataset]):
    with open(data.path, "w") as file:  # noqa: PTH123 - as authors write
        file.write(text)
    data.metadata["length"] = len(text)


@dsl.component
def read(data: Input[Dataset]) -> str:
    with open(data.path) as file:  # noqa: PTH123 - as authors write
        return file.read()


@dsl.component
def breaks(message: str):
    raise ValueError(message)


@dsl.component
def report(status: dsl.PipelineTaskFinalStatus) -> str:
    name = status.pipeline_task_name
    return f"{status.state} {status.error_code} {name}: {status.error_message}"


@dsl.container_component
def shout(word: str, loud: dsl.OutputPath(str)):
    script = 'mkdir -p "$(dirname "$1")" && printf "%s!" "$0" > "$1"'
    return dsl.ContainerSpec(image="busybox", command=["sh", "-c", script], args=[word, loud])


def branches(word: str):
    """If / Elif / Else where the SDK has them, and a OneOf of what they give."""
    if not HAS_BRANCHES:
        with dsl.Condition(word == "heads"):
            take(branch="first")
        with dsl.Condition(word == "tails"):
            take(branch="second")
        return
    with dsl.If(word == "heads"):
        first = take(branch="first")
    with dsl.Elif(word == "tails"):
        second = take(branch="second")
    with dsl.Else():
        third = take(branch="third")
    if HAS_ONE_OF:
        relay(word=dsl.OneOf(first.output, second.output, third.output))


def keyed(task: dsl.PipelineTask):
    """A cache key of the author's own, where the SDK has it."""
    if "cache_key" in inspect.signature(task.set_caching_options).parameters:
        task.set_caching_options(True, cache_key="by hand")


@dsl.pipeline(name="matrix")
def matrix(path: str, last: int = 3, word: str = "tails") -> int:
    with dsl.ExitHandler(report(), name="guarded"):
        numbers = count_to(last=last)
        with dsl.ParallelFor(numbers.output, parallelism=2) as number:
            doubled = double(n=number)
        if HAS_COLLECTED:
            add_up(values=dsl.Collected(doubled.output))
        with dsl.ParallelFor([{"who": "ann", "age": 7}, {"who": "bob", "age": 8}]) as item:
            label(who=item.who, age=item.age)
        branches(choose(word=word).set_caching_options(False).output)
        imported = dsl.importer(artifact_uri=path, artifact_class=Dataset, reimport=False)
        read(data=imported.output).set_display_name("read what was imported")
        read(data=write(text="kept").outputs["data"])
        greet(title="Dr.")
        shout(word="hello")
        breaks(message="on purpose").set_retry(2, backoff_duration="0s")
    keyed(greet(name="outside"))
    return add_up(values=[1, 2, 3]).output


if __name__ == "__main__":
    compiler.Compiler().compile(matrix, sys.argv[1])
