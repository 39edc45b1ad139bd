"""Programs that give back what their placeholders became. They are container components, run as local processes."""
# ruff: noqa: FBT001, PTH123, UP045 - written as authors of pipelines write, and as the SDK reads it

import sys
from typing import Optional

from kfp import dsl

# The first argument names the file that receives the rest, as JSON.
KEEP = "import json, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(json.dumps(sys.argv[2:]))"
PROGRAM = [sys.executable, "-c", KEEP]
IMAGE = "example.org/none"


@dsl.container_component
def typed(text: str, whole: int, fraction: float, flag: bool, items: list, table: dict, argv: dsl.OutputPath(list)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[text, whole, fraction, flag, items, table, f"--whole={whole}", dsl.ConcatPlaceholder(["a/", text, "/b"])],
    )


@dsl.container_component
def keyed(table: dict, argv: dsl.OutputPath(list)):
    found = "{{$.inputs.parameters['table']['inner']['list']}}"
    missing = "{{$.inputs.parameters['table']['nothing']}}"
    return dsl.ContainerSpec(image=IMAGE, command=[*PROGRAM, argv], args=[found, f"<{found}>", f"<{missing}>"])


@dsl.component
def make_data(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("content")
    data.metadata["rows"] = 3
    data.metadata["by"] = {"name": "ada"}


@dsl.container_component
def artifacts(data: dsl.Input[dsl.Dataset], made: dsl.Output[dsl.Model], argv: dsl.OutputPath(list)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[
            data.uri,
            data.path,
            data.metadata,
            data.metadata["rows"],
            "{{$.inputs.artifacts['data'].metadata['by']['name']}}",
            "{{$.inputs.artifacts['data']}}",
            made.uri,
            made.path,
            made.metadata,
            f"--model={made.path}",
        ],
    )


@dsl.container_component
def writes_report(number: dsl.OutputPath(int)):
    """Gives its output in the executor output, not in the parameter's own file."""
    write = "import json, sys; open(sys.argv[1], 'w').write(json.dumps({'parameterValues': {'number': 41 + 1}}))"
    return dsl.ContainerSpec(image=IMAGE, command=[sys.executable, "-c", write], args=["{{$.outputs.output_file}}"])


@dsl.container_component
def places(text: str, argv: dsl.OutputPath(list)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[argv, "{{$.outputs.output_file}}", "{{$.outputs.output_metadata_uri}}", "{{$}}"],
    )


@dsl.container_component
def facts(argv: dsl.OutputPath(list)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[
            dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
            dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
            dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
            dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
            dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
            dsl.PIPELINE_TASK_ID_PLACEHOLDER,
            dsl.PIPELINE_ROOT_PLACEHOLDER,
            f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}/{dsl.PIPELINE_TASK_NAME_PLACEHOLDER}",
        ],
    )


@dsl.component
def given(values: dict) -> dict:
    """A Python component that gives back what its pipeline wrote."""
    return values


@dsl.component
def variable(name: str) -> str:
    import os

    return os.environ.get(name, "")


@dsl.container_component
def escaped(text: str, table: dict, argv: dsl.OutputPath(list)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[
            '{"text": "{{$.inputs.parameters[\'text\'].json_escape[1]}}"}',
            '{"text": "{\\"inner\\": \\"{{$.inputs.parameters[\'text\'].json_escape[2]}}\\"}"}',
            '{"table": "{{$.inputs.parameters[\'table\'].json_escape[1]}}"}',
        ],
    )


@dsl.container_component
def left_alone(argv: dsl.OutputPath(list)):
    unknown = ["{{$.nobody}}", "{{ not.ours }}", "{{$.inputs.parameters['x'}}", "{}", '{"Concat": 1}', "$HOME $(id) ;"]
    return dsl.ContainerSpec(image=IMAGE, command=[*PROGRAM, argv], args=unknown)


@dsl.container_component
def structs(
    argv: dsl.OutputPath(list),
    given: Optional[str] = None,
    left_out: Optional[str] = None,
    data: Optional[dsl.Input[dsl.Dataset]] = None,
):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[
            dsl.IfPresentPlaceholder(input_name="given", then=["--given", given], else_=["--no-given"]),
            dsl.IfPresentPlaceholder(input_name="left_out", then=["--left-out", left_out], else_=["--no-left-out"]),
            dsl.IfPresentPlaceholder(input_name="left_out", then=["nothing at all"]),
            dsl.IfPresentPlaceholder(input_name="data", then=["--data"], else_=["--no-data"]),
            dsl.ConcatPlaceholder(["--a=", given, dsl.ConcatPlaceholder([";b=", given])]),
            dsl.ConcatPlaceholder(["--c", dsl.IfPresentPlaceholder(input_name="given", then=given)]),
            dsl.IfPresentPlaceholder(
                input_name="given", then=[dsl.ConcatPlaceholder(["<", given, ">"])], else_=["--never"]
            ),
        ],
    )


@dsl.container_component
def workflow_facts(argv: dsl.OutputPath(list)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[*PROGRAM, argv],
        args=[
            "{{workflow.status}}",
            "{{workflow.failures}}",
            "{{workflow.name}}",
            "{{workflow.uid}}",
            "{{workflow.creationTimestamp}}",
            "{{workflow.duration}}",
        ],
    )
