"""Components that the feature pipelines are made of."""

# ruff: noqa: PTH118, PTH123 - components take paths as the text that their users pass
# ruff: noqa: UP006, UP035 - this is how the SDK documents lists of artifacts

from typing import List, NamedTuple

from kfp import dsl


@dsl.component
def every_type(
    thing: dsl.Output[dsl.Artifact],
    data: dsl.Output[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    page: dsl.Output[dsl.HTML],
    note: dsl.Output[dsl.Markdown],
    scores: dsl.Output[dsl.Metrics],
    classes: dsl.Output[dsl.ClassificationMetrics],
):
    for artifact in (thing, data, model, page, note):
        with open(artifact.path, "w") as file:
            file.write(artifact.name)
    model.metadata["framework"] = "none"
    scores.log_metric("accuracy", 0.9)
    classes.log_roc_curve([0.0, 1.0], [0.5, 1.0], [0.9, 0.1])
    classes.log_confusion_matrix(["cat", "dog"], [[3, 1], [0, 4]])


@dsl.component
def write_data(text: str, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(text)
    data.metadata["length"] = len(text)


@dsl.component
def write_elsewhere(place: str, data: dsl.Output[dsl.Dataset]):
    data.custom_path = place
    with open(place, "w") as file:
        file.write("from elsewhere")


@dsl.component
def read_data(data: dsl.Input[dsl.Dataset]) -> dict:
    with open(data.path) as file:
        return {"text": file.read(), "metadata": data.metadata}


@dsl.component
def read_all(data: dsl.Input[List[dsl.Dataset]]) -> list:
    texts = []
    for one in data or []:  # the SDK's executor makes None of an empty list
        with open(one.path) as file:
            texts.append(file.read())
    return texts


@dsl.component
def square(value: int) -> int:
    return value * value


@dsl.component
def product(a: int, b: int) -> int:
    return a * b


@dsl.component
def as_they_are(values: list) -> list:
    return values


@dsl.component
def pairs(count: int) -> list:
    return [{"a": index, "b": {"c": str(index)}} for index in range(count)]


@dsl.component
def two() -> NamedTuple("Outputs", number=int, text=str):
    return 2, "two"


@dsl.component
def write_shared(directory: str, text: str) -> str:
    import os

    path = os.path.join(directory, "shared.txt")
    with open(path, "w") as file:
        file.write(text)
    return path


@dsl.component
def read_file(path: str) -> str:
    with open(path) as file:
        return file.read()


@dsl.component(
    task_config_passthroughs=[
        dsl.TaskConfigField.RESOURCES,
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.ENV, apply_to_task=True),
    ]
)
def configured(task_config: dsl.TaskConfig) -> dict:
    return {"resources": task_config.resources, "env": task_config.env}


@dsl.component
def variable(name: str) -> str:
    import os

    return os.environ.get(name, "absent")


@dsl.component
def counted(log: str, text: str, data: dsl.Output[dsl.Dataset]) -> str:
    """Leaves a line each time it really runs."""
    with open(log, "a") as file:
        file.write(f"{text}\n")
    with open(data.path, "w") as file:
        file.write(text)
    return text
