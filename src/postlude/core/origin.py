"""Where a value came from: through groups and loops back to the task that made it."""

import msgspec

from postlude.core.run_state import Run, children
from postlude.core.task import ROOT, Kind, Task, child_path
from postlude.spec.types import Dag, ParameterIterator, ParentInput, TaskOutput


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf task and the output parameter of its that a value is."""

    task: Task
    output: str


def origin(run: Run, task: Task, name: str) -> Origin | None:
    """The origin of an input parameter; None where no task made it, as with a run's arguments and with constants."""
    spec_of = run.tasks[task.parent] if task.index is not None else task
    if name == _item_of(task):
        return items_origin(run, spec_of)
    binding = spec_of.spec.inputs.parameters.get(name)
    match binding.source if binding is not None else None:
        case TaskOutput(task=key, output=output):
            return _maker(run, run.tasks[child_path(spec_of.parent, key)], output)
        case ParentInput(name=above) if spec_of.parent != ROOT:
            return origin(run, run.tasks[spec_of.parent], above)
        case _:
            return None


def items_origin(run: Run, loop: Task) -> Origin | None:
    """The origin of the list that a loop iterates over; None where no task made it."""
    iterator = loop.spec.iterator
    given = isinstance(iterator, ParameterIterator) and iterator.input
    return origin(run, loop, given) if given else None


def operands(task: Task) -> list[str]:
    """The inputs that a task's condition names, in the order of the inputs; empty where it was not asked."""
    condition = task.spec.trigger.condition
    if condition is None or task.index is not None:
        return []
    return [name for name in task.inputs.parameters if f"'{name}'" in condition or f'"{name}"' in condition]


def _item_of(task: Task) -> str:
    """The input that receives the item, of an iteration; "" of any other task."""
    return task.spec.iterator.item_input if task.index is not None and task.spec.iterator is not None else ""


def _maker(run: Run, producer: Task, output: str) -> Origin | None:
    """Who made an output of a task: itself, or a task inside."""
    if producer.kind.is_leaf:
        return Origin(task=producer, output=output)
    if producer.kind is Kind.LOOP:
        first = next(iter(children(producer)), None)
        return None if first is None else _maker(run, run.tasks[first], output)
    selectors = (producer.component.dag or Dag()).outputs.parameters.get(output, ())
    inside = [(run.tasks.get(child_path(producer.path, one.task)), one.output) for one in selectors]
    made = [(task, name) for task, name in inside if task is not None and name in task.outputs.parameters]
    return _maker(run, *made[0]) if made else None
