"""Rules on outputs: what a DAG passes out comes from its tasks."""

from collections.abc import Iterator

from postlude.spec.places import advice, below
from postlude.spec.problem import Problem
from postlude.spec.rules.references import dags, no_task
from postlude.spec.types import Component, Dag, Pipeline, TaskOutput


def outputs_have_sources(pipeline: Pipeline) -> Iterator[Problem]:
    """Every output of a DAG names a task of that DAG and an output which that task's component declares."""
    for where, component, dag in dags(pipeline):
        for kind, outputs in (("parameters", dag.outputs.parameters), ("artifacts", dag.outputs.artifacts)):
            for name, source in ((name, each) for name, selectors in outputs.items() for each in selectors):
                if what := _unselectable(kind, source, component, dag, pipeline):
                    yield Problem(where=below(f"{where}.dag.outputs.{kind}", name), what=what)


def no_output(source: TaskOutput, kind: str, dag: Dag, pipeline: Pipeline) -> str:
    """Why a task has no such output, and what to name instead; "" where it has it, or its component is unknown."""
    producer = pipeline.components.get(dag.tasks[source.task].component)
    if producer is None:
        return ""
    declared, others = producer.outputs.parameters.keys(), producer.outputs.artifacts.keys()
    if kind == "artifacts":
        declared, others = others, declared
    if source.output in declared:
        return ""
    what = f"names output '{source.output}' of task '{source.task}'"
    if source.output in others:
        return f"{what}, which is one of its {'artifacts' if kind == 'parameters' else 'parameters'}. Say so here."
    return f"{what}, which component '{producer.name}' does not declare. {advice(source.output, declared)}"


def _unselectable(kind: str, source: TaskOutput, component: Component, dag: Dag, pipeline: Pipeline) -> str:
    if source.task not in dag.tasks:
        return no_task(source.task, component, pipeline)
    return no_output(source, kind, dag, pipeline)
