"""Small pipelines as plain IR, and runs of them that a test drives by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import (
    NO_OUTPUTS,
    CancelRequested,
    Code,
    Command,
    Event,
    Failed,
    Outputs,
    Started,
    Succeeded,
    TaskError,
    TaskPath,
)
from postlude.spec.load import load
from postlude.spec.types import Pipeline

Json = Any
COMPLETED = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
STATUS = {"inputs": {"parameters": {"status": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}}}
PROGRAM = {"image": "python", "command": ["run"]}


# --- IR ---------------------------------------------------------------------------------------------------------------


def task(component: str = "leaf", *after: str, given: Json = None, **rest: Json) -> Json:
    """A task that depends on the tasks `after`; `given` are its input parameters."""
    inputs = {"parameters": given or {}, "artifacts": rest.pop("artifacts", {})}
    return {"componentRef": {"name": component}, "dependentTasks": list(after), "inputs": inputs, **rest}


def exit_task(group: str, component: str = "told") -> Json:
    """An exit task of a group, told the group's final status."""
    status = {"status": {"taskFinalStatus": {"producerTask": group}}} if component == "told" else {}
    return task(component, group, given=status, **COMPLETED)


def loop(component: str, items: str, *, limit: int = 0, **rest: Json) -> Json:
    """A loop over the JSON text of a list; the component's input "item" gets each."""
    iterator = {"parameterIterator": {"itemInput": "item", "items": {"raw": items}}}
    return task(component, **iterator, **({"iteratorPolicy": {"parallelismLimit": limit}} if limit else {}), **rest)


def dag(tasks: Json, **rest: Json) -> Json:
    """A component made of tasks; `inputs`, `outputs` as in `interface`, `selected` is its `dag.outputs`."""
    selected = rest.pop("selected", {})
    return interface(**rest) | {"dag": {"tasks": tasks, "outputs": selected}}


def interface(inputs: Json = None, outputs: Json = None) -> Json:
    """What a component declares: {"parameters": {name: ...}, "artifacts": {name: ...}} each."""
    return {"inputDefinitions": inputs or {}, "outputDefinitions": outputs or {}}


def leaf(**rest: Json) -> Json:
    """A component that the one program of the lab runs; `inputs` and `outputs` as in `interface`."""
    return interface(**rest) | {"executorLabel": "exec"}


def integer(**rest: Json) -> Json:
    """A declared integer."""
    return {"parameterType": "NUMBER_INTEGER", **rest}


def constant(value: Json) -> Json:
    return {"runtimeValue": {"constant": value}}


def parent(name: str) -> Json:
    return {"componentInputParameter": name}


def output_of(producer: str, name: str = "out") -> Json:
    return {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": name}}


def selected(producer: str, name: str = "out") -> Json:
    """A parameter that a DAG passes out."""
    return {"valueFromParameter": {"producerSubtask": producer, "outputParameterKey": name}}


def pipeline(tasks: Json, components: Json = None, *, executors: Json = None, **root: Json) -> Pipeline:
    """A pipeline of these tasks.

    Every pipeline has the components "leaf", "told" (status in), "item" (item in) and "maker" (integer "out" out).
    """
    return load([document(tasks, components, executors=executors, **root)], name="demo.yaml")


def document(tasks: Json, components: Json = None, *, executors: Json = None, **root: Json) -> Json:
    """The IR of `pipeline`."""
    known = {
        "leaf": leaf(),
        "told": leaf(**STATUS),
        "item": leaf(inputs={"parameters": {"item": integer()}}),
        "maker": leaf(outputs={"parameters": {"out": integer()}}),
    }
    return {
        "pipelineInfo": {"name": "demo"},
        "root": dag(tasks, **root),
        "components": known | (components or {}),
        "deploymentSpec": {"executors": {"exec": {"container": PROGRAM}} | (executors or {})},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
    }


# --- runs -------------------------------------------------------------------------------------------------------------


@dataclass
class Rehearsal:
    """A run whose events come from the test. Each event takes a second."""

    run: Run
    asked: list[Command] = field(default_factory=list)
    at: float = 1000.0

    @classmethod
    def of(cls, pipeline: Pipeline, **settings: Any) -> "Rehearsal":
        given = {"run_id": "run-1", "name": "demo", "created_at": 1000.0, **settings}
        step = begin(pipeline, Settings(**given))
        return cls(run=step.run, asked=list(step.commands))

    def take(self, event: Event) -> Sequence[Command]:
        """Let something happen; what the shell must do then."""
        step = advance(self.run, event)
        self.run = step.run
        self.asked += step.commands
        return step.commands

    def start(self, path: str) -> Sequence[Command]:
        return self.take(Started(path=TaskPath(path), attempt=self._attempt(path), at=self._now()))

    def succeed(self, *paths: str, outputs: Outputs = NO_OUTPUTS, **parameters: Json) -> Sequence[Command]:
        """Let tasks succeed, one after another; the commands after the last."""
        made = Outputs(parameters=parameters) if parameters else outputs
        told: Sequence[Command] = ()
        for path in paths:
            told = self.take(Succeeded(path=TaskPath(path), attempt=self._attempt(path), at=self._now(), outputs=made))
        return told

    def fail(
        self, path: str, message: str = "boom", code: Code = Code.UNKNOWN, exit_code: int = 1
    ) -> Sequence[Command]:
        error = TaskError(code=code, message=message, exit_code=exit_code)
        return self.take(Failed(path=TaskPath(path), attempt=self._attempt(path), at=self._now(), error=error))

    def cancel(self, **how: bool) -> Sequence[Command]:
        return self.take(CancelRequested(at=self._now(), **how))

    @property
    def states(self) -> dict[str, str]:
        """State by path, the root's as ""."""
        return {path: found.state.value for path, found in sorted(self.run.tasks.items())}

    def error(self, path: str) -> tuple[int, str]:
        found = self.run.tasks[TaskPath(path)].error
        assert found is not None, f"{path} has no error"
        return (int(found.code), found.message)

    def _attempt(self, path: str) -> int:
        return self.run.tasks[TaskPath(path)].attempt

    def _now(self) -> float:
        self.at += 1
        return self.at
