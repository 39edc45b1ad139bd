"""Rules on inputs: what feeds a task exists, and what a task needs is fed."""

from collections.abc import Iterator

from postlude.spec.forms import InputArtifact, InputParameter, JsonEscape, parse
from postlude.spec.places import advice, below
from postlude.spec.problem import Problem
from postlude.spec.rules.outputs import no_output
from postlude.spec.rules.references import no_task, tasks
from postlude.spec.types import (
    Component,
    Constant,
    Container,
    FinalStatusOf,
    Importer,
    Json,
    ParentInput,
    Pipeline,
    Task,
    TaskOutput,
)

_Source = Constant | ParentInput | TaskOutput | FinalStatusOf


def sources(task: Task) -> Iterator[tuple[str, str, _Source]]:
    """Each bound input of a task: "parameters" or "artifacts", its name, and where its value comes from."""
    for name, binding in task.inputs.parameters.items():
        yield "parameters", name, binding.source
    for name, source in task.inputs.artifacts.items():
        yield "artifacts", name, source


def producers_exist(pipeline: Pipeline) -> Iterator[Problem]:
    """Every output that feeds an input is of a task of the same DAG whose component declares it."""
    for where, component, dag, task in tasks(pipeline):
        for kind, name, source in sources(task):
            if not isinstance(source, TaskOutput):
                continue
            known = source.task in dag.tasks
            what = no_output(source, kind, dag, pipeline) if known else no_task(source.task, component, pipeline)
            if what:
                yield Problem(where=below(f"{where}.inputs.{kind}", name), what=what)


def parent_inputs_exist(pipeline: Pipeline) -> Iterator[Problem]:
    """Every input of the enclosing DAG that feeds an input is one that the DAG declares."""
    for where, component, _, task in tasks(pipeline):
        for kind, name, source in sources(task):
            known = component.inputs.parameters if kind == "parameters" else component.inputs.artifacts
            if not isinstance(source, ParentInput) or source.name in known:
                continue
            if not _is_unread(task, name, pipeline):
                what = f"names input '{source.name}', which the DAG does not declare. {advice(source.name, known)}"
                yield Problem(where=below(f"{where}.inputs.{kind}", name), what=what)


def required_inputs_are_bound(pipeline: Pipeline) -> Iterator[Problem]:
    """Every input that a component needs is fed."""
    for where, _, _, task in tasks(pipeline):
        component = pipeline.components.get(task.component)
        for kind, name in _needed(component) if component is not None else ():
            bound = task.inputs.parameters if kind == "parameters" else task.inputs.artifacts
            if name not in bound and (task.iterator is None or name != task.iterator.item_input):
                what = f"is missing: component '{task.component}' needs it. Bind it, or make it optional there."
                yield Problem(where=below(f"{where}.inputs.{kind}", name), what=what)


def bound_inputs_are_declared(pipeline: Pipeline) -> Iterator[Problem]:
    """Every input that is fed is declared, or stands in a placeholder: the SDK adds such inputs to a task."""
    for where, _, _, task in tasks(pipeline):
        component = pipeline.components.get(task.component)
        for kind, name in _undeclared(task, component) if component is not None else ():
            if component is not None and name not in _mentioned(task, component, pipeline):
                known = component.inputs.parameters if kind == "parameters" else component.inputs.artifacts
                what = f"is no input of component '{task.component}'. {advice(name, known)}"
                yield Problem(where=below(f"{where}.inputs.{kind}", name), what=what)


def importer_uris_are_bound(pipeline: Pipeline) -> Iterator[Problem]:
    """Every task that runs an importer feeds the input which names the importer's URI."""
    for where, _, _, task in tasks(pipeline):
        component = pipeline.components.get(task.component)
        executor = pipeline.executors.get(component.executor) if component is not None else None
        if component is None or not isinstance(executor, Importer) or not isinstance(executor.uri, ParentInput):
            continue
        if executor.uri.name not in component.inputs.parameters and executor.uri.name not in task.inputs.parameters:
            what = f"is missing: importer '{component.executor}' reads its URI from it. Bind it."
            yield Problem(where=below(f"{where}.inputs.parameters", executor.uri.name), what=what)


# --- what is needed, and what is known --------------------------------------------------------------------------------


def _needed(component: Component) -> Iterator[tuple[str, str]]:
    for name, parameter in component.inputs.parameters.items():
        if parameter.required:
            yield "parameters", name
    for name, artifact in component.inputs.artifacts.items():
        if not artifact.optional:
            yield "artifacts", name


def _is_unread(task: Task, name: str, pipeline: Pipeline) -> bool:
    """Whether nothing in a group reads an input that the SDK's compiler made up for it.

    Where a loop in a group holds a loop over its own item, the compiler feeds the item to the group too, from nowhere.
    """
    seen: set[tuple[str, str]] = set()
    left = [(task, name)]
    while left:
        at, given = left.pop()
        dag = pipeline.components[at.component].dag if at.component in pipeline.components else None
        if dag is None or not given.startswith("pipelinechannel--") or _steers(given, at):
            return False
        if (at.component, given) not in seen:
            seen.add((at.component, given))
            left += [
                (child, to)
                for child in dag.tasks.values()
                for _, to, it in sources(child)
                if it == ParentInput(name=given)
            ]
    return True


def _steers(name: str, task: Task) -> bool:
    """Whether a task's own loop or condition reads an input."""
    return (task.iterator is not None and task.iterator.input == name) or name in (task.trigger.condition or "")


def _undeclared(task: Task, component: Component) -> Iterator[tuple[str, str]]:
    for name, binding in task.inputs.parameters.items():
        if name not in component.inputs.parameters and not _is_compilers(name, binding.source):
            yield "parameters", name
    for name in task.inputs.artifacts:
        if name not in component.inputs.artifacts and not name.startswith("pipelinechannel--"):
            yield "artifacts", name


def _is_compilers(name: str, source: _Source) -> bool:
    """Whether the SDK added the input: values of placeholders, and resource settings that hold one."""
    return name.startswith("pipelinechannel--") or (isinstance(source, Constant) and "{{$" in str(source.value))


def _mentioned(task: Task, component: Component, pipeline: Pipeline) -> set[str]:
    executor = pipeline.executors.get(component.executor)
    values: list[Json] = [source.value for _, _, source in sources(task) if isinstance(source, Constant)]
    match executor:
        case Container():
            values += [executor.image, *executor.command, *executor.args, *executor.env.values()]
        case Importer():
            values.append(executor.metadata)
    return {name for value in values for text in _texts(value) for name in _named(text)}


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from _texts(item)


def _named(text: str) -> Iterator[str]:
    for piece in parse(text):
        inner = piece.inner if isinstance(piece, JsonEscape) else piece
        if isinstance(inner, InputParameter | InputArtifact):
            yield inner.name
