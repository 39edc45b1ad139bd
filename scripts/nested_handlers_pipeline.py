"""Exit handlers everywhere, written with `postlude.dsl`. `python nested_handlers_pipeline.py OUT.yaml` compiles it.

What an SDK release does not have is left out, so that the rest stays comparable from release to release.
"""

# ruff: noqa: ANN201 - a component that returns nothing is written without an annotation, as authors write it
import sys

from kfp import compiler

from postlude import dsl


@dsl.component
def number(value: int) -> int:
    return value


@dsl.component
def fail_if(value: int, bad: int) -> int:
    if value == bad:
        raise ValueError(f"bad value {value}")
    return value


@dsl.component
def flag() -> bool:
    return True


@dsl.component
def say(text: str) -> str:
    return text


@dsl.component
def report(status: dsl.PipelineTaskFinalStatus, value: int = -1, text: str = "nothing") -> str:
    return f"{status.state} {status.pipeline_task_name} {value} {text}"


@dsl.pipeline(name="guarded")
def guarded(bad: int):
    with dsl.Condition(bad > 0), dsl.ExitHandler(lambda: report(value=made.output)):
        made = fail_if(value=2, bad=bad)


@dsl.pipeline(name="nested")
def nested(bad: int = 1, n: int = 9, names: list = ["a", "b"]):  # noqa: B006 - the SDK copies a default into the pipeline
    before = say(text="before")
    with dsl.ExitHandler(report(text=f"{before.output}: {dsl.STATUS}"), name="outermost"):
        with dsl.ParallelFor([0, 1, 2]) as item, dsl.ExitHandler(report(value=item)):
            fail_if(value=item, bad=bad)
        with dsl.ExitHandler(lambda: report(value=inner.output, text="inner")) as handler:
            inner = number(value=7)
        say(text="later").after(handler)
        with dsl.Condition(flag().output == 1):
            exit_task = report(text="in a condition")
            with dsl.ExitHandler(exit_task):
                number(value=8)
            say(text=exit_task.output)
        guarded(bad=2)
    # The SDK takes "n" for the list of a loop over "names", and an item in a text for a parameter.
    with dsl.ParallelFor(names) as name, dsl.ExitHandler(report(value=n, text=f"to {name}")):
        number(value=n)
        say(text=f"{name} of {n}")


if __name__ == "__main__":
    compiler.Compiler().compile(nested, sys.argv[1])
