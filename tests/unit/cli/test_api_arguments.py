from pathlib import Path

import pytest
from cli_ir import pipeline, task

from postlude.api.arguments import read_arguments
from postlude.spec.load import load
from postlude.spec.problem import ConfigError, SpecError
from postlude.spec.types import Json

TYPES = {
    "text": "STRING",
    "rate": "NUMBER_DOUBLE",
    "count": "NUMBER_INTEGER",
    "flag": "BOOLEAN",
    "items": "LIST",
    "table": "STRUCT",
}
DECLARED = {name: {"parameterType": word, "isOptional": True} for name, word in TYPES.items()}
PIPELINE = load([pipeline({"a": task("comp-a")}, **DECLARED)], name="demo.yaml")


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        pytest.param("text=1", "1", id="strings-as-they-stand"),
        pytest.param("text=a=b", "a=b", id="the-first-equals-sign-splits"),
        pytest.param("text=", "", id="empty-string"),
        pytest.param("rate=0.5", 0.5, id="double"),
        pytest.param("count=3", 3, id="integer"),
        pytest.param("flag=true", True, id="boolean"),
        pytest.param('items=["a", 1]', ["a", 1], id="list"),
        pytest.param('table={"k": null}', {"k": None}, id="struct"),
        pytest.param("unknown=x", "x", id="unknown-names-are-left-to-check-arguments"),
    ],
)
def test_a_pair_is_read_by_the_declared_type(pair: str, value: Json) -> None:
    assert read_arguments(PIPELINE, [pair], None) == {pair.partition("=")[0]: value}


def test_every_bad_pair_is_said_at_once() -> None:
    with pytest.raises(SpecError) as refused:
        read_arguments(PIPELINE, ["flag=True", "rate", "count=1", "count=2", "items=a"], None)
    assert str(refused.value).splitlines() == [
        "the command line has 4 problems:",
        "  -p flag=True: the value is not JSON, and 'flag' is a BOOLEAN. Write, say, -p flag=true.",
        "  -p rate: is not NAME=VALUE. Write a parameter's name, '=' and its value.",
        "  -p count=2: gives 'count' a second value. Give one.",
        "  -p items=a: the value is not JSON, and 'items' is a LIST. Write, say, -p items='[\"a\", \"b\"]'.",
    ]


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "count: 1\ntext: 2026-01-02\n"), ("a.json", '{"count": 1, "text": "2026-01-02"}')]
)
def test_pairs_win_over_the_file(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert read_arguments(PIPELINE, ["count=2"], file) == {"count": 2, "text": "2026-01-02"}


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# none\n")
    assert read_arguments(PIPELINE, [], file) == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "- 1\n", "a.yaml: holds a list. Write a mapping of parameter names to values."),
        ("a.yaml", "1: 2\n", "a.yaml: holds names that are not strings. Write a mapping"),
        ("a.yaml", "a: [\n", "a.yaml: neither JSON nor YAML can be read from it: while parsing a flow node"),
        ("a.json", "{", "a.json: neither JSON nor YAML can be read from it: Input data was truncated"),
        ("a.yaml", "a: !!python/object/apply:os.system [id]\n", "could not determine a constructor"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_arguments(PIPELINE, [], file)
    assert said in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none.yaml: cannot be read \(No such file or directory\). Give a JSON or YAML"
    ):
        read_arguments(PIPELINE, [], tmp_path / "none.yaml")
