"""What a run may be given."""

from pathlib import Path
from typing import Any

import pytest
from spec_documents import STATUS, pipeline, text

from postlude.spec.arguments import check_arguments
from postlude.spec.load import load
from postlude.spec.problem import SpecError
from postlude.spec.types import Pipeline

INPUTS = {
    "rate": text("NUMBER_DOUBLE"),
    "epochs": text("NUMBER_INTEGER", defaultValue=3.0, isOptional=True),
    "name": text(defaultValue="x"),
    "fast": text("BOOLEAN", isOptional=True),
    "layers": text("LIST", isOptional=True),
    "extra": text("STRUCT", isOptional=True),
    "mode": text(isOptional=True, literals=["a", "b"]),
}


def declared(inputs: Any = None, artifacts: Any = None) -> Pipeline:
    source = pipeline({}, inputs=INPUTS if inputs is None else inputs)
    source["root"]["inputDefinitions"]["artifacts"] = artifacts or {}
    return load(source, name="demo.yaml")


def refused(arguments: Any, pipeline: Pipeline) -> str:
    with pytest.raises(SpecError) as raised:
        check_arguments(pipeline, arguments)
    return str(raised.value)


def test_what_was_given_is_returned_and_nothing_else() -> None:
    given = {"rate": 1, "epochs": 2.0, "fast": False, "layers": [1], "extra": {"a": 1}, "mode": "b", "name": None}
    found = check_arguments(declared(), given)
    assert (found, type(found["epochs"])) == (given, int)


def test_every_problem_is_reported_at_once() -> None:
    given = {"epochs": 2.5, "name": 1, "fast": "yes", "layers": {}, "extra": [], "mode": "c", "ratte": 1}
    said = [
        "arguments has 8 problems:",
        "  $.ratte: is no parameter of pipeline 'demo'. Use 'rate'.",
        "  $.rate: is missing, and required. Give it a number.",
        "  $.epochs: is 2.5 (a number), where an integer belongs (NUMBER_INTEGER).",
        "  $.name: is 1 (a number), where text belongs (STRING).",
        '  $.fast: is "yes" (text), where true or false belongs (BOOLEAN).',
        "  $.layers: is an object, where a list belongs (LIST).",
        "  $.extra: is a list, where an object belongs (STRUCT).",
        '  $.mode: is "c" (text). Use one of "a" (text), "b" (text).',
    ]
    assert refused(given, declared()).splitlines() == said


@pytest.mark.parametrize("name", ["rate", "epochs"])
def test_a_boolean_is_no_number(name: str) -> None:
    kind = {"rate": "a number belongs (NUMBER_DOUBLE)", "epochs": "an integer belongs (NUMBER_INTEGER)"}[name]
    said = refused({"rate": 1, name: True}, declared())
    assert said == f"arguments has 1 problem:\n  $.{name}: is true (a boolean), where {kind}."


HALF = "holds half of a surrogate pair, which is no text. Give valid Unicode."
NOT_FINITE = "holds {}, a number that JSON does not have. Give a finite number."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "\ud800"}, HALF),
        ({"layers": [["\udfff"]]}, HALF),
        ({"extra": {"\udc80": 1}}, HALF),
        ({"rate": float("nan")}, NOT_FINITE.format("nan")),
        ({"extra": {"a": float("-inf")}}, NOT_FINITE.format("-inf")),
        ({"name": Path("x")}, f"holds a value of type {type(Path()).__name__}, which JSON does not have. Convert it."),
        ({"extra": {"a": {1}}}, "holds a value of type set, which JSON does not have. Convert it."),
        ({"extra": {1: "a"}}, "holds 1 as a key, where JSON has texts. Convert it."),
    ],
)
def test_what_json_does_not_have_is_refused(given: dict[str, Any], said: str) -> None:
    assert refused({"rate": 1, **given}, declared()) == f"arguments has 1 problem:\n  $.{next(iter(given))}: {said}"


def test_null_is_no_value_for_a_required_parameter() -> None:
    said = refused({"rate": None}, declared())
    assert said == "arguments has 1 problem:\n  $.rate: is null, where a number belongs (NUMBER_DOUBLE)."


def test_h13_the_pipeline_itself_takes_no_final_status() -> None:
    assert refused({}, declared(STATUS)) == (
        "arguments has 1 problem:\n  $.status: has type TASK_FINAL_STATUS, invalid for root component. "
        "Use the component as the exit task of a pipeline."
    )


def test_a_required_input_artifact_cannot_be_given() -> None:
    assert refused({}, declared({}, {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}})) == (
        "arguments has 1 problem:\n  $.data: is a required input artifact. A run takes parameters only: import it with "
        "dsl.importer in the pipeline, or make it optional."
    )


def test_an_optional_input_artifact_is_left_out() -> None:
    pipeline = declared({}, {"data": {"isOptional": True}})
    assert check_arguments(pipeline, {}) == {}
    assert refused({"data": "x"}, pipeline) == (
        "arguments has 1 problem:\n  $.data: is an input artifact, and a run takes parameters only. Import it with "
        "dsl.importer in the pipeline."
    )


def test_errors_name_their_source() -> None:
    with pytest.raises(SpecError, match=r"^params\.yaml has 1 problem:"):
        check_arguments(declared(), {}, source="params.yaml")
