"""What is written into the IR after the SDK's compiler made it: who is the exit task of what, and how outputs get out.

Nothing here is new to KFP's schema: an exit task is a task of its DAG that depends on the handler's group and runs
whatever that ended with, and an output gets out of a group as the SDK itself lets those of loops and branches out.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from postlude.dsl import sdk
from postlude.dsl.after import Wait, ends
from postlude.dsl.passage import Passage
from postlude.dsl.plan import Plan
from postlude.dsl.tree import lines

_COMPLETED: Final = sdk.pb2.PipelineTaskSpec.TriggerPolicy.ALL_UPSTREAM_TASKS_COMPLETED


class Ir(msgspec.Struct, frozen=True):
    """The IR of a pipeline, to be changed, with the tree that it was made of.

    Attributes:
        spec: The PipelineSpec message.
        lines: For each task and group, the names that lead to it.
    """

    spec: Any
    lines: Mapping[str, tuple[str, ...]]

    def component_of(self, name: str) -> Any:
        """The component message of a group; of the root for ""."""
        component = self.spec.root
        for key in self.lines[name] if name else ():
            component = self.spec.components[component.dag.tasks[key].component_ref.name]
        return component

    def task_of(self, name: str) -> Any:
        """The task message of a task or group."""
        *above, key = self.lines[name]
        return self.component_of(above[-1] if above else "").dag.tasks[key]


def connect(spec: Any, root: Any, plan: Plan) -> None:
    """Make the IR of a pipeline what its plan says.

    Raises:
        DslError: An exit task would wait for itself, or a task for a handler that is not in its DAG.
    """
    ir = Ir(spec=spec, lines=lines(root))
    for wait in plan.waits:
        _add_wait(ir, wait)
    for handler in plan.handlers:
        _connect_handler(ir, handler)
    for group in plan.regardless:
        ir.task_of(group.name).trigger_policy.strategy = _COMPLETED


def _add_wait(ir: Ir, wait: Wait) -> None:
    waiting, handler = ends(wait, ir.lines)
    dependencies = ir.task_of(waiting).dependent_tasks
    dependencies[:] = sorted({*dependencies, handler})


def _connect_handler(ir: Ir, handler: Any) -> None:
    exit_task = handler.exit_task
    task = ir.task_of(exit_task.name)
    if exit_task.name in ir.task_of(handler.name).dependent_tasks:
        raise sdk.DslError(
            f"{handler.name}: a task inside waits for the exit task '{exit_task.name}', which runs after them all. "
            "Use its outputs after the handler."
        )
    # Its group and nothing else: an exit task is one that depends on its group alone.
    del task.dependent_tasks[:]
    task.dependent_tasks.append(handler.name)
    task.trigger_policy.strategy = _COMPLETED
    for name, declared in (exit_task.component_spec.inputs or {}).items():
        if sdk.type_utils.is_task_final_status_type(declared.type):
            task.inputs.parameters[name].task_final_status.producer_task = handler.name
    for passage in getattr(handler, "passages", ()):
        _let_out(ir, passage)
        _bind(task, handler.name, passage)


def _let_out(ir: Ir, passage: Passage) -> None:
    """Let each group on the way give out the output, innermost first."""
    if passage.branches:
        _join(ir, passage)
    producer, output = passage.producer, passage.output
    for group in reversed(passage.groups):
        _give_out(ir, group, passage.name, producer, output)
        producer, output = group.name, passage.name


def _give_out(ir: Ir, group: Any, name: str, producer: str, output: str) -> None:
    """Let a group give out, as `name`, an output of a task in it."""
    inner, outer = ir.component_of(producer).output_definitions, ir.component_of(group.name)
    if output in inner.artifacts:
        outer.output_definitions.artifacts[name].CopyFrom(inner.artifacts[output])
        outer.output_definitions.artifacts[name].is_artifact_list |= isinstance(group, sdk.ParallelFor)
        selectors = outer.dag.outputs.artifacts[name].artifact_selectors
        del selectors[:]
        selectors.add(producer_subtask=producer, output_artifact_key=output)
        return
    outer.output_definitions.parameters[name].CopyFrom(inner.parameters[output])
    if isinstance(group, sdk.ParallelFor):
        outer.output_definitions.parameters[name].parameter_type = sdk.pb2.ParameterType.LIST
    selector = outer.dag.outputs.parameters[name].value_from_parameter
    selector.producer_subtask, selector.output_parameter_key = producer, output


def _join(ir: Ir, passage: Passage) -> None:
    """Let the group of branches give out what the branch that was taken made."""
    for way in passage.branches:
        _let_out(ir, replace(way, groups=way.groups[1:]))
    taken = [(way.groups[1].name, way.name) for way in passage.branches]
    first, name = passage.branches[0], passage.name
    inner, outer = ir.component_of(first.groups[1].name).output_definitions, ir.component_of(passage.producer)
    if first.name in inner.artifacts:
        outer.output_definitions.artifacts[name].CopyFrom(inner.artifacts[first.name])
        selectors, key = outer.dag.outputs.artifacts[name].artifact_selectors, "output_artifact_key"
    else:
        outer.output_definitions.parameters[name].CopyFrom(inner.parameters[first.name])
        selectors = outer.dag.outputs.parameters[name].value_from_oneof.parameter_selectors
        key = "output_parameter_key"
    del selectors[:]
    for producer, output in taken:
        selectors.add(producer_subtask=producer, **{key: output})


def _bind(task: Any, group: str, passage: Passage) -> None:
    """Let the exit task take from its group what stood in for an input of the group around."""
    for parameter in task.inputs.parameters.values():
        if parameter.component_input_parameter == passage.name:
            source = parameter.task_output_parameter
            source.producer_task, source.output_parameter_key = group, passage.name
    for artifact in task.inputs.artifacts.values():
        if artifact.component_input_artifact == passage.name:
            origin = artifact.task_output_artifact
            origin.producer_task, origin.output_artifact_key = group, passage.name
