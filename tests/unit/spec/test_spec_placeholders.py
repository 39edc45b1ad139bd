"""What each placeholder form reads as, and how values take its place."""

import json
from typing import Any

import pytest
from msgspec import UNSET

from postlude.spec.placeholders import (
    ExecutorInputJson,
    InputArtifact,
    InputParameter,
    JsonEscape,
    OutputArtifact,
    OutputFile,
    OutputMetadataUri,
    OutputParameterFile,
    PipelineValue,
    Placeholder,
    Unknown,
    parse,
    render,
    render_argv,
    substitute,
)

VALUES: dict[Placeholder, Any] = {
    ExecutorInputJson(): {"inputs": {}},
    InputParameter("text"): "a b",
    InputParameter("count"): 3,
    InputParameter("whole"): 1.0,
    InputParameter("rate"): 0.5,
    InputParameter("flag"): True,
    InputParameter("nothing"): None,
    InputParameter("items"): [1, "x"],
    InputParameter("nested"): {"a": {"b": "deep"}},
    InputParameter("quoted"): 'say "hi"\n',
    InputArtifact("data", "uri"): "s3://bucket/data",
    InputArtifact("data", "metadata"): {"rows": 7},
    PipelineValue("pipeline_job_name"): "nightly",
    PipelineValue("workflow.status"): "Failed",
}


def lookup(placeholder: Placeholder) -> Any:
    return VALUES.get(placeholder, UNSET)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("{{$}}", ExecutorInputJson(), id="executor input"),
        pytest.param("{{$.inputs.parameters['x']}}", InputParameter("x"), id="parameter"),
        pytest.param('{{$.inputs.parameters["x"]}}', InputParameter("x"), id="double quotes"),
        pytest.param("{{$.inputs.parameters[''x'']}}", InputParameter("x"), id="doubled quotes"),
        pytest.param("{{$.inputs.parameters['a']['b']['c']}}", InputParameter("a", ("b", "c")), id="parameter keys"),
        pytest.param(
            "{{$.inputs.parameters['pipelinechannel--a-b-Output']}}",
            InputParameter("pipelinechannel--a-b-Output"),
            id="the compiler's names",
        ),
        pytest.param("{{$.inputs.artifacts['x']}}", InputArtifact("x"), id="artifact"),
        pytest.param("{{$.inputs.artifacts['x'].uri}}", InputArtifact("x", "uri"), id="artifact uri"),
        pytest.param("{{$.inputs.artifacts['x'].path}}", InputArtifact("x", "path"), id="artifact path"),
        pytest.param("{{$.inputs.artifacts['x'].name}}", InputArtifact("x", "name"), id="artifact name"),
        pytest.param("{{$.inputs.artifacts['x'].metadata}}", InputArtifact("x", "metadata"), id="artifact metadata"),
        pytest.param(
            "{{$.inputs.artifacts['x'].metadata['k']}}",
            InputArtifact("x", "metadata", ("k",)),
            id="artifact metadata key",
        ),
        pytest.param("{{$.outputs.artifacts['x']}}", OutputArtifact("x"), id="output artifact"),
        pytest.param("{{$.outputs.artifacts['x'].uri}}", OutputArtifact("x", "uri"), id="output uri"),
        pytest.param("{{$.outputs.artifacts['x'].path}}", OutputArtifact("x", "path"), id="output path"),
        pytest.param("{{$.outputs.artifacts['x'].metadata}}", OutputArtifact("x", "metadata"), id="output metadata"),
        pytest.param("{{$.outputs.parameters['x'].output_file}}", OutputParameterFile("x"), id="output parameter file"),
        pytest.param("{{$.outputs.output_file}}", OutputFile(), id="executor output file"),
        pytest.param("{{$.outputs.output_metadata_uri}}", OutputMetadataUri(), id="output metadata uri"),
        pytest.param("{{$.pipeline_task_uuid}}", PipelineValue("pipeline_task_uuid"), id="pipeline value"),
        pytest.param("{{$.workspace_path}}", PipelineValue("workspace_path"), id="workspace"),
        pytest.param("{{workflow.failures}}", PipelineValue("workflow.failures"), id="KFP v1 name"),
        pytest.param("{{ workflow.uid }}", PipelineValue("workflow.uid"), id="KFP v1 name with blanks"),
        pytest.param("{{$.workflow.outputs}}", PipelineValue("workflow.outputs"), id="KFP v1 name in KFP v2's form"),
        pytest.param("{{$.json_escape[1]}}", JsonEscape(1, ExecutorInputJson()), id="escaped executor input"),
        pytest.param(
            "{{$.inputs.parameters['x'].json_escape[0]}}", JsonEscape(0, InputParameter("x")), id="escaped parameter"
        ),
        pytest.param("{{$.foo}}", Unknown("{{$.foo}}"), id="unknown form"),
        pytest.param(
            "{{$.inputs.artifacts['x'].size}}", Unknown("{{$.inputs.artifacts['x'].size}}"), id="unknown field"
        ),
        pytest.param("{{workflow.labels}}", Unknown("{{workflow.labels}}"), id="unknown workflow value"),
    ],
)
def test_form(text: str, form: Placeholder) -> None:
    assert parse(f"a-{text}-b") == ("a-", form, "-b")


