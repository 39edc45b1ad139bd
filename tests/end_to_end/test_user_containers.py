"""What a container of a run reaches of this machine: its own files, artifacts, and nothing else of the home."""

from harness import Harness
from kfp import dsl
from kfp.dsl import Artifact, Input, Output

from podman_image import IMAGE


@dsl.container_component
def make(out: Output[Artifact]):
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", 'echo made > "$0"'], args=[out.path])


@dsl.container_component
def read(given: Input[Artifact], out: dsl.OutputPath(str)):
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", 'cat "$0" > "$1"'], args=[given.path, out])


@dsl.container_component
def reach(home: str, out: dsl.OutputPath(str)):
    script = 'for name in postlude.db environments cache; do [ -e "$0/$name" ] && printf "$name "; done > "$1"; true'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", script], args=[home, out])


@dsl.pipeline(name="contained")
def contained(home: str):
    read(given=make().outputs["out"])
    reach(home=home)


def test_a_container_sees_artifacts_and_not_the_rest_of_the_home(podman: str, harness: Harness) -> None:
    result = harness.run(contained, {"home": str(harness.home)}, containers="podman")
    assert (result.state, result.message) == ("SUCCEEDED", "")
    assert [result.outputs(path)["out"] for path in ("read", "reach")] == ["made\n", ""]
