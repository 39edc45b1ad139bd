"""Paths of a pipeline's tasks: what they are, what they cover, and what is said of one that is none."""

import pytest

from postlude.spec.paths import covers, pattern_of, places, refusal
from run_lab import dag, loop, pipeline, task

NESTED = pipeline(
    {"prepare": task(), "group": task("body"), "each": loop("item", "[1]")},
    {
        "body": dag({"train": task(), "rows": loop("row", "[1]")}),
        "row": dag({"check": task()}, inputs={"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}}),
    },
)


def test_every_task_and_group_has_a_place() -> None:
    assert {path: place.leaf for path, place in places(NESTED).items()} == {
        "prepare": True,
        "group": False,
        "group/train": True,
        "group/rows": False,
        "group/rows[*]": False,
        "group/rows[*]/check": True,
        "each": False,
        "each[*]": True,
    }


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("group/train", "group/train", True),
        ("group/train", "group/train2", False),
        ("rows[*]/check", "rows[12]/check", True),
        ("rows[*]/check", "rows[12]/check/x", False),
        ("rows[1]/check", "rows[12]/check", False),
        ("a[*]/b[0]", "a[3]/b[0]", True),
        ("a[*]/b[0]", "a[3]/b[1]", False),
        ("a.c[*]", "abc[0]", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, path: str, covered: bool) -> None:  # noqa: FBT001 - a table's column
    assert covers(pattern, path) is covered


def test_the_pattern_of_a_path_has_no_index() -> None:
    assert pattern_of("a[3]/b[12]/c") == "a[*]/b[*]/c"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("group/train", ""),
        ("group/rows[7]/check", ""),
        ("group", "is a group. Name a leaf: group/train, group/rows[*]/check."),
        ("group/rows", "is a group. Name a leaf: group/rows[*]/check."),
        ("each", "is a group. Name a leaf: each[*]."),
        ("group/rows/check", "the pipeline has no such task. Use group/rows[*]/check."),
        ("trian", "the pipeline has no such task. Use group/train."),
        ("group/trian", "the pipeline has no such task. Use group/train."),
        ("zzzzzz", "the pipeline has no such task. It has: prepare, group/train, group/rows[*]/check, each[*]."),
    ],
)
def test_what_is_said_of_a_path_that_names_no_leaf(path: str, said: str) -> None:
    assert refusal(places(NESTED), path) == said
