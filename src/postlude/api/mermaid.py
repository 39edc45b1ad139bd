"""Draws a pipeline as a Mermaid flowchart.

Groups are frames (subgraphs) that hold their tasks. A group with an exit task has a frame of its own kind, and the exit
task hangs on it by a dashed "always" edge. Ids are numbers in drawing order, so that no name can break the syntax.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from postlude.api.census import census
from postlude.spec.problem import ConfigError
from postlude.spec.types import (
    ArtifactIterator,
    Component,
    Dag,
    Importer,
    ParameterIterator,
    Pipeline,
    Strategy,
    Task,
)

NODES_MAX: Final = 5000
_LABEL_MAX: Final = 60
_ITEMS_MAX: Final = 30
_INDENT: Final = "  "
_ESCAPES: Final = str.maketrans({
    "#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;", "\n": " ", "\r": " ",
})  # fmt: skip
_SHAPES: Final = {"task": ("[", "]"), "loop": ("[[", "]]"), "importer": ("[(", ")]"), "exit": ("{{", "}}")}
_STYLES: Final = {
    "exit": "fill:#fff3cd,stroke:#b8860b,color:#3d2e00",
    "importer": "fill:#e2e3f3,stroke:#5a5f9c,color:#1d1f3d",
    "handler": "fill:none,stroke:#b8860b,stroke-width:2px",
    "loop": "stroke-dasharray:6 3",
    "condition": "stroke-dasharray:2 2",
}


def mermaid(pipeline: Pipeline) -> str:
    """The pipeline as Mermaid text, ending in a newline.

    Raises:
        ConfigError: It has so many tasks that no renderer would draw it.
    """
    found = census(pipeline)
    if found.tasks + found.groups > NODES_MAX:
        count = f"{found.tasks} tasks in {found.groups} groups"
        raise ConfigError(
            f"{pipeline.name}: has {count}; Mermaid draws {NODES_MAX} at most. Draw a sub-pipeline of it."
        )
    # JSON text is YAML text: the title needs no quoting rules of its own.
    head = ["---", f"title: {json.dumps(pipeline.name)}", "---", "flowchart TD"]
    drawing = _Drawing(pipeline)
    body = list(drawing.dag(pipeline.root.dag or Dag(), depth=1))
    return "\n".join([*head, *body, *(_INDENT + line for line in drawing.styled()), ""])


@dataclass(slots=True)
class _Drawing:
    pipeline: Pipeline
    count: int = 0
    classes: dict[str, list[str]] = field(default_factory=dict)

    def dag(self, dag: Dag, depth: int) -> Iterator[str]:
        ids = {key: self._new_id(dag, task) for key, task in dag.tasks.items()}
        for key, task in dag.tasks.items():
            yield from self._task(task, ids[key], exits=key in dag.topology.exit_of, depth=depth)
        for key in dag.tasks:
            yield from (_INDENT * depth + edge for edge in _edges(dag, key, ids))

    def styled(self) -> Iterator[str]:
        for name, ids in sorted(self.classes.items()):
            yield f"class {','.join(ids)} {name}"
            yield f"classDef {name} {_STYLES[name]}"

    def _new_id(self, dag: Dag, task: Task) -> str:
        self.count += 1
        new = f"t{self.count}"
        for name, applies in self._kinds(dag, task).items():
            if applies:
                self.classes.setdefault(name, []).append(new)
        return new

    def _kinds(self, dag: Dag, task: Task) -> dict[str, bool]:
        return {
            "exit": task.key in dag.topology.exit_of,
            "importer": self._is_importer(self._component(task)),
            "handler": task.key in dag.topology.exit_of.values(),
            "loop": task.iterator is not None,
            "condition": task.trigger.condition is not None,
        }

    def _component(self, task: Task) -> Component:
        return self.pipeline.components[task.component]

    def _is_importer(self, component: Component) -> bool:
        return isinstance(self.pipeline.executors.get(component.executor), Importer)

    def _task(self, task: Task, name: str, *, exits: bool, depth: int) -> Iterator[str]:
        component, indent = self._component(task), _INDENT * depth
        if component.dag is None:
            opening, closing = _SHAPES[self._shape(task, component, exits=exits)]
            yield f"{indent}{name}{opening}{_label(task)}{closing}"
            return
        yield f"{indent}subgraph {name}[{_label(task)}]"
        yield from self.dag(component.dag, depth + 1)
        yield f"{indent}end"

    def _shape(self, task: Task, component: Component, *, exits: bool) -> str:
        if exits:
            return "exit"
        if self._is_importer(component):
            return "importer"
        return "task" if task.iterator is None else "loop"


def _edges(dag: Dag, key: str, ids: dict[str, str]) -> Iterator[str]:
    group = dag.topology.exit_of.get(key)
    any_state = dag.tasks[key].trigger.strategy is Strategy.ALL_COMPLETED
    for upstream in dag.topology.upstreams.get(key, ()):
        if upstream == group:
            yield f"{ids[upstream]} -. always .-> {ids[key]}"
        elif any_state:
            yield f"{ids[upstream]} -. in any state .-> {ids[key]}"
        else:
            yield f"{ids[upstream]} --> {ids[key]}"


def _label(task: Task) -> str:
    lines = [task.key]
    if task.display_name not in ("", task.key):
        lines.append(task.display_name)
    if task.iterator is not None:
        lines.append(f"for each of {_items(task.iterator, task)}")
    if task.trigger.condition is not None:
        lines.append(f"if {_plain(task.trigger.condition)}")
    return '"' + "<br/>".join(_shortened(line).translate(_ESCAPES) for line in lines) + '"'


def _items(iterator: ParameterIterator | ArtifactIterator, task: Task) -> str:
    limit = f", {task.parallelism} at a time" if task.parallelism else ""
    if isinstance(iterator, ParameterIterator) and iterator.items is not None:
        return _shortened(json.dumps(list(iterator.items), ensure_ascii=False), _ITEMS_MAX) + limit
    return _plain(iterator.input) + limit


def _plain(text: str) -> str:
    for noise in ("inputs.parameter_values['", "pipelinechannel--", "-loop-item"):
        text = text.replace(noise, "")
    return text.replace("']", "")


def _shortened(text: str, length: int = _LABEL_MAX) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
