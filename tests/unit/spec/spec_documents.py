"""Small pipelines for tests, as plain IR. Every builder gives a new value."""

from typing import Any

Json = Any
COMPLETED = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
STATUS = {"status": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}


def task(component: str, *, after: tuple[str, ...] = (), inputs: Json = None, **rest: Json) -> Json:
    """A task, with its input parameters."""
    found = {"componentRef": {"name": component}, "inputs": {"parameters": inputs or {}}, **rest}
    return found | ({"dependentTasks": list(after)} if after else {})


def exit_task(component: str, group: str, *, inputs: Json = None) -> Json:
    """The exit task of a group."""
    return task(component, after=(group,), inputs=inputs, triggerPolicy=COMPLETED)


def leaf(inputs: Json = None, outputs: Json = None, *, executor: str = "exec-run") -> Json:
    """A component that an executor runs, with its input and output parameters."""
    return interface(inputs, outputs) | {"executorLabel": executor}


def dag(tasks: Json, inputs: Json = None, outputs: Json = None, selected: Json = None) -> Json:
    """A component made of tasks; `selected` is its `dag.outputs`."""
    return interface(inputs, outputs) | {"dag": {"tasks": tasks, "outputs": selected or {}}}


def interface(inputs: Json = None, outputs: Json = None) -> Json:
    """What a component declares of parameters."""
    return {
        "inputDefinitions": {"parameters": inputs or {}},
        "outputDefinitions": {"parameters": outputs or {}},
    }


def pipeline(tasks: Json, components: Json = None, *, executors: Json = None, **root: Json) -> Json:
    """A pipeline spec; `root` is passed on to the root's `dag`."""
    return {
        "pipelineInfo": {"name": "demo"},
        "root": dag(tasks, **root),
        "components": {"comp-run": leaf(), **(components or {})},
        "deploymentSpec": {"executors": {"exec-run": {"container": {"image": "python"}}, **(executors or {})}},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
    }


def text(kind: str = "STRING", **rest: Json) -> Json:
    """A declared parameter."""
    return {"parameterType": kind, **rest}


def constant(value: Json) -> Json:
    """A binding to a constant."""
    return {"runtimeValue": {"constant": value}}


def parent(name: str) -> Json:
    """A binding to an input of the enclosing DAG."""
    return {"componentInputParameter": name}


def output(producer: str, name: str = "Output") -> Json:
    """A binding to another task's output."""
    return {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": name}}


def status_of(producer: str) -> Json:
    """A binding to another task's final status."""
    return {"taskFinalStatus": {"producerTask": producer}}
