"""What a function returned, as outputs of the component that it stands in for."""

from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from postlude.testing import Artifact
from postlude.testing.produced import UnfitResultError, named, report

Pair = namedtuple("Pair", ["loss", "grade"])  # noqa: PYI024 - both kinds are what authors write
MODEL = Artifact(uri="gs://bucket/model")


@pytest.mark.parametrize(
    ("returned", "parameters", "artifacts", "found"),
    [
        pytest.param(None, ["Output"], [], {}, id="nothing"),
        pytest.param(3, [], [], {}, id="no-outputs"),
        pytest.param(3, ["Output"], ["model"], {"Output": 3}, id="the-one-result"),
        pytest.param({"loss": 1}, ["Output"], [], {"Output": {"loss": 1}}, id="the-one-result-is-a-dict"),
        pytest.param(Pair(1, "a"), ["loss", "grade"], [], {"loss": 1, "grade": "a"}, id="named-tuple"),
        pytest.param({"loss": 1}, ["loss", "grade"], ["model"], {"loss": 1}, id="dict-of-some"),
        pytest.param({}, ["loss", "grade"], [], {}, id="dict-of-none"),
        pytest.param({"model": "x"}, ["loss"], ["model"], {"model": "x"}, id="dict-of-an-artifact"),
        pytest.param(3, ["loss"], ["model"], {"loss": 3}, id="the-only-parameter"),
        pytest.param({"a": 1}, ["settings"], [], {"settings": {"a": 1}}, id="the-only-parameter-is-a-dict"),
        pytest.param({}, ["settings"], [], {"settings": {}}, id="the-only-parameter-is-an-empty-dict"),
        pytest.param("weights", [], ["model"], {"model": "weights"}, id="text-of-the-only-artifact"),
        pytest.param(b"weights", [], ["model"], {"model": b"weights"}, id="bytes-of-the-only-artifact"),
        pytest.param(MODEL, [], ["model"], {"model": MODEL}, id="the-only-artifact"),
        pytest.param(7, [], ["model"], {}, id="what-a-write-returns"),
    ],
)
def test_what_is_returned_is_told_apart(returned: Any, parameters: list[str], artifacts: list[str], found: Any) -> None:
    assert named(returned, parameters, artifacts) == found


@pytest.mark.parametrize(
    ("returned", "parameters", "shown"),
    [
        pytest.param((1, "a"), ["loss", "grade"], "(1, 'a')", id="tuple"),
        pytest.param({"los": 1}, ["loss", "grade"], "{'los': 1}", id="unknown-name"),
        pytest.param("x" * 200, ["loss", "grade"], "'" + "x" * 99 + "…", id="long"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(returned: Any, parameters: list[str], shown: str) -> None:
    with pytest.raises(UnfitResultError) as refused:
        named(returned, parameters, ["model"])
    outputs = "grade, loss, model"
    assert str(refused.value) == (
        f"returned {shown}, and the task's outputs are {outputs}: return a dict or a NamedTuple with these names"
    )


def wanted(tmp_path: Path) -> dict[str, Any]:
    told = {"name": "Output", "uri": str(tmp_path / "Output"), "type": {"schemaTitle": "x"}, "metadata": {}}
    return {"parameters": {}, "artifacts": {"Output": {"artifacts": [told]}}}


def returned_artifact(value: Any, tmp_path: Path) -> Any:
    [found] = report(value, wanted(tmp_path), {}, "")["artifacts"]["Output"]["artifacts"]
    return {key: found[key] for key in ("name", "uri", "metadata")}


@pytest.mark.parametrize("content", ["weights", b"weights"], ids=["text", "bytes"])
def test_the_content_of_an_artifact_is_written_to_its_place(content: str | bytes, tmp_path: Path) -> None:
    expected = {"name": "Output", "uri": str(tmp_path / "Output"), "metadata": {}}
    assert returned_artifact(content, tmp_path) == expected
    assert (tmp_path / "Output").read_text() == "weights"


@pytest.mark.parametrize("kind", [Artifact, dsl.Model], ids=["ours", "the-sdks"])
def test_an_artifact_that_is_returned_says_where_it_is(kind: Any, tmp_path: Path) -> None:
    found = returned_artifact(kind(name="mine", uri="gs://b/m", metadata={"loss": 1}), tmp_path)
    assert found == {"name": "Output", "uri": "gs://b/m", "metadata": {"loss": 1}}
    without_place = returned_artifact(kind(metadata={"loss": 1}), tmp_path)
    assert without_place == {"name": "Output", "uri": str(tmp_path / "Output"), "metadata": {"loss": 1}}


def test_what_is_no_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnfitResultError) as refused:
        returned_artifact(3, tmp_path)
    assert str(refused.value) == (
        "returned 3 as output 'Output', which is an artifact: return its text, its bytes or an artifact, "
        "or write to the one it is given"
    )


def test_another_path_that_a_function_chose_is_reported() -> None:
    artifact = Artifact(name="model", uri="/kept/model", path="/kept/model")
    artifact.path = "/elsewhere/model"
    found = report(None, {"parameters": {}, "artifacts": {}}, {"model": artifact}, "")
    assert found["artifacts"]["model"]["artifacts"] == [
        {"name": "model", "uri": "/kept/model", "metadata": {}, "custom_path": "/elsewhere/model"}
    ]
