"""Rules on loops: they have something to run over, and somewhere to put it."""

from collections.abc import Collection, Iterator

from postlude.spec.places import advice
from postlude.spec.problem import Problem
from postlude.spec.rules.references import tasks
from postlude.spec.types import ArtifactIterator, ParameterIterator, Pipeline, Task


def loops_have_items(pipeline: Pipeline) -> Iterator[Problem]:
    """Every loop runs over an input of its task, and hands its items to an input of its component."""
    for where, _, _, task in tasks(pipeline):
        component = pipeline.components.get(task.component)
        declared = None if component is None else component.inputs
        match task.iterator:
            case ParameterIterator(items=None, input=name) if name not in task.inputs.parameters:
                at = f"{where}.parameterIterator.items.inputParameter"
                yield Problem(where=at, what=_no_items(name, task.inputs.parameters))
            case ArtifactIterator(input=name) if name not in task.inputs.artifacts:
                at = f"{where}.artifactIterator.items.inputArtifact"
                yield Problem(where=at, what=_no_items(name, task.inputs.artifacts))
        match task.iterator:
            case ParameterIterator(item_input=name) if declared is not None and name not in declared.parameters:
                yield Problem(where=f"{where}.parameterIterator.itemInput", what=_no_item(task, declared.parameters))
            case ArtifactIterator(item_input=name) if declared is not None and name not in declared.artifacts:
                yield Problem(where=f"{where}.artifactIterator.itemInput", what=_no_item(task, declared.artifacts))


def _no_items(name: str, bound: Collection[str]) -> str:
    if not name:
        return "is missing: the loop has no items. Name an input of the task that holds a list."
    return f"names input '{name}', which the task does not bind. {advice(name, bound)}"


def _no_item(task: Task, declared: Collection[str]) -> str:
    name = task.iterator.item_input if task.iterator is not None else ""
    return f"names input '{name}', which component '{task.component}' does not declare. {advice(name, declared)}"
