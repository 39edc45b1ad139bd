"""Rules that hold across the parts of a pipeline."""

from collections.abc import Callable, Iterator
from typing import Final

from postlude.spec.problem import Problem
from postlude.spec.rules import graph, inputs, loops, names, outputs, references, statuses
from postlude.spec.types import Pipeline

RULES: Final[tuple[Callable[[Pipeline], Iterator[Problem]], ...]] = (
    names.names_are_safe,
    references.components_exist,
    references.executors_exist,
    references.dependencies_exist,
    inputs.producers_exist,
    inputs.parent_inputs_exist,
    inputs.required_inputs_are_bound,
    inputs.bound_inputs_are_declared,
    loops.loops_have_items,
    inputs.importer_uris_are_bound,
    outputs.outputs_have_sources,
    statuses.status_is_of_one_upstream,
    statuses.status_inputs_are_fed,
    statuses.exit_tasks_run_code,
    statuses.exit_handlers_hold_tasks,
    statuses.exit_handlers_keep_their_exit_task,
    graph.components_do_not_contain_themselves,
    graph.depth_is_bounded,
    graph.tasks_do_not_wait_for_each_other,
)


def check(pipeline: Pipeline) -> list[Problem]:
    """Every problem of a pipeline whose parts are well-formed each by itself, rule by rule."""
    return [problem for rule in RULES for problem in rule(pipeline)]