@pytest.mark.parametrize("text", ["", "plain", "{{}}", "{{ name }}", "{{ .Values.x }}", "{ {$} }", "{{$.inputs"])
def test_other_text_is_literal(text: str) -> None:
    assert parse(text) == ((text,) if text else ())


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        pytest.param("{{$}}", '{"inputs":{}}', id="object as compact JSON"),
        pytest.param("--x={{$.inputs.parameters['text']}}", "--x=a b", id="text as it stands"),
        pytest.param("{{$.inputs.parameters['count']}}", "3", id="integer"),
        pytest.param("{{$.inputs.parameters['whole']}}", "1", id="whole number"),
        pytest.param("{{$.inputs.parameters['rate']}}", "0.5", id="fraction"),
        pytest.param("{{$.inputs.parameters['flag']}}", "true", id="boolean"),
        pytest.param("{{$.inputs.parameters['nothing']}}", "null", id="null"),
        pytest.param("{{$.inputs.parameters['items']}}", '[1,"x"]', id="list"),
        pytest.param("{{$.inputs.parameters['nested']['a']['b']}}", "deep", id="keys are followed"),
        pytest.param("{{$.inputs.parameters['nested']['a']['c']}}", "null", id="missing key is null"),
        pytest.param("{{$.inputs.artifacts['data'].metadata['rows']}}", "7", id="metadata key"),
        pytest.param("{{$.inputs.parameters['quoted'].json_escape[0]}}", 'say "hi"\n', id="escape level 0"),
        pytest.param("{{$.inputs.parameters['quoted'].json_escape[1]}}", r"say \"hi\"\n", id="escape level 1"),
        pytest.param("{{$.inputs.parameters['quoted'].json_escape[2]}}", r"say \\\"hi\\\"\\n", id="escape level 2"),
        pytest.param("{{$.json_escape[1]}}", r"{\"inputs\":{}}", id="escaped executor input"),
        pytest.param("{{$.pipeline_job_name}}/{{workflow.status}}", "nightly/Failed", id="several"),
        pytest.param("{{{$.inputs.parameters['count']}}}", "{3}", id="braces around"),
        pytest.param("{{$.foo}} {{ x }}", "{{$.foo}} {{ x }}", id="unknown forms stay"),
        pytest.param('{{$.inputs.parameters["none"]}}', '{{$.inputs.parameters["none"]}}', id="unset stays as written"),
    ],
)
def test_render(text: str, rendered: str) -> None:
    assert render(text, lookup) == rendered


def test_values_are_not_rendered_again() -> None:
    assert render("{{$.inputs.parameters['x']}}", lambda _: "{{$}}") == "{{$}}"


@pytest.mark.parametrize(
    ("value", "substituted"),
    [
        pytest.param("{{$.inputs.parameters['count']}}", 3, id="a whole placeholder keeps the type"),
        pytest.param("n={{$.inputs.parameters['count']}}", "n=3", id="a part becomes text"),
        pytest.param(
            {"{{$.inputs.parameters['text']}}": ["{{$.inputs.parameters['items']}}", 1]},
            {"a b": [[1, "x"], 1]},
            id="keys and nested values",
        ),
        pytest.param(["{{$.foo}}"], ["{{$.foo}}"], id="unknown forms stay"),
    ],
)
def test_substitute(value: Any, substituted: Any) -> None:
    assert substitute(value, lookup) == substituted


@pytest.mark.parametrize("value", ["text", "{{ x }}", 1, None, ["a", {"b": [True]}], {"a": {"b": ["{{ c }}"]}}])
def test_what_holds_no_placeholder_is_the_same_object(value: Any) -> None:
    assert substitute(value, lookup) is value


def given(name: str) -> bool:
    return name == "text"


@pytest.mark.parametrize(
    ("struct", "argv"),
    [
        pytest.param({"Concat": ["p-", "{{$.inputs.parameters['text']}}", "-s"]}, ["p-a b-s"], id="concat"),
        pytest.param({"Concat": ["a", {"Concat": ["b", "c"]}]}, ["abc"], id="concat in concat"),
        pytest.param({"IfPresent": {"InputName": "text", "Then": "yes"}}, ["yes"], id="present"),
        pytest.param(
            {"IfPresent": {"InputName": "text", "Then": ["--x", "{{$.inputs.parameters['text']}}"], "Else": "no"}},
            ["--x", "a b"],
            id="present, several elements",
        ),
        pytest.param({"IfPresent": {"InputName": "none", "Then": "yes", "Else": "no"}}, ["no"], id="absent"),
        pytest.param({"IfPresent": {"InputName": "none", "Then": "y", "Else": ["n", "o"]}}, ["n", "o"], id="else list"),
        pytest.param({"IfPresent": {"InputName": "none", "Then": "yes"}}, [], id="absent without else vanishes"),
        pytest.param(
            {"Concat": ["a", {"IfPresent": {"InputName": "none", "Then": "b"}}, "c"]}, ["ac"], id="absent in concat"
        ),
        pytest.param(
            {"IfPresent": {"InputName": "text", "Then": [{"Concat": ["a", "b"]}, "c"]}},
            ["ab", "c"],
            id="concat in then",
        ),
        pytest.param(
            {
                "IfPresent": {
                    "InputName": "text",
                    "Then": {"IfPresent": {"InputName": "none", "Then": "x", "Else": "y"}},
                }
            },
            ["y"],
            id="if in if",
        ),
    ],
)
def test_structs(struct: Any, argv: list[str]) -> None:
    assert render_argv(["cmd", json.dumps(struct)], lookup, given) == ("cmd", *argv)


@pytest.mark.parametrize(
    "element",
    ['{"Concat": "a"}', '{"IfPresent": {"Then": "a"}}', '{"Concat": ["a"], "b": 1}', '{"Concat": [', '{"a": "Concat"}'],
)
def test_json_that_is_no_struct_stays(element: str) -> None:
    assert render_argv([element], lookup, given) == (element,)
