"""Each rule, by the smallest pipeline that breaks it, and the whole text it says."""

from typing import Any

import pytest
from spec_documents import (
    COMPLETED,
    STATUS,
    constant,
    dag,
    exit_task,
    leaf,
    output,
    parent,
    pipeline,
    status_of,
    task,
    text,
)

from postlude.spec.load import load
from postlude.spec.problem import SpecError

TASKS = "$.root.dag.tasks"
NO_EXIT_TASK = (
    "is a final status on a task that is no exit task: it would not run after a failure. Set its strategy to "
    "ALL_UPSTREAM_TASKS_COMPLETED, with an ExitHandler or .ignore_upstream_failure()."
)
OUT = leaf(outputs={"Output": text()})
TAKES = leaf({"x": text()})
OPTIONAL = leaf({"x": text(isOptional=True)})
WATCHER = leaf(STATUS)
GROUP = dag({"inner": task("comp-run")})
LOOP = dag({"inner": task("comp-run")}, {"item": text()})
RAW_LOOP: Any = {"parameterIterator": {"items": {"raw": "[1]"}, "itemInput": "item"}}
DATA = {"artifactType": {"schemaTitle": "system.Dataset"}}
MAKES_DATA = {"executorLabel": "exec-run", "outputDefinitions": {"artifacts": {"data": DATA}}}
READS_DATA = {"executorLabel": "exec-run", "inputDefinitions": {"artifacts": {"data": DATA}}}
IMPORTER = {"exec-import": {"importer": {"artifactUri": {"runtimeParameter": "uri"}}}}


