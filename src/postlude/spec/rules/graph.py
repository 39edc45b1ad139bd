"""Rules on the graph: tasks in some order, components in some depth."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from postlude.spec.places import below
from postlude.spec.problem import Problem
from postlude.spec.rules.references import dags
from postlude.spec.topology import find_cycle, waits
from postlude.spec.types import Component, Pipeline, Topology

_DEEPEST: Final = 100


def components_do_not_contain_themselves(pipeline: Pipeline) -> Iterator[Problem]:
    """No component is, at whatever depth, a task of its own DAG."""
    cycle = find_cycle(_parts(pipeline))
    if cycle:
        what = f"contains itself: {' -> '.join(cycle)}. A pipeline cannot call itself; use a loop."
        yield Problem(where=below("$.components", cycle[0]), what=what)


def depth_is_bounded(pipeline: Pipeline) -> Iterator[Problem]:
    """Groups are not nested beyond what a person could have meant."""
    parts = _parts(pipeline)
    level, depth = set(_subcomponents(pipeline.root, pipeline)), 1
    while level and depth <= _DEEPEST:
        level = {part for name in level for part in parts[name]}
        depth += 1
    if level and not find_cycle(parts):  # one that contains itself has another problem
        yield Problem(where="$.root", what=f"nests groups more than {_DEEPEST} deep. Flatten the pipeline.")


def tasks_do_not_wait_for_each_other(pipeline: Pipeline) -> Iterator[Problem]:
    """The tasks of a DAG can be put in an order, waits for exit tasks included."""
    for where, _, dag in dags(pipeline):
        cycle = find_cycle(waits(dag.topology))
        if cycle:
            yield Problem(where=f"{where}.dag.tasks", what=_waiting(cycle, dag.topology))


def _waiting(cycle: tuple[str, ...], topology: Topology) -> str:
    order = f"wait for each other: {' -> '.join(cycle)} (each for the next)."
    reasons = (_gate(task, awaited, topology) for task, awaited in pairwise(cycle))
    return " ".join([order, *filter(None, reasons), "Remove one of these dependencies."])


def _gate(task: str, awaited: str, topology: Topology) -> str:
    """Why the first waits for the second, where the IR does not say so itself."""
    if awaited in topology.upstreams[task]:
        return ""
    group = topology.exit_of[awaited]
    return f"'{task}' waits for '{awaited}' because it depends on '{group}', whose exit task '{awaited}' is."


def _parts(pipeline: Pipeline) -> Mapping[str, tuple[str, ...]]:
    """For each component, the components that its tasks run."""
    return {name: _subcomponents(component, pipeline) for name, component in pipeline.components.items()}


def _subcomponents(component: Component, pipeline: Pipeline) -> tuple[str, ...]:
    found = (task.component for task in component.dag.tasks.values()) if component.dag is not None else ()
    return tuple(dict.fromkeys(name for name in found if name in pipeline.components))
