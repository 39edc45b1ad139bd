"""An input that the SDK's compiler feeds a group from nowhere, which matters only where something reads it."""

from typing import Any

import pytest
from spec_documents import dag, leaf, parent, pipeline, task, text

from postlude.spec.load import load
from postlude.spec.problem import SpecError

ITEM = "pipelinechannel--loop-item-param-1"
ITEM_INPUT = {ITEM: text("LIST")}
LEAKED = {ITEM: parent("loop-item-param-1")}
PASSED = {ITEM: parent(ITEM)}
LOOP: Any = {"parameterIterator": {"items": {"inputParameter": ITEM}, "itemInput": "item"}}
CONDITION: Any = {"triggerPolicy": {"condition": f"inputs.parameter_values['{ITEM}'] == ''"}}
TAKES = leaf({"x": text()})
REFUSED = (
    f"$.root.dag.tasks.group.inputs.parameters.{ITEM}: names input 'loop-item-param-1', which the DAG does not "
    "declare. There is none to name."
)


def group(tasks: Any, **rest: Any) -> Any:
    """A pipeline whose one group is fed the item of a loop that is not around it."""
    components = {
        "takes": TAKES,
        "empty": dag({"inner": task("comp-run")}, ITEM_INPUT),
        "reads": dag({"inner": task("takes", inputs={"x": parent(ITEM)})}, ITEM_INPUT),
        "body": dag({"inner": task("comp-run")}, {**ITEM_INPUT, "item": text()}),
        "group": dag(tasks, ITEM_INPUT),
    }
    return pipeline({"group": task("group", inputs=LEAKED, **rest)}, components)


def problems(source: Any) -> list[str]:
    try:
        load(source, name="demo.yaml")
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(group({"one": task("comp-run")}), [], id="nothing-reads-it"),
        pytest.param(group({"one": task("empty", inputs=PASSED)}), [], id="passed-on-and-not-read"),
        pytest.param(group({"one": task("takes", inputs={"x": parent(ITEM)})}), [REFUSED], id="a-task-reads-it"),
        pytest.param(group({"one": task("reads", inputs=PASSED)}), [REFUSED], id="a-task-of-an-inner-group-reads-it"),
        pytest.param(group({"one": task("body", inputs=PASSED, **LOOP)}), [REFUSED], id="a-loop-runs-over-it"),
        pytest.param(group({"one": task("empty", inputs=PASSED, **CONDITION)}), [REFUSED], id="a-condition-asks-it"),
        pytest.param(group({"one": task("comp-run")}, **CONDITION), [REFUSED], id="its-own-condition-asks-it"),
    ],
)
def test_item_of_a_loop_that_is_not_around_the_group(source: Any, said: list[str]) -> None:
    assert problems(source) == said


def test_input_that_an_author_named_is_refused_though_nothing_reads_it() -> None:
    source = pipeline(
        {"group": task("group", inputs={"rate": parent("missing")})},
        {"group": dag({"one": task("comp-run")}, {"rate": text()})},
    )

    (said,) = problems(source)
    assert said == (
        "$.root.dag.tasks.group.inputs.parameters.rate: names input 'missing', which the DAG does not declare. "
        "There is none to name."
    )
