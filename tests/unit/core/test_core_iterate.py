"""Loops, and what groups pass out: items, Collected, OneOf."""

from collections.abc import Sequence
from typing import Any

import pytest

from postlude.core.task import Artifact, Command, Kind, Outputs, Start, TaskPath
from run_lab import Rehearsal, constant, dag, integer, leaf, loop, output_of, parent, pipeline, selected, task

TEXT = {"parameterType": "STRING"}
LIST = {"parameterType": "LIST"}
OUT = "pipelinechannel--make-out"
BODY = dag(
    {"make": task("maker")},
    inputs={"parameters": {"item": integer()}},
    outputs={"parameters": {OUT: integer()}},
    selected={"parameters": {OUT: selected("make")}},
)


def outputs(run: Rehearsal, path: str) -> Outputs:
    return run.run.tasks[TaskPath(path)].outputs


def inputs(run: Rehearsal, path: str) -> Any:
    return dict(run.run.tasks[TaskPath(path)].inputs.parameters)


# --- items ------------------------------------------------------------------------------------------------------------


def over(items: str, kind: dict[str, Any] | None = None) -> Rehearsal:
    component = leaf(inputs={"parameters": {"item": kind or integer()}})
    return Rehearsal.of(pipeline({"for": loop("typed", items)}, {"typed": component}), name="nightly")


@pytest.mark.parametrize(
    ("items", "kind", "found"),
    [
        pytest.param("[1, 2]", integer(), [1, 2], id="integers"),
        pytest.param('["a"]', TEXT, ["a"], id="texts"),
        pytest.param("[7]", TEXT, ["7"], id="as the item is declared"),
        pytest.param('["{{$.pipeline_job_name}}!"]', TEXT, ["nightly!"], id="placeholders"),
        pytest.param('[{"a": 1}]', {"parameterType": "STRUCT"}, [{"a": 1}], id="objects"),
        pytest.param("[]", integer(), [], id="none"),
    ],
)
def test_constant_items(items: str, kind: dict[str, Any], found: list[Any]) -> None:
    run = over(items, kind)
    assert [inputs(run, f"for[{index}]")["item"] for index in range(len(found))] == found
    assert run.run.tasks[TaskPath("for")].size == len(found)


def test_an_empty_loop_succeeds_at_once() -> None:
    assert over("[]").states == {"": "SUCCEEDED", "for": "SUCCEEDED"}


def test_an_item_of_another_type_fails_its_own_iteration_only() -> None:
    run = over('[1, "two", 3]')
    run.succeed("for[0]", "for[2]")
    assert run.states == {
        "": "FAILED", "for": "FAILED", "for[0]": "SUCCEEDED", "for[1]": "FAILED", "for[2]": "SUCCEEDED",
    }  # fmt: skip
    assert run.error("for[1]") == (3, "input 'item': expected NUMBER_INTEGER, got \"two\"")


def listed(value: Any) -> Rehearsal:
    """A loop over the list that a task made."""
    iterator = {"parameterIterator": {"itemInput": "item", "items": {"inputParameter": "list"}}}
    component = leaf(inputs={"parameters": {"item": integer(), "list": TEXT}})
    tasks = {"make": task("text-maker"), "for": task("typed", given={"list": output_of("make")}, **iterator)}
    run = Rehearsal.of(
        pipeline(tasks, {"typed": component, "text-maker": leaf(outputs={"parameters": {"out": TEXT}})})
    )  # fmt: skip
    run.succeed("make", out=value)
    return run


def test_items_as_the_text_of_a_list() -> None:
    run = listed("[4, 5]")
    assert [inputs(run, f"for[{index}]")["item"] for index in (0, 1)] == [4, 5]


@pytest.mark.parametrize(("value", "shown"), [("no list", '"no list"'), ('{"a": 1}', '{"a":1}')])
def test_items_that_are_no_list(value: str, shown: str) -> None:
    assert listed(value).error("for") == (3, f"the loop's items 'list': expected a LIST, got {shown}")


# --- Collected --------------------------------------------------------------------------------------------------------


def test_collected_stands_in_index_order() -> None:
    run = Rehearsal.of(pipeline({"for": loop("body", "[1, 2, 3]")}, {"body": BODY}))
    for index in (2, 0, 1):
        run.succeed(f"for[{index}]/make", out=index * 10)
    assert outputs(run, "for").parameters == {OUT: [0, 10, 20]}


def test_an_iteration_without_the_output_gives_null_in_its_place() -> None:
    unless_2 = {"condition": "inputs.parameter_values['item'] != 2"}
    skipping = {"make": task("maker-of", given={"item": parent("item")}, triggerPolicy=unless_2)}
    component = BODY | {"dag": BODY["dag"] | {"tasks": skipping}}
    maker_of = leaf(inputs={"parameters": {"item": integer()}}, outputs={"parameters": {"out": integer()}})
    run = Rehearsal.of(
        pipeline({"for": loop("body", "[1, 2, 3]")}, {"body": component, "maker-of": maker_of})
    )  # fmt: skip
    run.succeed("for[0]/make", "for[2]/make", out=1)
    assert outputs(run, "for").parameters == {OUT: [1, None, 1]}


