"""Random pipelines: every shape the IR knows, small."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from postlude.spec.load import load
from postlude.spec.types import Pipeline

CONDITIONS = ("1 == 1", "1 == 2", "inputs.parameter_values['nobody'] == 1")
"""True, false, and one that cannot be evaluated."""


@dataclass
class Author:
    """Writes components while a strategy draws their parts."""

    draw: Any
    components: dict[str, Any] = field(default_factory=dict)

    def pipeline(self) -> Pipeline:
        tasks = self.dag(depth=0)
        self.components["comp-leaf"] = {"executorLabel": "exec-leaf"}
        self.components["comp-told"] = {
            "executorLabel": "exec-leaf",
            "inputDefinitions": {"parameters": {"status": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}},
        }
        spec = {
            "pipelineInfo": {"name": "random"},
            "components": self.components,
            "deploymentSpec": {"executors": {"exec-leaf": {"container": {"image": "i", "command": ["true"]}}}},
            "root": {"dag": {"tasks": tasks}},
            "schemaVersion": "2.1.0",
            "sdkVersion": "kfp-2.17.0",
        }
        return load([spec], name="random")

    def dag(self, depth: int) -> dict[str, Any]:
        """One to three tasks, some groups, their exit tasks, some depending on earlier ones."""
        tasks: dict[str, Any] = {}
        for index in range(self.draw(st.integers(1, 3 if depth == 0 else 2))):
            key = f"t{index}"
            tasks[key] = self.task(depth)
            earlier = [name for name in tasks if name != key]
            self.depend(tasks[key], earlier)
            if self.is_group(tasks[key]):
                for number in range(self.draw(st.sampled_from([0, 1, 1, 1, 2]))):
                    tasks[f"exit{index}x{number}"] = self.exit_task(key, depth)
        return tasks

    def depend(self, task: dict[str, Any], earlier: list[str]) -> None:
        if not earlier:
            return
        chosen = self.draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True))
        task["dependentTasks"] = chosen
        if chosen and self.draw(st.integers(0, 4)) == 0:
            task.setdefault("triggerPolicy", {})["strategy"] = "ALL_UPSTREAM_TASKS_COMPLETED"

    def is_group(self, task: dict[str, Any]) -> bool:
        return task["componentRef"]["name"] != "comp-leaf" or "parameterIterator" in task

    def task(self, depth: int) -> dict[str, Any]:
        kind = self.draw(st.sampled_from(["leaf", "leaf", "group", "group", "loop", "leaf-loop"]))
        if kind == "leaf" or depth >= 2:
            return self.leaf()
        return {"group": self.group, "loop": self.loop, "leaf-loop": self.leaf_loop}[kind](depth)

    def leaf(self) -> dict[str, Any]:
        task: dict[str, Any] = {"componentRef": {"name": "comp-leaf"}}
        retries = self.draw(st.sampled_from([0, 0, 1]))
        return {**task, "retryPolicy": {"maxRetryCount": retries}} if retries else task

    def component(self, inputs: dict[str, Any], depth: int) -> dict[str, Any]:
        name = f"comp-{len(self.components)}"
        self.components[name] = {}
        self.components[name] = {"dag": {"tasks": self.dag(depth + 1)}, **inputs}
        return {"componentRef": {"name": name}}

    def group(self, depth: int) -> dict[str, Any]:
        task = self.component({}, depth)
        if self.draw(st.integers(0, 2)) == 0:
            task["triggerPolicy"] = {"condition": self.draw(st.sampled_from(CONDITIONS))}
        return task

    def loop(self, depth: int) -> dict[str, Any]:
        inputs = {"inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}}}
        return {**self.component(inputs, depth), **self.iterator()}

    def leaf_loop(self, _depth: int) -> dict[str, Any]:
        self.components["comp-item"] = {
            "executorLabel": "exec-leaf",
            "inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}},
        }
        return {"componentRef": {"name": "comp-item"}, **self.iterator()}

    def iterator(self) -> dict[str, Any]:
        items = self.draw(st.sampled_from(["[]", "[1]", "[1, 2]", "[1, 2, 3]", '[1, "two"]']))
        limit = self.draw(st.sampled_from([0, 0, 1, 2]))
        iterator: dict[str, Any] = {"parameterIterator": {"itemInput": "item", "items": {"raw": items}}}
        return {**iterator, "iteratorPolicy": {"parallelismLimit": limit}} if limit else iterator

    def exit_task(self, group: str, depth: int) -> dict[str, Any]:
        if depth < 2 and self.draw(st.integers(0, 4)) == 0:
            task = self.component({}, depth)
        else:
            status = {"parameters": {"status": {"taskFinalStatus": {"producerTask": group}}}}
            task = {"componentRef": {"name": "comp-told"}, "inputs": status}
        return {
            **task,
            "dependentTasks": [group],
            "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
        }


@st.composite
def pipelines(draw: Any) -> Pipeline:
    """A pipeline of groups, loops, conditions, exit tasks and dependencies."""
    return Author(draw).pipeline()
