"""What is said of documents that cannot be read as a pipeline."""

import json
from pathlib import Path
from typing import Any

import pytest
from spec_documents import dag, leaf, parent, pipeline, task, text

from postlude.spec.load import load
from postlude.spec.problem import SpecError

COMPILE = "Compile a pipeline with KFP SDK 2 and pass that file."
TOO_DEEP = "$: nests too deeply to be read. Flatten its values."
GOLDEN = Path(__file__).parent / "golden"


def said(source: Any, name: str = "train.yaml") -> str:
    with pytest.raises(SpecError) as raised:
        load(source, name=name)
    return str(raised.value)


def test_every_problem_is_reported_at_once() -> None:
    source = GOLDEN / "everything_wrong.yaml"
    assert said(source.read_text(), source.name) == source.with_suffix(".txt").read_text().rstrip("\n")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param("", f"$: is empty. {COMPILE}", id="empty"),
        pytest.param("---\n# nothing\n", f"$: is empty. {COMPILE}", id="empty document"),
        pytest.param((), f"$: is empty. {COMPILE}", id="no documents"),
        pytest.param("a list\n", f"$: is not an object, so not a pipeline. {COMPILE}", id="a sentence"),
        pytest.param("[1, 2]", f"$: is not an object, so not a pipeline. {COMPILE}", id="a list"),
        pytest.param(
            "{}", f"$.root: is missing: this is not a compiled pipeline. {COMPILE}", id="an object with nothing in it"
        ),
        pytest.param(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n",
            f"$.apiVersion: is 'argoproj.io/v1alpha1': an Argo workflow, as KFP SDK 1 compiles to. {COMPILE}",
            id="Argo workflow",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\n",
            f"$: is a Kubernetes object, not a pipeline. {COMPILE}",
            id="Kubernetes object",
        ),
        pytest.param(
            "name: a\nimplementation: {container: {image: b}}\n",
            "$: is the definition of one component. Use it in a pipeline, compile that, and pass that file.",
            id="component definition",
        ),
        pytest.param(
            '{"pipelineSpec": {}}', "$: is a pipeline job. Pass what stands under 'pipelineSpec'.", id="pipeline job"
        ),
        pytest.param(
            '{"pipeline_spec": {}}', "$: is an answer of the KFP API. Pass what stands under 'pipeline_spec'.", id="API"
        ),
        pytest.param(
            "{root: {}}\n---\n{root: {}}",
            "$: holds 2 pipelines. Keep one, and at most one platform spec, in a file.",
            id="two pipelines",
        ),
        pytest.param(
            "{root: {}}\n---\n{platforms: {}}\n---\n{platforms: {}}",
            "$.platforms: is given 2 times. Keep one platform spec.",
            id="two platform specs",
        ),
        pytest.param(b"\xff\xfe", "$: is not UTF-8 text (byte 1). Save it as UTF-8.", id="no text"),
        pytest.param(
            "root:\n  a: b\n c: d\n",
            f"line 3, column 2: is neither YAML nor JSON: did not find expected key. {COMPILE}",
            id="YAML syntax",
        ),
        pytest.param(
            '{"root": {"a": 1,\n  "b" 2}}',
            "line 2, column 7: is neither YAML nor JSON: did not find expected ',' or '}'. " + COMPILE,
            id="JSON syntax",
        ),
        pytest.param(
            "a: &a [*a]\nroot: {}",
            "$: holds more than 5,000,000 values, or itself. Write YAML aliases out.",
            id="aliases that contain themselves",
        ),
        pytest.param(
            "a: &a [1]\n"
            + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]" for n in range(9)),
            "$: holds more than 5,000,000 values, or itself. Write YAML aliases out.",
            id="aliases that explode",
        ),
        pytest.param("root: " + "[" * 2000 + "]" * 2000, TOO_DEEP, id="deep nesting"),
        pytest.param("root: " + "[" * 100_000 + "]" * 100_000, TOO_DEEP, id="deeper than the C stack"),
        pytest.param("root:\n " + "- " * 100_000 + "a", TOO_DEEP, id="deeper than the C stack, in block style"),
        pytest.param('{"root": ' + "[" * 100_000 + "]" * 100_000 + "}", TOO_DEEP, id="deep nesting in JSON"),
    ],
)
def test_no_pipeline(source: Any, problem: str) -> None:
    assert said(source) == f"train.yaml has 1 problem:\n  {problem}"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param({"root": {"dag": {}}}, "$.pipelineInfo.name: is missing. Give the pipeline a name.", id="no name"),
        pytest.param(
            {"pipelineInfo": {"name": "p"}, "root": {}},
            "$.root: has neither 'dag' nor 'executorLabel': it runs nothing. Put a task into the group, or drop it.",
            id="root with nothing",
        ),
        pytest.param(
            pipeline({}) | {"root": {"executorLabel": "exec-run"}},
            "$.root: is a single component, where a DAG belongs. Call the component in a pipeline and compile that.",
            id="root is a single component",
        ),
        pytest.param(
            pipeline({}, executors={"e": {}}),
            "$.deploymentSpec.executors.e: has neither 'container' nor 'importer'. Give it one of them.",
            id="executor with nothing",
        ),
        pytest.param(
            pipeline({}, executors={"e": {"resolver": {}}}),
            "$.deploymentSpec.executors.e.resolver: is not supported outside Vertex AI. "
            "Use a container component instead.",
            id="resolver",
        ),
        pytest.param(
            pipeline({}, executors={"e": {"importer": {}}}),
            "$.deploymentSpec.executors.e.importer.artifactUri: has neither 'constant' nor 'runtimeParameter'. "
            "Say where the artifact is.",
            id="importer of nothing",
        ),
        pytest.param(
            pipeline({}, executors={"e": {"importer": {"artifactUri": {"constant": 1.0}}}}),
            "$.deploymentSpec.executors.e.importer.artifactUri.constant: is 1 (a number), where text belongs.",
            id="importer of a number",
        ),
        pytest.param(
            pipeline(
                {
                    "t": task(
                        "c", inputs={"x": parent("p") | {"parameterExpressionSelector": "parseJson(string_value)[0]"}}
                    )
                },
                {"c": leaf({"x": text()})},
                inputs={"p": text()},
            ),
            "$.root.dag.tasks.t.inputs.parameters.x.parameterExpressionSelector: is "
            '"parseJson(string_value)[0]" (text). Only keys are followed, as in parseJson(string_value)["a"]["b"].',
            id="selector that is no key",
        ),
        pytest.param(
            pipeline(
                {"t": task("loop", parameterIterator={"items": {"raw": "{}"}, "itemInput": "x"})},
                {"loop": dag({}, {"x": text()})},
            ),
            '$.root.dag.tasks.t.parameterIterator.items.raw: is "{}" (text), where a list as JSON text belongs.',
            id="items that are no list",
        ),
        pytest.param(
            pipeline({"t": task("comp-run", retryPolicy={"maxRetryCount": 1.5})}),
            "$.root.dag.tasks.t.retryPolicy.maxRetryCount: is 1.5 (a number), where a whole number belongs.",
            id="half a retry",
        ),
        pytest.param(
            pipeline({"t": task("comp-run", retryPolicy={"maxRetryCount": -1})}),
            "$.root.dag.tasks.t.retryPolicy.maxRetryCount: is -1 (a number), where a number from 0 on belongs.",
            id="fewer than no retries",
        ),
        pytest.param(
            pipeline({"t": task("comp-run", iteratorPolicy={"parallelismLimit": True})}),
            "$.root.dag.tasks.t.iteratorPolicy.parallelismLimit: is true (a boolean), where a number belongs.",
            id="a boolean is no number",
        ),
        pytest.param(
            pipeline({"t": task("comp-run", triggerPolicy={"strategy": "ANY"})}),
            '$.root.dag.tasks.t.triggerPolicy.strategy: is "ANY" (text), where one of ALL_UPSTREAM_TASKS_COMPLETED, '
            "ALL_UPSTREAM_TASKS_SUCCEEDED, TRIGGER_STRATEGY_UNSPECIFIED belongs.",
            id="unknown strategy",
        ),
        pytest.param(
            pipeline({}, selected={"parameters": {"o": {}}}),
            "$.root.dag.outputs.parameters.o: says not which task it comes from. Name a subtask and its output.",
            id="output from nowhere",
        ),
        pytest.param(
            pipeline({"a b": task("comp-run") | {"inputs": 1}}),
            '$.root.dag.tasks["a b"].inputs: is 1 (a number), where an object belongs.',
            id="names with blanks are quoted in paths",
        ),
        pytest.param(
            (pipeline({}), {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": "soon"}}}}),
            '$.platforms.kubernetes.pipelineConfig.activeDeadlineSeconds: is "soon" (text), '
            "where a number from 0 on belongs.",
            id="deadline of the run",
        ),
        pytest.param(
            (
                pipeline({}),
                {
                    "platforms": {
                        "kubernetes": {"deploymentSpec": {"executors": {"exec-run": {"activeDeadlineSeconds": []}}}}
                    }
                },
            ),
            "$.platforms.kubernetes.deploymentSpec.executors.exec-run.activeDeadlineSeconds: is a list, "
            "where a number from 0 on belongs.",
            id="deadline of a task",
        ),
    ],
)
def test_one_fault(source: Any, problem: str) -> None:
    assert said(source) == f"train.yaml has 1 problem:\n  {problem}"


def test_values_that_json_lacks() -> None:
    assert said({"root": {"x": object()}}).startswith(
        "train.yaml has 1 problem:\n  $: holds a value that JSON cannot express: "
    )


def test_a_fault_is_not_reported_again_by_what_follows_from_it() -> None:
    source = pipeline({"t": task("c", inputs={"x": 1})}, {"c": leaf({"x": text()})})
    assert said(json.dumps(source)) == (
        "train.yaml has 1 problem:\n  $.root.dag.tasks.t.inputs.parameters.x: is 1 (a number), where an object belongs."
    )
