"""The nodes of a run's tree, when they are new."""

from postlude.core.iterate import iteration_inputs
from postlude.core.run_state import Run
from postlude.core.task import NO_INPUTS, Kind, Task, TaskError, child_path, iteration_path
from postlude.spec import types as ir
from postlude.spec.types import Dag, Json, Pipeline


def child(run: Run, group: Task, dag: Dag, key: str) -> Task:
    """The task `key` of a group's DAG, waiting for all it depends on."""
    task, topology, path = dag.tasks[key], dag.topology, child_path(group.path, key)
    spent = run.spent.get(path, 0)
    return Task(
        path=path,
        kind=_kind(run.pipeline, task),
        parent=group.path,
        spec=task,
        component=run.pipeline.components[task.component],
        attempt=spent,
        uncounted=spent,
        retry=task.retry or group.retry,
        waiting=len({*topology.upstreams.get(key, ()), *topology.gates.get(key, ())}),
        protected=group.protected or key in topology.exit_of,
    )


def iteration(run: Run, loop: Task, index: int, item: Json) -> Task:
    """One iteration of a loop; with an error where the item does not fit."""
    inputs, path = iteration_inputs(loop, item), iteration_path(loop.path, index)
    spent = run.spent.get(path, 0)
    return Task(
        path=path,
        kind=_body_kind(run.pipeline, loop.spec, Kind.ITERATION),
        parent=loop.path,
        spec=loop.spec,
        component=loop.component,
        attempt=spent,
        uncounted=spent,
        retry=loop.retry,
        protected=loop.protected,
        index=index,
        inputs=NO_INPUTS if isinstance(inputs, TaskError) else inputs,
        error=inputs if isinstance(inputs, TaskError) else None,
    )


def _kind(pipeline: Pipeline, task: ir.Task) -> Kind:
    return Kind.LOOP if task.iterator is not None else _body_kind(pipeline, task, Kind.GROUP)


def _body_kind(pipeline: Pipeline, task: ir.Task, group: Kind) -> Kind:
    component = pipeline.components[task.component]
    if component.dag is not None:
        return group
    return Kind.IMPORTER if isinstance(pipeline.executors[component.executor], ir.Importer) else Kind.TASK