def problems(source: Any) -> list[str]:
    try:
        load(source, name="demo.yaml")
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            pipeline({"t": task("comp-rum")}),
            f"{TASKS}.t.componentRef.name: names component 'comp-rum', which the spec does not define. Use 'comp-run'.",
            id="component does not exist",
        ),
        pytest.param(
            pipeline({"t": {"taskInfo": {"name": "t"}}}),
            f"{TASKS}.t.componentRef.name: is missing. Name a component.",
            id="component is not named",
        ),
        pytest.param(
            pipeline({"t": task("c")}, {"c": leaf(executor="exec-ran")}),
            "$.components.c.executorLabel: names executor 'exec-ran', which the spec does not define. Use 'exec-run'.",
            id="executor does not exist",
        ),
        pytest.param(
            pipeline({"one": task("comp-run"), "t": task("comp-run", after=("ones",))}),
            f"{TASKS}.t.dependentTasks[0]: names task 'ones', which is not in the same DAG. Use 'one'.",
            id="dependency does not exist",
        ),
        pytest.param(
            pipeline({"t": task("c", inputs={"x": output("zzz")})}, {"c": TAKES}),
            f"{TASKS}.t.inputs.parameters.x: names task 'zzz', which is not in the same DAG. There is 't'.",
            id="producer does not exist",
        ),
        pytest.param(
            pipeline({"p": task("out"), "t": task("c", inputs={"x": output("p", "Outptu")})}, {"out": OUT, "c": TAKES}),
            f"{TASKS}.t.inputs.parameters.x: names output 'Outptu' of task 'p', which component 'out' does not "
            "declare. Use 'Output'.",
            id="producer has no such output",
        ),
        pytest.param(
            pipeline(
                {"p": task("makes"), "t": task("c", inputs={"x": output("p", "data")})},
                {"makes": MAKES_DATA, "c": TAKES},
            ),
            f"{TASKS}.t.inputs.parameters.x: names output 'data' of task 'p', which is one of its artifacts. "
            "Say so here.",
            id="output is an artifact",
        ),
        pytest.param(
            pipeline(
                {"group": task("group"), "t": task("c", inputs={"x": output("deep")})},
                {"group": dag({"mid": task("mid")}), "mid": dag({"deep": task("out")}), "out": OUT, "c": TAKES},
            ),
            f"{TASKS}.t.inputs.parameters.x: names task 'deep', which is inside group 'group'. "
            "Let 'group' pass the output out (its 'outputs'), and name 'group' here.",
            id="H6 output of a task inside a group",
        ),
        pytest.param(
            pipeline(
                {"exit-handler-1": task("group"), "e": exit_task("comp-run", "exit-handler-1")},
                {"group": dag({"train": task("out")}), "out": OUT},
                selected={
                    "parameters": {
                        "Output": {"valueFromParameter": {"producerSubtask": "train", "outputParameterKey": "Output"}}
                    }
                },
            ),
            "$.root.dag.outputs.parameters.Output: names task 'train', which is inside group 'exit-handler-1'. "
            "Let 'exit-handler-1' pass the output out (its 'outputs'), and name 'exit-handler-1' here.",
            id="H5 pipeline output of a task inside a group",
        ),
        pytest.param(
            pipeline(
                {"t": task("makes")},
                {"makes": MAKES_DATA},
                selected={
                    "artifacts": {"d": {"artifactSelectors": [{"producerSubtask": "t", "outputArtifactKey": "date"}]}}
                },
            ),
            "$.root.dag.outputs.artifacts.d: names output 'date' of task 't', which component 'makes' does not "
            "declare. Use 'data'.",
            id="dag output does not exist",
        ),
        pytest.param(
            pipeline({"t": task("c", inputs={"x": parent("rate")})}, {"c": TAKES}, inputs={"rates": text()}),
            f"{TASKS}.t.inputs.parameters.x: names input 'rate', which the DAG does not declare. Use 'rates'.",
            id="parent has no such input",
        ),
        pytest.param(
            pipeline({"t": task("c")}, {"c": TAKES}),
            f"{TASKS}.t.inputs.parameters.x: is missing: component 'c' needs it. Bind it, or make it optional there.",
            id="required parameter is not bound",
        ),
        pytest.param(
            pipeline({"t": task("c")}, {"c": READS_DATA}),
            f"{TASKS}.t.inputs.artifacts.data: is missing: component 'c' needs it. Bind it, or make it optional there.",
            id="required artifact is not bound",
        ),
        pytest.param(
            pipeline({"t": task("c", inputs={"xx": constant("a")})}, {"c": OPTIONAL}),
            f"{TASKS}.t.inputs.parameters.xx: is no input of component 'c'. Use 'x'.",
            id="bound input is not declared",
        ),
        pytest.param(
            pipeline(
                {"l": task("loop", parameterIterator={"items": {"inputParameter": "lst"}, "itemInput": "item"})},
                {"loop": LOOP},
            ),
            f"{TASKS}.l.parameterIterator.items.inputParameter: names input 'lst', which the task does not bind. "
            "There is none to name.",
            id="loop over an unbound input",
        ),
        pytest.param(
            pipeline({"l": task("loop", parameterIterator={"itemInput": "item"})}, {"loop": LOOP}),
            f"{TASKS}.l.parameterIterator.items.inputParameter: is missing: the loop has no items. "
            "Name an input of the task that holds a list.",
            id="loop over nothing",
        ),
        pytest.param(
            pipeline(
                {"l": task("loop", parameterIterator={"items": {"raw": "[1]"}, "itemInput": "itm"})},
                {"loop": dag({"inner": task("comp-run")}, {"item": text(isOptional=True)})},
            ),
            f"{TASKS}.l.parameterIterator.itemInput: names input 'itm', which component 'loop' does not declare. "
            "Use 'item'.",
            id="loop item has no input",
        ),
        pytest.param(
            pipeline(
                {"l": task("loop", artifactIterator={"items": {"inputArtifact": "many"}, "itemInput": "data"})},
                {"loop": READS_DATA},
            ),
            f"{TASKS}.l.artifactIterator.items.inputArtifact: names input 'many', which the task does not bind. "
            "There is none to name.",
            id="loop over an unbound artifact list",
        ),
        pytest.param(
            pipeline({"t": task("c")}, {"c": leaf(executor="exec-import")}, executors=IMPORTER),
            f"{TASKS}.t.inputs.parameters.uri: is missing: importer 'exec-import' reads its URI from it. Bind it.",
            id="importer URI is not bound",
        ),
        pytest.param(
            pipeline({"a": task("comp-run", after=("b",)), "b": task("comp-run", after=("a",))}),
            f"{TASKS}: wait for each other: a -> b -> a (each for the next). Remove one of these dependencies.",
            id="cycle",
        ),
        pytest.param(
            pipeline(
                {
                    "g": task("group"),
                    "e": exit_task("c", "g", inputs={"x": output("after")}),
                    "after": task("out", after=("g",)),
                },
                {"group": GROUP, "c": TAKES, "out": OUT},
            ),
            f"{TASKS}: wait for each other: after -> e -> after (each for the next). 'after' waits for 'e' because it "
            "depends on 'g', whose exit task 'e' is. Remove one of these dependencies.",
            id="cycle through an exit task",
        ),
        pytest.param(
            pipeline({"t": task("a")}, {"a": dag({"u": task("b")}), "b": dag({"v": task("a")})}),
            "$.components.a: contains itself: a -> b -> a. A pipeline cannot call itself; use a loop.",
            id="recursion",
        ),
        pytest.param(
            pipeline(
                {"t": task("c0")}, {f"c{n}": dag({"t": task(f"c{n + 1}")}) for n in range(100)} | {"c100": leaf()}
            ),
            "$.root: nests groups more than 100 deep. Flatten the pipeline.",
            id="depth",
        ),
        pytest.param(
            pipeline({"t": task("c", inputs={"status": status_of("o")}), "o": task("comp-run")}, {"c": WATCHER}),
            f"{TASKS}.t.inputs.parameters.status: {NO_EXIT_TASK}",
            id="H7 status on a task with the default strategy",
        ),
        pytest.param(
            pipeline({"t": task("c")}, {"c": WATCHER}),
            f"{TASKS}.t.inputs.parameters.status: {NO_EXIT_TASK}",
            id="H7 status that nothing feeds",
        ),
        pytest.param(
            pipeline(
                {
                    "a": task("comp-run"),
                    "b": task("comp-run"),
                    "t": task("c", after=("a", "b"), inputs={"status": status_of("a")}, triggerPolicy=COMPLETED),
                },
                {"c": WATCHER},
            ),
            f"{TASKS}.t.inputs.parameters.status: is a final status on a task with several upstreams ('a', 'b'). "
            "Depend on 'a' alone.",
            id="E11 status with two upstreams",
        ),
        pytest.param(
            pipeline(
                {"outer": task("comp-run"), "l": task("loop", **RAW_LOOP)},
                {
                    "loop": dag(
                        {"t": task("c", inputs={"status": status_of("outer")}, triggerPolicy=COMPLETED)},
                        {"item": text()},
                    ),
                    "c": WATCHER,
                },
            ),
            "$.components.loop.dag.tasks.t.inputs.parameters.status: is the final status of 'outer', which is not in "
            "the same DAG: a status is only of a neighbour. There is none to name.",
            id="E15 status of a task outside of the loop",
        ),
        pytest.param(
            pipeline(
                {
                    "a": task("comp-run"),
                    "b": task("comp-run"),
                    "t": task("c", after=("a",), inputs={"status": status_of("b")}, triggerPolicy=COMPLETED),
                },
                {"c": WATCHER},
            ),
            f"{TASKS}.t.inputs.parameters.status: is the final status of 'b', on which the task does not depend. "
            "Add it to dependentTasks.",
            id="status of a task that is no upstream",
        ),
        pytest.param(
            pipeline(
                {"g": task("group"), "e": exit_task("c", "g")},
                {"group": GROUP, "c": leaf(executor="exec-import")},
                executors={"exec-import": {"importer": {"artifactUri": {"constant": "file:///data"}}}},
            ),
            f"{TASKS}.e: is the exit task of 'g', but an importer. An exit task runs code: use a component.",
            id="H8 exit task is an importer",
        ),
        pytest.param(
            pipeline(
                {"exit-handler-1": task("empty"), "e": exit_task("comp-run", "exit-handler-1")}, {"empty": dag({})}
            ),
            f"{TASKS}.exit-handler-1: is a group with exit task 'e', but without tasks. "
            "Put a task into it, or drop both.",
            id="A13 empty exit handler",
        ),
    ],
)
def test_rule(source: Any, said: str) -> None:
    assert problems(source) == [said]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a/b", "has '/' in its name"),
        ("a[0]", "has '[' in its name"),
        ("a]", "has ']' in its name"),
        ("..", "has '..' in its name"),
        ("a\\b", r"has '\\' in its name"),
        ("a\n", r"has '\n' in its name"),
        ("", "has an empty name"),
        ("n" * 201, "has a name of more than 200 bytes"),
        ("\u00e4" * 101, "has a name of more than 200 bytes"),
    ],
)
@pytest.mark.parametrize("kind", ["task", "input", "output"])
def test_names_are_safe_in_paths(kind: str, name: str, said: str) -> None:
    component = leaf(
        {name: text(isOptional=True)} if kind == "input" else None, {name: text()} if kind == "output" else None
    )
    with pytest.raises(SpecError) as raised:
        load(pipeline({name if kind == "task" else "t": task("c")}, {"c": component}), name="demo.yaml")
    fix = "Rename it: letters, digits, '-' and '_' are safe."
    assert [problem.what for problem in raised.value.problems] == [f"{said}. {fix}"]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            pipeline({"t": task("c", inputs={"x": constant("a"), "pipelinechannel--p": constant("b")})}, {"c": TAKES}),
            id="inputs that the SDK adds for placeholders",
        ),
        pytest.param(
            pipeline(
                {"t": task("c", inputs={"x": constant("{{$.inputs.parameters['extra']}}"), "extra": constant("b")})},
                {"c": TAKES},
            ),
            id="an undeclared input that a constant mentions",
        ),
        pytest.param(
            pipeline(
                {"t": task("c", inputs={"extra": constant("b")})},
                {"c": leaf(executor="exec-echo")},
                executors={"exec-echo": {"container": {"image": "i", "args": ["{{$.inputs.parameters['extra']}}"]}}},
            ),
            id="an undeclared input that a command mentions",
        ),
        pytest.param(
            pipeline({"l": task("loop", **RAW_LOOP)}, {"loop": LOOP}), id="the iterator binds the loop's item"
        ),
        pytest.param(
            pipeline(
                {"g": task("group"), "e": exit_task("c", "g", inputs={"status": status_of("g")})},
                {"group": GROUP, "c": WATCHER},
            ),
            id="an exit task with a status",
        ),
        pytest.param(
            pipeline(
                {
                    "t": task("out"),
                    "u": task("c", after=("t",), inputs={"status": status_of("t")}, triggerPolicy=COMPLETED),
                },
                {"out": OUT, "c": WATCHER},
            ),
            id="a status with ignore_upstream_failure",
        ),
        pytest.param(
            pipeline(
                {
                    "early": task("out"),
                    "g": task("group"),
                    "e": exit_task("c", "g", inputs={"x": output("early")}),
                    "late": task("c", after=("g",), inputs={"x": output("e")}),
                },
                {"group": GROUP, "out": OUT, "c": leaf({"x": text()}, {"Output": text()})},
            ),
            id="H3 and H4: an exit task reads an earlier task and feeds a later one",
        ),
        pytest.param(
            pipeline(
                {"t": task("c99")}, {f"c{n}": dag({"t": task(f"c{n - 1}")}) for n in range(1, 100)} | {"c0": leaf()}
            ),
            id="as deep as is allowed",
        ),
    ],
)
def test_allowed(source: Any) -> None:
    assert problems(source) == []
