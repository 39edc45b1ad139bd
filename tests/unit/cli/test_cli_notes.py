"""What `validate` tells an operator about images."""

import sys

import pytest

from postlude.cli.notes import notes
from postlude.spec.types import Component, Container, Dag, Pipeline, Topology

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = 'printf "%s" "$0" > f && python3 -m kfp.dsl.executor_main --component_module_path f "$@"'
COMPONENT = ("sh", "-ec", SCRIPT, "def f(): pass", "--executor_input", "{}", "--function_to_execute", "f")
IN_ITS_IMAGE = ("python3", "-m", "kfp.dsl.executor_main", "--executor_input", "{}", "--function_to_execute", "f")


def noted(**containers: tuple[str, tuple[str, ...]]) -> list[str]:
    executors = {label: Container(image=image, command=argv) for label, (image, argv) in containers.items()}
    root = Component(name="root", dag=Dag(topology=Topology()))
    return list(notes(Pipeline(name="demo", root=root, executors=executors)))


@pytest.mark.parametrize(
    "image",
    [f"python:{HERE}", f"docker.io/library/python:{HERE}-slim", "python:3", "pypy:3.10", "mypython:2.7", "gcr/x:2.7"],
)
def test_an_image_of_this_python_or_of_none_is_not_worth_a_note(image: str) -> None:
    assert noted(a=(image, COMPONENT)) == []


def test_an_image_of_another_python_is_noted_once() -> None:
    containers = {"a": ("python:3.7", COMPONENT), "b": ("docker.io/library/python:3.7-slim", COMPONENT)}
    assert noted(**containers) == [
        f"a, b: asks for Python 3.7 by its image; Python components run with this machine's {HERE}."
    ]


def test_the_python_of_a_program_s_image_is_its_own() -> None:
    assert noted(a=("python:3.7", ("echo", "hello"))) == [
        (
            "a: runs in the image python:3.7, which needs Docker or Podman; "
            "--containers host runs its command here instead."
        )
    ]


def test_code_in_its_image_is_noted() -> None:
    assert noted(a=("me/train:1", IN_ITS_IMAGE)) == [
        (
            "a: its code is in the image me/train:1 (target_image), which needs Docker or Podman; "
            "--containers host cannot run it."
        )
    ]
