"""Small IR documents."""

from postlude.spec.types import Json


def task(component: str, *after: str, **given: Json) -> Json:
    return {"componentRef": {"name": component}, "dependentTasks": list(after), **given}


def pipeline(tasks: dict[str, Json], components: dict[str, Json] | None = None, **inputs: Json) -> Json:
    return {
        "pipelineInfo": {"name": "demo"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": inputs}},
        "components": {"comp-a": {"executorLabel": "exec-a"}, **(components or {})},
        "deploymentSpec": {"executors": {"exec-a": {"container": {"image": "alpine", "command": ["true"]}}}},
    }


EXIT = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
"""What makes a task that depends on one group its exit task."""


def group(**tasks: Json) -> Json:
    return {"dag": {"tasks": {name.replace("_", "-"): body for name, body in tasks.items()}}}
