"""CEL as the SDK's compiler writes it, and as authors of IR may."""

from typing import Any

import pytest

from postlude.core.condition import holds
from postlude.core.task import Artifact, Code, Inputs, TaskError

X = "inputs.parameter_values['x']"
Y = "inputs.parameter_values['y']"


def given(*values: Any) -> Inputs:
    return Inputs(parameters=dict(zip("xyz", values, strict=False)))


@pytest.mark.parametrize(
    ("condition", "values", "holding"),
    [
        # what the compiler emits
        pytest.param(f"{X} == 'heads'", ["heads"], True, id="text"),
        pytest.param(f"{X} == 'heads'", ["tails"], False, id="another text"),
        pytest.param(f"{X} != 'heads'", ["tails"], True, id="not that text"),
        pytest.param(f"{X} == {Y}", ["a", "a"], True, id="two inputs"),
        pytest.param(f"int({X}) > 5", [6], True, id="int of an integer"),
        pytest.param(f"int({X}) > 5", ["6"], True, id="int of a text"),
        pytest.param(f"int({X}) >= 6", [6.0], True, id="int of a double"),
        pytest.param(f"{X} == 1", [1.0], True, id="double, whole literal"),
        pytest.param(f"{X} == 1.0", [1], True, id="integer, double literal"),
        pytest.param(f"{X} < 1.5", [1], True, id="integer below a double"),
        pytest.param(f"{X} <= 0.1", [0.1], True, id="doubles"),
        pytest.param(f"{X} == true", [True], True, id="boolean"),
        pytest.param(f"{X} == false", [True], False, id="another boolean"),
        pytest.param(f"{X} == 1", [True], False, id="a boolean is no number"),
        pytest.param(f"{X} == '1'", [1], False, id="a number is no text"),
        pytest.param(f"{X} > 'b'", ["c"], True, id="texts have an order"),
        pytest.param(f"!({X} == 'a') && {X} == 'b'", ["b"], True, id="elif"),
        pytest.param(f"!({X} == 'a') && !({X} == 'b')", ["c"], True, id="else"),
        pytest.param(f"!(int({X}) == 0) && int({X}) == 1", [1], True, id="elif over integers"),
        # what authors may write
        pytest.param(f"{X} == 'a' || {Y} == 'b'", ["c", "b"], True, id="or"),
        pytest.param(f"!({X} && ({Y} || false))", [True, False], True, id="nested"),
        pytest.param(f"'a' in {X}", [["a", "b"]], True, id="in a list"),
        pytest.param(f"'a' in {X}", [{"a": 1}], True, id="in an object"),
        pytest.param(f"!({X} in ['a', 'b'])", ["c"], True, id="not in a literal list"),
        pytest.param("has(inputs.parameter_values.x)", [1], True, id="has"),
        pytest.param("has(inputs.parameter_values.y)", [1], False, id="has not"),
        pytest.param(f"size({X}) == 2", [[1, 2]], True, id="size of a list"),
        pytest.param(f"size({X}) == 2", ["ab"], True, id="size of a text"),
        pytest.param(f"{X}['a']['b'] == 2", [{"a": {"b": 2}}], True, id="keys"),
        pytest.param(f"{X}.a == 2", [{"a": 2}], True, id="fields"),
        pytest.param(f"{X}[0] == 2", [[2]], True, id="index"),
        pytest.param(f"{X}.startsWith('a') && {X}.endsWith('c')", ["abc"], True, id="starts and ends"),
        pytest.param(f"{X}.contains('b') && {X}.matches('^a.c$')", ["abc"], True, id="contains and matches"),
        pytest.param(f"double({X}) > 2.4 && string({Y}) == '2'", ["2.5", 2], True, id="conversions"),
        pytest.param(f"{X}['state'] == 'FAILED'", [{"state": "FAILED"}], True, id="a final status"),
        pytest.param("inputs.parameters['x'].string_value == '1'", [1], True, id="early SDKs, text"),
        pytest.param("inputs.parameters['x'].int_value > 0", [1], True, id="early SDKs, integer"),
        pytest.param("inputs.parameters['x'].double_value > 0.5", [1], True, id="early SDKs, double"),
        pytest.param(f"{X} == 'é\"'", ['é"'], True, id="any characters"),
    ],
)
def test_holds(condition: str, values: list[Any], *, holding: bool) -> None:
    assert holds(condition, given(*values)) is holding


def test_artifacts_can_be_asked() -> None:
    data = Artifact(name="d", uri="/d", metadata={"rows": 3})
    found = holds("inputs.artifacts['d'].artifacts[0].metadata['rows'] > 2", Inputs(artifacts={"d": (data,)}))
    assert found is True


@pytest.mark.parametrize(
    ("condition", "values", "cause"),
    [
        pytest.param(f"{Y} == 1", [1], "there is no 'y'", id="missing input"),
        pytest.param(f"{X}['b'] == 1", [{"a": 1}], "there is no 'b'", id="missing key"),
        pytest.param(X, ["a"], 'it gives "a", not true or false', id="no verdict"),
        pytest.param(f"{X} > 'a'", [1], "No such overload", id="types without an order"),
        pytest.param(f"int({X}) > 1", ["abc"], "Function 'int' error", id="no integer"),
        pytest.param(f"{X} ===", ["a"], "Failed to parse expression", id="syntax"),
        pytest.param(f"{X} / 0 == 1", [1], "division by zero", id="division by zero"),
        pytest.param("__import__('os')", [], "Undefined variable or function", id="Python is not CEL"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_says_why(condition: str, values: list[Any], cause: str) -> None:
    found = holds(condition, given(*values))
    assert isinstance(found, TaskError)
    assert found.code is Code.INVALID_ARGUMENT
    assert found.message.startswith(f"condition cannot be evaluated: {condition}: {cause}")
    assert "\n" not in found.message
