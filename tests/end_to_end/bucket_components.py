"""Components of the pipelines whose artifacts are in buckets, and a pipeline that tests of them share."""

# ruff: noqa: PTH103, PTH110, PTH118, PTH123, PTH211 - components take paths as the text that their users pass

from feature_components import read_data, write_data
from harness import Result
from kfp import dsl


@dsl.pipeline(name="chain")
def chain(text: str) -> None:
    read_data(data=write_data(text=text).outputs["data"])


def text_read(result: Result, path: str = "read-data") -> object:
    """What the task that reads found in the artifact."""
    return result.outputs(path)["Output"]["text"]


@dsl.component
def write_tree(model: dsl.Output[dsl.Model]):
    import os

    os.makedirs(f"{model.path}/layers/empty")
    for name in ("config", "layers/0"):
        with open(f"{model.path}/{name}", "w") as file:
            file.write(name)
    os.symlink("layers", f"{model.path}/latest")


@dsl.component
def read_tree(model: dsl.Input[dsl.Model]) -> list:
    import os

    root = model.path
    return sorted(
        os.path.relpath(os.path.join(at, one), root) for at, dirs, files in os.walk(root) for one in dirs + files
    )


@dsl.component
def where(data: dsl.Input[dsl.Dataset], made: dsl.Output[dsl.Dataset]) -> dict:
    import os

    with open(made.path, "w") as file:
        file.write("made")
    credentials = [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]
    return {"in": data.uri, "out": made.uri, "there": os.path.exists(data.path), "credentials": credentials}


@dsl.component
def renamed(data: dsl.Output[dsl.Dataset]):
    data.uri = data.uri + ".csv"
    with open(data.path, "w") as file:
        file.write("of another name")


@dsl.component
def at_a_uri() -> dsl.Dataset:
    data = dsl.Dataset(uri=dsl.get_uri("chosen.txt"))
    with open(data.path, "w") as file:
        file.write("at a URI")
    return data


@dsl.component
def path_set(data: dsl.Output[dsl.Dataset]):
    data.path = data.path + "-set"
    with open(data.path, "w") as file:
        file.write("set")


@dsl.component
def elsewhere(data: dsl.Output[dsl.Dataset]):
    data.uri = "s3://no-such-bucket-here/x"


@dsl.component
def uri_of(data: dsl.Input[dsl.Dataset]) -> str:
    return data.uri


@dsl.component
def large(text: str, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(text * 1024 * 1024 * 20)
