"""What a compiled document loads as."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from spec_documents import constant, dag, exit_task, interface, leaf, parent, pipeline, task, text

from postlude.spec.load import load
from postlude.spec.problem import SpecError
from postlude.spec.types import (
    ArtifactInput,
    ArtifactIterator,
    ArtifactOutput,
    Caching,
    Constant,
    Container,
    FinalStatusOf,
    Importer,
    ParameterBinding,
    ParameterInput,
    ParameterIterator,
    ParameterType,
    ParentInput,
    Pipeline,
    Resources,
    Retry,
    Strategy,
    Task,
    TaskOutput,
    Trigger,
)

REPOSITORY = next(each for each in Path(__file__).parents if (each / "pyproject.toml").exists())
PIPELINES = sorted((REPOSITORY.parent / "shared" / "kfp" / "pipelines").glob("*.yaml"))


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_real_pipelines_load(path: Path) -> None:
    documents = list(yaml.load_all(path.read_text(), yaml.CSafeLoader))
    found = load(path.read_bytes(), name=path.name)
    assert _shape(found) == _written(documents[0])
    assert found.source == (documents[0], documents[1] if len(documents) > 1 else None)


@pytest.mark.skipif(not PIPELINES and not os.environ.get("CI"), reason="the reference data is not beside this checkout")
def test_all_real_pipelines_are_there() -> None:
    assert len(PIPELINES) == 74


def _shape(found: Pipeline) -> dict[str, Any]:
    everything = {"root": found.root, **found.components}
    return {
        "name": found.name,
        "executors": {label: type(executor).__name__ for label, executor in found.executors.items()},
        "inputs": {name: [*each.inputs.parameters, *each.inputs.artifacts] for name, each in everything.items()},
        "tasks": {name: list(each.dag.tasks) for name, each in everything.items() if each.dag is not None},
        "exits": [key for each in everything.values() if each.dag for key in each.dag.topology.exit_of],
    }


def _written(spec: Any) -> dict[str, Any]:
    everything = {"root": spec["root"], **spec.get("components", {})}
    return {
        "name": spec["pipelineInfo"]["name"],
        "executors": {
            label: "Importer" if "importer" in each else "Container"
            for label, each in spec.get("deploymentSpec", {}).get("executors", {}).items()
        },
        "inputs": {
            name: [*inputs.get("parameters", {}), *inputs.get("artifacts", {})]
            for name, each in everything.items()
            for inputs in [each.get("inputDefinitions", {})]
        },
        "tasks": {name: list(each["dag"].get("tasks", {})) for name, each in everything.items() if "dag" in each},
        "exits": [key for each in everything.values() if "dag" in each for key in _exits(each["dag"], spec)],
    }


def _exits(written: Any, spec: Any) -> Iterator[str]:
    for key, each in written["tasks"].items():
        completed = each.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
        for group in each.get("dependentTasks", []) if completed else []:
            component = spec["components"][written["tasks"][group]["componentRef"]["name"]]
            if "dag" in component:
                yield key


# --- text -------------------------------------------------------------------------------------------------------------

SPEC = pipeline({"t": task("comp-run")})
PLATFORM = {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": 60}}}}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SPEC, id="parsed"),
        pytest.param((SPEC,), id="parsed, in a sequence"),
        pytest.param(json.dumps(SPEC), id="JSON text"),
        pytest.param(json.dumps(SPEC).encode(), id="JSON bytes"),
        pytest.param(yaml.safe_dump(SPEC), id="YAML text"),
        pytest.param(b"\xef\xbb\xbf" + yaml.safe_dump(SPEC).encode(), id="YAML bytes with a byte order mark"),
        pytest.param(yaml.safe_dump(SPEC) + "---\n", id="YAML with an empty second document"),
    ],
)
def test_spellings_of_one_pipeline_are_equal(source: Any) -> None:
    assert load(source, name="demo") == load(SPEC, name="demo")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param((SPEC, PLATFORM), id="parsed"),
        pytest.param(yaml.safe_dump_all([SPEC, PLATFORM]), id="YAML"),
        pytest.param(yaml.safe_dump_all([PLATFORM, SPEC]), id="YAML, platform first"),
    ],
)
def test_platform_spec(source: Any) -> None:
    found = load(source, name="demo")
    assert (found.source, found.timeout_s) == ((SPEC, PLATFORM), 60.0)


def test_the_digest_is_of_the_meaning_not_of_the_text() -> None:
    reordered = dict(reversed(SPEC.items()))
    digests = {load(each, name="demo").digest for each in (SPEC, reordered, yaml.safe_dump(SPEC))}
    assert (len(digests), len(digests.pop())) == (1, 64)


def test_the_digest_covers_the_platform_spec() -> None:
    assert load(SPEC, name="demo").digest != load((SPEC, PLATFORM), name="demo").digest


def test_what_was_passed_in_may_change_afterwards() -> None:
    source = pipeline({"t": task("comp-run")})
    found = load(source, name="demo")
    source["root"]["dag"]["tasks"].clear()
    assert found.source[0]["root"]["dag"]["tasks"] == SPEC["root"]["dag"]["tasks"]


def test_dates_in_yaml_stay_text() -> None:
    parameter = "{parameterType: LIST, defaultValue: [{when: 2024-01-31}, 2024-01-31]}"
    root = f"{{dag: {{tasks: {{}}}}, inputDefinitions: {{parameters: {{p: {parameter}}}}}}}"
    assert load(f"pipelineInfo: {{name: demo}}\nroot: {root}", name="demo").root.inputs.parameters["p"].default == [
        {"when": "2024-01-31"},
        "2024-01-31",
    ]


# --- parts ------------------------------------------------------------------------------------------------------------


def only_task(given: Any, component: Any = None, inputs: Any = None) -> Task:
    found = load(pipeline({"t": given}, {"c": component or leaf()}, inputs=inputs), name="demo")
    assert found.root.dag is not None
    return found.root.dag.tasks["t"]


@pytest.mark.parametrize(
    ("written", "binding"),
    [
        pytest.param(constant(1.0), ParameterBinding(source=Constant(value=1.0)), id="constant, as written"),
        pytest.param(
            constant([1.0, {"a": 2.0, "b": 2.5}]),
            ParameterBinding(source=Constant(value=[1, {"a": 2, "b": 2.5}])),
            id="whole numbers inside a constant are integers",
        ),
        pytest.param(constant(None), ParameterBinding(source=Constant(value=None)), id="null"),
        pytest.param(
            {"runtimeValue": {"constantValue": {"intValue": "7"}}},
            ParameterBinding(source=Constant(value=7)),
            id="legacy integer",
        ),
        pytest.param(
            {"runtimeValue": {"constantValue": {"doubleValue": 0.5}}},
            ParameterBinding(source=Constant(value=0.5)),
            id="legacy double",
        ),
        pytest.param(
            {"runtimeValue": {"constantValue": {"stringValue": "a"}}},
            ParameterBinding(source=Constant(value="a")),
            id="legacy string",
        ),
        pytest.param(
            {"runtimeValue": {"runtimeParameter": "p"}},
            ParameterBinding(source=ParentInput(name="p")),
            id="runtime parameter",
        ),
        pytest.param(parent("p"), ParameterBinding(source=ParentInput(name="p")), id="input of the DAG"),
        pytest.param(
            parent("p") | {"parameterExpressionSelector": 'parseJson(string_value)["a"]["b c"]'},
            ParameterBinding(source=ParentInput(name="p"), keys=("a", "b c")),
            id="keys",
        ),
    ],
)
def test_parameter_bindings(written: Any, binding: ParameterBinding) -> None:
    found = only_task(task("c", inputs={"x": written}), leaf({"x": text()}), {"p": text()})
    assert found.inputs.parameters == {"x": binding}


def test_a_task_with_everything() -> None:
    written = task(
        "c",
        taskInfo={"name": "Shown"},
        cachingOptions={"enableCache": True, "cacheKey": "k"},
        retryPolicy={
            "maxRetryCount": 2,
            "backoffDuration": "1.5s",
            "backoffFactor": 3.0,
            "backoffMaxDuration": "60s",
        },
        triggerPolicy={"condition": "true"},
        parameterIterator={"items": {"raw": '[1, {"a": "b"}]'}, "itemInput": "item"},
        iteratorPolicy={"parallelismLimit": 2},
    )
    assert only_task(written, dag({"u": task("comp-run")}, {"item": text()})) == Task(
        key="t",
        display_name="Shown",
        component="c",
        caching=Caching(enabled=True, key="k"),
        retry=Retry(limit=2, backoff_s=1.5, factor=3.0, backoff_max_s=60.0),
        trigger=Trigger(condition="true"),
        iterator=ParameterIterator(item_input="item", items=(1, {"a": "b"})),
        parallelism=2,
    )


def test_a_task_with_nothing() -> None:
    assert only_task({"componentRef": {"name": "c"}}) == Task(key="t", display_name="t", component="c")


def test_empty_caching_options_mean_off() -> None:
    assert only_task(task("c", cachingOptions={})).caching == Caching(enabled=False)


def test_a_retry_policy_has_defaults() -> None:
    found = only_task(task("c", retryPolicy={"maxRetryCount": 1})).retry
    assert found == Retry(limit=1, backoff_s=0.0, factor=2.0, backoff_max_s=3600.0)


def test_loop_over_an_input() -> None:
    loop = {"items": {"inputParameter": "many"}, "itemInput": "item"}
    component = dag({"u": task("comp-run")}, {"item": text(), "many": text("LIST")})
    found = only_task(task("c", parameterIterator=loop, inputs={"many": constant([1])}), component)
    assert found.iterator == ParameterIterator(item_input="item", input="many")


def test_artifacts_of_a_loop() -> None:
    data = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
    loop = dag({"u": task("comp-run")})
    loop["inputDefinitions"]["artifacts"] = {"many": data | {"isArtifactList": True}, "one": data}
    makes = leaf() | {
        "outputDefinitions": {"artifacts": {"all": data | {"isArtifactList": True, "metadata": {"a": 1}}}}
    }
    written = {
        "componentRef": {"name": "loop"},
        "inputs": {"artifacts": {"many": {"taskOutputArtifact": {"producerTask": "m", "outputArtifactKey": "all"}}}},
        "artifactIterator": {"items": {"inputArtifact": "many"}, "itemInput": "one"},
    }
    found = load(pipeline({"m": task("makes"), "t": written}, {"makes": makes, "loop": loop}), name="demo")
    assert found.root.dag is not None
    assert found.root.dag.tasks["t"].iterator == ArtifactIterator(item_input="one", input="many")
    assert found.root.dag.tasks["t"].inputs.artifacts == {"many": TaskOutput(task="m", output="all")}
    assert found.components["loop"].inputs.artifacts == {
        "many": ArtifactInput(schema_title="system.Dataset", schema_version="0.0.1", is_list=True),
        "one": ArtifactInput(schema_title="system.Dataset", schema_version="0.0.1"),
    }
    assert found.components["makes"].outputs.artifacts == {
        "all": ArtifactOutput(schema_title="system.Dataset", schema_version="0.0.1", is_list=True, metadata={"a": 1})
    }


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        pytest.param(
            text("NUMBER_INTEGER", defaultValue=1.0, isOptional=True),
            ParameterInput(type=ParameterType.NUMBER_INTEGER, default=1, optional=True),
            id="a whole default of an integer is an integer",
        ),
        pytest.param(
            text(defaultValue=None), ParameterInput(type=ParameterType.STRING, default=None), id="null is a default"
        ),
        pytest.param({"type": "INT"}, ParameterInput(type=ParameterType.NUMBER_INTEGER), id="legacy INT"),
        pytest.param({"type": "DOUBLE"}, ParameterInput(type=ParameterType.NUMBER_DOUBLE), id="legacy DOUBLE"),
        pytest.param({"type": "STRING"}, ParameterInput(type=ParameterType.STRING), id="legacy STRING"),
        pytest.param(
            text("NUMBER_INTEGER", literals=[1.0, 2.0], description="d"),
            ParameterInput(type=ParameterType.NUMBER_INTEGER, literals=(1, 2), description="d"),
            id="literals",
        ),
    ],
)
def test_declared_parameters(written: Any, declared: ParameterInput) -> None:
    found = load(pipeline({}, inputs={"p": written}), name="demo").root.inputs.parameters["p"]
    assert (found, type(found.default)) == (declared, type(declared.default))


def test_dag_outputs() -> None:
    one = {"producerSubtask": "a", "outputParameterKey": "Output"}
    two = {"producerSubtask": "b", "outputParameterKey": "Output"}
    selected = {
        "parameters": {"x": {"valueFromParameter": one}, "y": {"valueFromOneof": {"parameterSelectors": [one, two]}}}
    }
    source = pipeline(
        {"a": task("out"), "b": task("out")}, {"out": leaf(outputs={"Output": text()})}, selected=selected
    )
    found = load(source, name="demo").root.dag
    a, b = TaskOutput(task="a", output="Output"), TaskOutput(task="b", output="Output")
    assert found is not None
    assert found.outputs.parameters == {"x": (a,), "y": (a, b)}


def test_an_exit_task() -> None:
    status = {"status": {"parameterType": "TASK_FINAL_STATUS"}}
    source = pipeline(
        {"g": task("group"), "e": exit_task("c", "g", inputs={"status": {"taskFinalStatus": {"producerTask": "g"}}})},
        {"group": dag({"t": task("comp-run")}), "c": leaf(status)},
    )
    found = load(source, name="demo").root.dag
    assert found is not None
    assert found.tasks["e"].trigger == Trigger(strategy=Strategy.ALL_COMPLETED)
    assert found.tasks["e"].inputs.parameters["status"].source == FinalStatusOf(task="g")
    assert found.topology.exit_of == {"e": "g"}


def executor(written: Any, platform: Any = None) -> Any:
    documents = [pipeline({}, executors={"exec-a": written})]
    if platform is not None:
        documents.append({"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": platform}}}}})
    return load(documents, name="demo").executors["exec-a"]


@pytest.mark.parametrize(
    ("written", "resources"),
    [
        pytest.param({"cpuLimit": 1.0, "memoryLimit": 2.0}, Resources(cpu_limit="1", memory_limit="2G"), id="numbers"),
        pytest.param(
            {"cpuRequest": 0.25, "memoryRequest": 0.5},
            Resources(cpu_request="0.25", memory_request="0.5G"),
            id="fractions",
        ),
        pytest.param(
            {"cpuLimit": 0.5, "resourceCpuLimit": "500m", "resourceMemoryLimit": "{{$.inputs.parameters['m']}}"},
            Resources(cpu_limit="500m", memory_limit="{{$.inputs.parameters['m']}}"),
            id="text wins",
        ),
        pytest.param({"cpuLimit": 0.0}, Resources(), id="0 is none"),
        pytest.param(
            {"accelerator": {"type": "T4", "count": "1"}},
            Resources(accelerator_type="T4", accelerator_count="1"),
            id="count",
        ),
        pytest.param(
            {"accelerator": {"type": "T4", "count": "1", "resourceType": "gpu", "resourceCount": "2"}},
            Resources(accelerator_type="gpu", accelerator_count="2"),
            id="resource count wins",
        ),
    ],
)
def test_resources(written: Any, resources: Resources) -> None:
    assert executor({"container": {"image": "i", "resources": written}}).resources == resources


def test_a_container_with_its_platform() -> None:
    container = {"image": "i", "command": ["c"], "args": ["{{$}}"], "env": [{"name": "A", "value": "b"}]}
    platform = {"activeDeadlineSeconds": "90", "secretAsEnv": [{"secretName": "s"}]}
    assert executor({"container": container}, platform) == Container(
        image="i", command=("c",), args=("{{$}}",), env={"A": "b"}, platform=platform, timeout_s=90.0
    )


@pytest.mark.parametrize("uri", [{"constant": "gs://a"}, {"constantValue": {"stringValue": "gs://a"}}])
def test_an_importer(uri: Any) -> None:
    written = {
        "artifactUri": uri,
        "typeSchema": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
        "metadata": {"k": "{{$.inputs.parameters['m']}}"},
        "reimport": True,
        "downloadToWorkspace": True,
    }
    assert executor({"importer": written}) == Importer(
        uri=Constant(value="gs://a"),
        schema_title="system.Dataset",
        schema_version="0.0.1",
        metadata={"k": "{{$.inputs.parameters['m']}}"},
        reimport=True,
        to_workspace=True,
    )


def test_an_importer_of_a_parameter() -> None:
    assert executor({"importer": {"artifactUri": {"runtimeParameter": "uri"}}}) == Importer(uri=ParentInput(name="uri"))


def test_the_pipeline_config() -> None:
    config = {"workspace": {"size": "1Gi"}, "activeDeadlineSeconds": 0}
    found = load((SPEC, {"platforms": {"kubernetes": {"pipelineConfig": config}}}), name="demo")
    assert (found.workspace, found.timeout_s) == (True, None)


def test_unknown_fields_are_passed_over() -> None:
    newer = json.loads(json.dumps(SPEC))
    newer["root"]["dag"]["tasks"]["t"]["futureField"] = [1]
    newer["futureField"] = {"a": 1}
    assert load(newer, name="demo").root == load(SPEC, name="demo").root


def test_task_config() -> None:
    component = interface() | {
        "executorLabel": "exec-run",
        "taskConfigPassthroughs": [{"field": "RESOURCES", "applyToTask": True}, {"field": "ENV"}],
    }
    found = load(pipeline({"t": task("c")}, {"c": component}), name="demo")
    assert found.components["c"].task_config == (("RESOURCES", True), ("ENV", False))


def test_nothing_is_cut_short_by_size() -> None:
    tasks = {f"t{n}": task("comp-run", after=(f"t{n - 1}",) if n else ()) for n in range(3000)}
    found = load(json.dumps(pipeline(tasks)), name="demo").root.dag
    assert found is not None
    assert found.topology.upstreams["t2999"] == ("t2998",)


def test_a_spec_error_is_one_error() -> None:
    with pytest.raises(SpecError, match=r"^empty\.yaml has 1 problem:"):
        load("", name="empty.yaml")
