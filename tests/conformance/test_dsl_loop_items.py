"""Items of loops, and keys of items, in groups and exit tasks written with `postlude.dsl`.

The SDK brings some of them to where they are not used, and to where they are used not at all.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from components import both_or, echo, number, ok, report_text
from harness import Harness

from postlude import dsl

PEOPLE = [{"who": "ann", "town": "Bonn"}, {"who": "bob", "town": "Ulm"}]


def made_by(harness: Harness, pipeline: Any, paths: Iterable[str]) -> dict[str, Any]:
    """What the tasks at the paths gave out; of an exit task the text that it was given."""
    result = harness.run(pipeline)
    given_out = {path: result.told(path) for path in paths}
    return {path: each["text"] if "report" in path else each for path, each in given_out.items()}


@dsl.pipeline(name="names")
def a_parameter_whose_name_is_part_of_the_lists(n: int = 7, names: list = ["a"]) -> None:  # noqa: B006 - the SDK copies a default into the pipeline
    with dsl.ParallelFor(names) as name:
        with dsl.ExitHandler(report_text(text=f"{name} {n}")), dsl.If(n == 7):
            number(value=n)


@dsl.pipeline(name="names")
def a_list_whose_name_is_part_of_another_ones(old_names: list = ["a"], names: list = ["b"]) -> None:  # noqa: B006 - as above
    with dsl.ParallelFor(old_names) as old, dsl.ExitHandler(report_text(text=old)):
        with dsl.ParallelFor(names) as name, dsl.ExitHandler(report_text(text=f"{old} {name}")):
            ok()


@dsl.pipeline(name="texts")
def an_item_in_a_text(words: list = ["a"]) -> None:  # noqa: B006 - as above
    with dsl.ExitHandler(report_text()), dsl.ParallelFor(words) as word:
        echo(text=f"<{word}>")
        with dsl.ExitHandler(report_text(text=f"({word})")):
            echo(text=f"[{word}]")


@dsl.pipeline(name="keys")
def keys_of_constants() -> None:
    with dsl.ParallelFor(PEOPLE) as person, dsl.ExitHandler(report_text(text=person.town)):
        with dsl.If(person.who == "ann"), dsl.If(person.town == "Bonn"):
            both_or(first=person.who, second=person.town)


@dsl.pipeline(name="keys")
def keys_of_a_parameter(people: list = PEOPLE) -> None:
    with dsl.ParallelFor(people) as person, dsl.ExitHandler(report_text(text=person.town)):
        with dsl.If(person.who == "ann"), dsl.If(person.town == "Bonn"):
            both_or(first=person.who, second=person.town)


@dsl.pipeline(name="items-of-items")
def items_of_items(groups: list = [{"words": ["a", "b"]}]) -> None:  # noqa: B006 - as above
    with dsl.ParallelFor(groups) as group, dsl.ExitHandler(report_text(text="outer")):
        with dsl.ParallelFor(group.words) as word, dsl.ExitHandler(report_text(text=f"inner {word}")):
            echo(text=word)


ANN = {"first": "ann", "second": "Bonn"}


@pytest.mark.parametrize(
    ("pipeline", "made"),
    [
        pytest.param(
            a_parameter_whose_name_is_part_of_the_lists,
            {"for-loop-1[0]/report-text": "a 7", "for-loop-1[0]/exit-handler-2/condition-3/number": 7},
            id="a-parameter-whose-name-is-part-of-the-lists",
        ),
        pytest.param(
            a_list_whose_name_is_part_of_another_ones,
            {"for-loop-1[0]/report-text": "a", "for-loop-1[0]/exit-handler-2/for-loop-3[0]/report-text-2": "a b"},
            id="a-list-whose-name-is-part-of-another-ones",
        ),
        pytest.param(
            an_item_in_a_text,
            {
                "exit-handler-1/for-loop-2[0]/echo": "<a>",
                "exit-handler-1/for-loop-2[0]/exit-handler-3/echo-2": "[a]",
                "exit-handler-1/for-loop-2[0]/report-text-2": "(a)",
            },
            id="an-item-in-a-text",
        ),
        pytest.param(
            keys_of_constants,
            {
                "for-loop-2[0]/exit-handler-3/condition-4/condition-5/both-or": ANN,
                "for-loop-2[0]/report-text": "Bonn",
                "for-loop-2[1]/report-text": "Ulm",
            },
            id="keys-of-constants",
        ),
        pytest.param(
            keys_of_a_parameter,
            {
                "for-loop-1[0]/exit-handler-2/condition-3/condition-4/both-or": ANN,
                "for-loop-1[0]/report-text": "Bonn",
                "for-loop-1[1]/report-text": "Ulm",
            },
            id="keys-of-a-parameter",
        ),
        pytest.param(
            items_of_items,
            {
                "for-loop-1[0]/report-text": "outer",
                "for-loop-1[0]/exit-handler-2/for-loop-3[0]/report-text-2": "inner a",
                "for-loop-1[0]/exit-handler-2/for-loop-3[1]/report-text-2": "inner b",
            },
            id="items-of-items",
        ),
    ],
)
def test_D4_items_get_to_where_they_are_used(harness: Harness, pipeline: Any, made: dict[str, Any]) -> None:
    assert made_by(harness, pipeline, made) == made


def in_a_text_after_its_loop(words: list) -> None:
    with dsl.ExitHandler(lambda: report_text(text=f"<{word}>")), dsl.ParallelFor(words) as word:
        echo(text=word)


def a_key_in_a_text_after_its_loop() -> None:
    with dsl.ExitHandler(lambda: report_text(text=f"<{person.who}>")), dsl.ParallelFor(PEOPLE) as person:
        echo(text=person.who)


def a_key_in_a_text(people: list) -> None:
    with dsl.ParallelFor(people) as person:
        echo(text=f"<{person.who}>")


def the_same_list_twice(words: list) -> None:
    with dsl.ParallelFor(words) as one, dsl.ParallelFor(words):
        echo(text=one)


ENDED = (
    "ExitHandler exit-handler-1: the input 'text' of its exit task 'report-text' is an item of a loop inside, which "
    "has ended. Pass the loop's items instead."
)


@pytest.mark.parametrize(
    ("pipeline", "text"),
    [
        pytest.param(in_a_text_after_its_loop, ENDED, id="an-item-in-a-text-after-its-loop"),
        pytest.param(a_key_in_a_text_after_its_loop, ENDED, id="a-key-in-a-text-after-its-loop"),
        pytest.param(
            a_key_in_a_text,
            "echo: a text among its arguments holds 'who' of a loop's item, which the SDK cannot compile. Pass "
            "item.who as an argument of its own, and make the text in the component.",
            id="a-key-in-a-text",
        ),
        pytest.param(
            the_same_list_twice,
            "for-loop-2: loops over what for-loop-1 around it loops over, and the SDK takes the items of both for the "
            "same. Pass the list as two parameters, or loop over two tasks' outputs.",
            id="the-same-list-twice",
        ),
    ],
)
def test_what_no_item_can_mean_is_refused(pipeline: Callable[..., object], text: str) -> None:
    with pytest.raises(dsl.DslError, match=f"^{re.escape(text)}$"):
        dsl.pipeline(name="refused")(pipeline)
