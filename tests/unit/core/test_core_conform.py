"""Every type by every kind of value."""

import math
from typing import Any

import pytest

from postlude.core.conform import MisfitError, conform, parse_text, preview
from postlude.spec.placeholders import render_text
from postlude.spec.types import ParameterType

Double, Integer, String = ParameterType.NUMBER_DOUBLE, ParameterType.NUMBER_INTEGER, ParameterType.STRING
Boolean, List, Struct = ParameterType.BOOLEAN, ParameterType.LIST, ParameterType.STRUCT
Status, Config = ParameterType.TASK_FINAL_STATUS, ParameterType.TASK_CONFIG

VALUES = {"true": True, "int": 2, "whole": 2.0, "float": 2.5, "text": "2", "list": [1], "object": {"a": 1}}
FITS: dict[ParameterType, dict[str, Any]] = {
    Double: {"int": 2.0, "whole": 2.0, "float": 2.5},
    Integer: {"int": 2, "whole": 2},
    String: {
        "true": "true", "int": "2", "whole": "2", "float": "2.5", "text": "2", "list": "[1]", "object": '{"a":1}',
    },
    Boolean: {"true": True},
    List: {"list": [1]},
    Struct: {"object": {"a": 1}},
    Status: {"object": {"a": 1}},
    Config: {"object": {"a": 1}},
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("declared", ParameterType)
def test_conform(declared: ParameterType, name: str) -> None:
    if name in FITS[declared]:
        found = conform(VALUES[name], declared)
        assert (found, type(found)) == (FITS[declared][name], type(FITS[declared][name]))
    else:
        with pytest.raises(MisfitError) as refused:
            conform(VALUES[name], declared)
        assert str(refused.value) == f"expected {declared.value}, got {preview(VALUES[name])}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("declared", [Double, Integer])
def test_what_is_no_number_in_json_is_no_number(declared: ParameterType, value: float) -> None:
    with pytest.raises(MisfitError) as refused:
        conform(value, declared)
    assert str(refused.value) == f"expected {declared.value}, got {value}"


def test_an_integer_beyond_every_double_is_no_double() -> None:
    with pytest.raises(MisfitError, match=r"^expected NUMBER_DOUBLE, got 1000"):
        conform(10**400, Double)


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        pytest.param("a b\n", String, "a b\n", id="a text as it stands"),
        pytest.param("", String, "", id="an empty text"),
        pytest.param(" 7\n", Integer, 7, id="white space around a number"),
        pytest.param("7.0", Integer, 7, id="a whole double"),
        pytest.param("7", Double, 7.0, id="an integer for a double"),
        pytest.param("true", Boolean, True, id="a boolean"),
        pytest.param("False\n", Boolean, False, id="a boolean in Python's spelling"),
        pytest.param("1", Boolean, True, id="a boolean in the shell's spelling"),
        pytest.param("[1, 2]\n", List, [1, 2], id="a list"),
        pytest.param('{"a": null}', Struct, {"a": None}, id="an object"),
    ],
)
def test_parse_text(text: str, declared: ParameterType, value: Any) -> None:
    found = parse_text(text, declared)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "declared", "message"),
    [
        pytest.param("seven", Integer, 'expected NUMBER_INTEGER, got "seven"', id="no JSON"),
        pytest.param("NaN", Double, 'expected NUMBER_DOUBLE, got "NaN"', id="not a number"),
        pytest.param("yes", Boolean, 'expected BOOLEAN, got "yes"', id="a word for true"),
        pytest.param("7.5", Integer, "expected NUMBER_INTEGER, got 7.5", id="a fraction"),
        pytest.param("", Integer, 'expected NUMBER_INTEGER, got ""', id="nothing"),
        pytest.param("[1]", Struct, "expected STRUCT, got [1]", id="JSON of another type"),
    ],
)
def test_parse_text_refuses(text: str, declared: ParameterType, message: str) -> None:
    with pytest.raises(MisfitError) as refused:
        parse_text(text, declared)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (1, "1"), (1.0, "1"), (1.5, "1.5"), (True, "true"), (None, "null"), ([1, "a"], '[1,"a"]')],
)
def test_render_text(value: Any, text: str) -> None:
    assert render_text(value) == text


def test_a_long_value_is_cut_in_messages() -> None:
    assert preview("x" * 100) == '"' + "x" * 76 + "..."