def test_nested_loops_are_collected_into_one_list() -> None:
    inner = dag(
        {"in": loop("body", "[1, 2]")},
        inputs={"parameters": {"item": integer()}},
        outputs={"parameters": {OUT: LIST}},
        selected={"parameters": {OUT: selected("in", OUT)}},
    )
    run = Rehearsal.of(pipeline({"for": loop("inner", "[1, 2]")}, {"body": BODY, "inner": inner}))
    for number, path in enumerate(f"for[{first}]/in[{second}]/make" for first in (0, 1) for second in (0, 1)):
        run.succeed(path, out=number)
    assert outputs(run, "for").parameters == {OUT: [0, 1, 2, 3]}
    assert outputs(run, "for[1]/in").parameters == {OUT: [2, 3]}


def test_a_list_that_a_task_made_stays_a_list() -> None:
    component = leaf(inputs={"parameters": {"item": integer()}}, outputs={"parameters": {"out": LIST}})
    run = Rehearsal.of(pipeline({"for": loop("lister", "[1, 2]")}, {"lister": component}))
    run.succeed("for[0]", out=[1, 2])
    run.succeed("for[1]", out=[3])
    assert outputs(run, "for").parameters == {"out": [[1, 2], [3]]}


def test_collected_artifacts_are_one_list_without_gaps() -> None:
    declared = {"artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}}}
    component = leaf(inputs={"parameters": {"item": integer()}}, outputs=declared)
    run = Rehearsal.of(pipeline({"for": loop("writer", "[1, 2, 3]")}, {"writer": component}))
    made = {index: Artifact(name="data", uri=f"/{index}") for index in (0, 2)}
    for index, artifact in made.items():
        run.succeed(f"for[{index}]", outputs=Outputs(artifacts={"data": (artifact,)}))
    run.fail("for[1]")
    assert outputs(run, "for").artifacts == {"data": (made[0], made[2])}


# --- OneOf ------------------------------------------------------------------------------------------------------------


def branch(taken: str) -> str:
    return f"inputs.parameter_values['word'] == '{taken}'"


def one_of(word: str) -> Rehearsal:
    """Two branches, and a OneOf of what they make; the second selector comes first in the DAG."""
    word_in = {"parameters": {"word": TEXT}}
    made = {"first": selected("if-a"), "second": selected("if-b")}
    branches = dag(
        {
            f"if-{taken}": task("case", given={"word": parent("word")},
                                triggerPolicy={"condition": branch(taken)})
            for taken in ("b", "a")
        },
        inputs=word_in,
        outputs={"parameters": {"chosen": integer()}},
        selected={"parameters": {"chosen": {"valueFromOneof": {"parameterSelectors": [
            made["first"]["valueFromParameter"], made["second"]["valueFromParameter"]]}}}},
    )  # fmt: skip
    case = dag(
        {"make": task("maker")},
        inputs=word_in,
        outputs={"parameters": {"out": integer()}},
        selected={"parameters": {"out": selected("make")}},
    )
    tasks = {
        "branches": task("branches", given={"word": constant(word)}),
        "use": task("user", given={"n": output_of("branches", "chosen")}),
    }
    user = leaf(inputs={"parameters": {"n": integer()}})
    return Rehearsal.of(pipeline(tasks, {"branches": branches, "case": case, "user": user}))


@pytest.mark.parametrize(("word", "value"), [("a", 1), ("b", 2)])
def test_one_of_is_what_the_taken_branch_made(word: str, value: int) -> None:
    run = one_of(word)
    run.succeed(f"branches/if-{word}/make", out=value)
    assert inputs(run, "use") == {"n": value}


def test_one_of_no_branch_is_missing() -> None:
    run = one_of("c")
    assert run.error("use") == (
        5, "input 'n' has no value and no default: 'branches' ended SUCCEEDED without output 'chosen'",
    )  # fmt: skip


def test_of_two_that_were_made_the_first_selector_counts() -> None:
    chosen = {"valueFromOneof": {"parameterSelectors": [
        {"producerSubtask": name, "outputParameterKey": "out"} for name in ("second", "first")]}}  # fmt: skip
    loaded = pipeline(
        {"first": task("maker"), "second": task("maker")},
        outputs={"parameters": {"chosen": integer()}},
        selected={"parameters": {"chosen": chosen}},
    )
    run = Rehearsal.of(loaded)
    run.succeed("first", out=1)
    run.succeed("second", out=2)
    assert outputs(run, "").parameters == {"chosen": 2}


# --- how many at once -------------------------------------------------------------------------------------------------


def test_a_leaf_iteration_is_a_task_and_a_group_iteration_an_iteration() -> None:
    run = Rehearsal.of(
        pipeline({"leaves": loop("item", "[1]"), "groups": loop("body", "[1]")}, {"body": BODY})
    )  # fmt: skip
    assert run.run.tasks[TaskPath("leaves[0]")].kind is Kind.TASK
    assert run.run.tasks[TaskPath("groups[0]")].kind is Kind.ITERATION


def test_the_next_iteration_is_let_in_as_one_ends() -> None:
    run = Rehearsal.of(pipeline({"for": loop("item", "[1, 2, 3, 4]", limit=2)}))
    assert asked(run.asked) == ["for[0]", "for[1]"]
    assert asked(run.fail("for[1]")) == ["for[2]"]
    assert asked(run.succeed("for[0]")) == ["for[3]"]
    assert asked(run.succeed("for[2]")) == []


def asked(commands: Sequence[Command]) -> list[str]:
    """The paths of the attempts that are asked for."""
    return [command.path for command in commands if isinstance(command, Start)]
