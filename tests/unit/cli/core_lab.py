"""Plays runs on the core alone: every attempt that is asked for succeeds at once, unless it is to fail."""

from collections.abc import Collection, Sequence

from cli_ir import pipeline
from msgspec.structs import replace

from postlude.core.draft import Step
from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import Code, Event, Failed, Outputs, Start, Started, Succeeded, TaskError, TaskPath
from postlude.spec.load import load
from postlude.spec.types import Container, Json, Pipeline

PARAMETER_N: Json = {"parameters": {"n": {"parameterType": "NUMBER_INTEGER", "isOptional": True}}}
OUT: Json = {"parameters": {"out": {"parameterType": "NUMBER_INTEGER"}}}


def loaded(tasks: dict[str, Json], components: dict[str, Json] | None = None, **inputs: Json) -> Pipeline:
    """A pipeline over `comp-a`, which takes `n` and gives `out`, and the given components."""
    component = {"executorLabel": "exec-a", "inputDefinitions": PARAMETER_N, "outputDefinitions": OUT}
    return load([pipeline(tasks, {"comp-a": component, **(components or {})}, **inputs)], name="the test's pipeline")


def from_task(key: str) -> Json:
    """An input `n` that is the output of a task."""
    return {"parameters": {"n": {"taskOutputParameter": {"producerTask": key, "outputParameterKey": "out"}}}}


def constant(value: int) -> Json:
    return {"parameters": {"n": {"runtimeValue": {"constant": value}}}}


def played(given: Pipeline, *, failing: Collection[str] = (), out: int = 1) -> Run:
    """A run of the pipeline, to its end."""
    first = begin(given, Settings(run_id="r", name="demo", created_at=0.0))
    return finished(first, failing=failing, out=out)[0]


def with_program(given: Pipeline, program: str) -> Pipeline:
    """The pipeline with another command in its one executor."""
    executor = given.executors["exec-a"]
    assert isinstance(executor, Container)
    return replace(given, executors={"exec-a": replace(executor, command=(program,))})


def finished(step: Step, *, failing: Collection[str] = (), out: int = 1) -> tuple[Run, list[TaskPath]]:
    """The run at its end, and the paths that ran until then, in order."""
    run, waiting = step.run, [*step.commands]
    ran: list[TaskPath] = []
    while waiting:
        command = waiting.pop(0)
        if isinstance(command, Start):
            ran.append(command.path)
            for event in _attempt(command, failing, out):
                after = advance(run, event)
                run = after.run
                waiting += after.commands
    return run, ran


def _attempt(start: Start, failing: Collection[str], out: int) -> Sequence[Event]:
    at, (path, attempt) = 1.0, (start.path, start.attempt)
    began = Started(path=path, attempt=attempt, at=at)
    if path in failing:
        error = TaskError(code=Code.UNKNOWN, message="exit 1")
        return began, Failed(path=path, attempt=attempt, at=at, error=error)
    return began, Succeeded(path=path, attempt=attempt, at=at, outputs=Outputs(parameters={"out": out}))


def states(run: Run) -> dict[str, str]:
    return {path: task.state.value for path, task in run.tasks.items() if path}
