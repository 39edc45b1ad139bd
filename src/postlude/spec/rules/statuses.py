"""Rules on final statuses: who may ask for one, and of whom."""

import re
from collections.abc import Iterator
from typing import Final

from postlude.spec.places import advice, below
from postlude.spec.problem import Problem
from postlude.spec.rules.references import dags, tasks
from postlude.spec.types import Dag, FinalStatusOf, Importer, ParameterType, Pipeline, Strategy, Task

_COMPLETED = Strategy.ALL_COMPLETED.value
_NOT_AN_EXIT_TASK = (
    f"is a final status on a task that is no exit task: it would not run after a failure. Set its strategy "
    f"to {_COMPLETED}, with an ExitHandler or .ignore_upstream_failure()."
)
_EXIT_HANDLER: Final = re.compile(r"exit-handler-\d+")


def status_is_of_one_upstream(pipeline: Pipeline) -> Iterator[Problem]:
    """A task that takes a final status runs whatever happens (H7), after the one task it is of (E11, E15)."""
    for where, _, dag, task in tasks(pipeline):
        for name, binding in task.inputs.parameters.items():
            if isinstance(binding.source, FinalStatusOf):
                what = _misplaced(binding.source.task, task, dag)
                if what:
                    yield Problem(where=below(f"{where}.inputs.parameters", name), what=what)


def status_inputs_are_fed(pipeline: Pipeline) -> Iterator[Problem]:
    """A task that is no exit task does not leave a final-status input of its component unfed (H7)."""
    for where, _, dag, task in tasks(pipeline):
        component = pipeline.components.get(task.component)
        if component is None or task.key in dag.topology.exit_of:
            continue
        for name, parameter in component.inputs.parameters.items():
            if parameter.type is ParameterType.TASK_FINAL_STATUS and name not in task.inputs.parameters:
                yield Problem(where=below(f"{where}.inputs.parameters", name), what=_NOT_AN_EXIT_TASK)


def exit_tasks_run_code(pipeline: Pipeline) -> Iterator[Problem]:
    """No exit task is an importer (H8)."""
    for where, _, dag, task in tasks(pipeline):
        component = pipeline.components.get(task.component)
        if task.key not in dag.topology.exit_of or component is None:
            continue
        if isinstance(pipeline.executors.get(component.executor), Importer):
            group = dag.topology.exit_of[task.key]
            what = f"is the exit task of '{group}', but an importer. An exit task runs code: use a component."
            yield Problem(where=str(where), what=what)


def exit_handlers_hold_tasks(pipeline: Pipeline) -> Iterator[Problem]:
    """Every group that has an exit task has tasks (A13)."""
    for where, _, dag in dags(pipeline):
        for exit_task, group in dag.topology.exit_of.items():
            component = pipeline.components.get(dag.tasks[group].component)
            if component is not None and component.dag is not None and not component.dag.tasks:
                what = f"is a group with exit task '{exit_task}', but without tasks. Put a task into it, or drop both."
                yield Problem(where=below(f"{where}.dag.tasks", group), what=what)


def exit_handlers_keep_their_exit_task(pipeline: Pipeline) -> Iterator[Problem]:
    """No ExitHandler lost its exit task to another one that was given the same (A14).

    The SDK writes such a task once, for the last of its groups, and leaves a component that no task runs. Both signs
    are asked for, since a sub-pipeline may be called exit_handler.
    """
    if not _unused(pipeline):
        return
    for where, _, dag in dags(pipeline):
        held = set(dag.topology.exit_of.values())
        for key in dag.tasks:
            if _EXIT_HANDLER.fullmatch(key) and key not in held:
                what = "is an ExitHandler whose exit task was given to another one too. Create an exit task for each."
                yield Problem(where=below(f"{where}.dag.tasks", key), what=what)


def _unused(pipeline: Pipeline) -> set[str]:
    """The components that no task runs."""
    return pipeline.components.keys() - {task.component for _, _, _, task in tasks(pipeline)}


def _misplaced(producer: str, task: Task, dag: Dag) -> str:
    if task.trigger.strategy is not Strategy.ALL_COMPLETED:
        return _NOT_AN_EXIT_TASK
    if producer not in dag.tasks:
        what = f"is the final status of '{producer}', which is not in the same DAG"
        return f"{what}: a status is only of a neighbour. {advice(producer, set(dag.tasks) - {task.key})}"
    if producer not in task.depends_on:
        return f"is the final status of '{producer}', on which the task does not depend. Add it to dependentTasks."
    if len(set(task.depends_on)) > 1:
        others = ", ".join(f"'{key}'" for key in dict.fromkeys(task.depends_on))
        return f"is a final status on a task with several upstreams ({others}). Depend on '{producer}' alone."
    return ""
