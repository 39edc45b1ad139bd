"""Rules on references: what a task or component names must exist."""

from collections.abc import Iterator

from postlude.spec.places import Place, advice, below, components
from postlude.spec.problem import Problem
from postlude.spec.types import Component, Dag, Pipeline, Task


def dags(pipeline: Pipeline) -> Iterator[tuple[str, Component, Dag]]:
    """Every component that is a DAG, with the path of the component."""
    if pipeline.root.dag is not None:
        yield "$.root", pipeline.root, pipeline.root.dag
    for name, component in pipeline.components.items():  # Most are no DAGs: their paths need not be spelled out.
        if component.dag is not None:
            yield below("$.components", name), component, component.dag


def tasks(pipeline: Pipeline) -> Iterator[tuple[Place, Component, Dag, Task]]:
    """Every task with its place, the component it stands in, and that component's DAG."""
    for where, component, dag in dags(pipeline):
        at = Place([], key=f"{where}.dag.tasks")
        for key, task in dag.tasks.items():
            yield at / key, component, dag, task


def components_exist(pipeline: Pipeline) -> Iterator[Problem]:
    """Every task runs a component that the spec defines."""
    for where, _, _, task in tasks(pipeline):
        if task.component not in pipeline.components:
            yield Problem(where=f"{where}.componentRef.name", what=_no_component(task, pipeline))


def executors_exist(pipeline: Pipeline) -> Iterator[Problem]:
    """Every component that is no DAG is run by an executor that the spec defines."""
    for where, component in components(pipeline):
        label = component.executor
        if label and label not in pipeline.executors:
            what = f"names executor '{label}', which the spec does not define. {advice(label, pipeline.executors)}"
            yield Problem(where=f"{where}.executorLabel", what=what)


def dependencies_exist(pipeline: Pipeline) -> Iterator[Problem]:
    """Every task depends on tasks of its own DAG."""
    for where, component, dag, task in tasks(pipeline):
        for index, key in enumerate(task.depends_on):
            if key not in dag.tasks:
                yield Problem(where=f"{where}.dependentTasks[{index}]", what=no_task(key, component, pipeline))


def no_task(key: str, component: Component, pipeline: Pipeline) -> str:
    """Why a DAG has no such task, and what to name instead."""
    group = _group_around(key, component, pipeline)
    if group:
        fix = f"Let '{group}' pass the output out (its 'outputs'), and name '{group}' here"
        return f"names task '{key}', which is inside group '{group}'. {fix}."
    known = component.dag.tasks if component.dag is not None else ()
    return f"names task '{key}', which is not in the same DAG. {advice(key, known)}"


def _no_component(task: Task, pipeline: Pipeline) -> str:
    if not task.component:
        return "is missing. Name a component."
    fix = advice(task.component, pipeline.components)
    return f"names component '{task.component}', which the spec does not define. {fix}"


def _group_around(key: str, component: Component, pipeline: Pipeline) -> str:
    """The task of this DAG that holds a task of that key, at whatever depth; "" where none does."""
    for outer in component.dag.tasks if component.dag is not None else ():
        if _holds(outer, key, component, pipeline):
            return outer
    return ""


def _holds(outer: str, key: str, component: Component, pipeline: Pipeline) -> bool:
    seen: set[str] = set()
    left = [component.dag.tasks[outer].component] if component.dag is not None else []
    while left:
        inner = pipeline.components.get(left.pop())
        if inner is None or inner.dag is None or inner.name in seen:
            continue
        if key in inner.dag.tasks:
            return True
        seen.add(inner.name)
        left.extend(task.component for task in inner.dag.tasks.values())
    return False
