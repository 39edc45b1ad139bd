"""What an operator should know of a pipeline that loads: what is ignored here, and what needs a container engine."""

import re
import sys
from collections.abc import Iterator
from typing import Final

from postlude.executors.process.recognise import is_containerised, recognise
from postlude.spec.types import Container, Pipeline

_OBEYED: Final = {"activeDeadlineSeconds", "imagePullPolicy"}
_PYTHON_IMAGE: Final = re.compile(r"(?:^|/)python:(\d+\.\d+)(?![\d])")


def notes(pipeline: Pipeline) -> Iterator[str]:
    """One sentence for each thing to know, the pipeline's own first, then in the order of its executors."""
    if pipeline.pipeline_root:
        root = pipeline.pipeline_root
        yield f"its pipeline root, {root}, is used with --pipeline-root spec only: artifacts go to the home."
    for label, executor in pipeline.executors.items():
        if isinstance(executor, Container):
            yield from _ignored(label, executor)
            yield from _image(label, executor)
    yield from _pythons(pipeline)


def _ignored(label: str, container: Container) -> Iterator[str]:
    features = sorted(container.platform.keys() - _OBEYED)
    if features:
        yield f"{label}: one machine ignores its Kubernetes features: {', '.join(features)}."


def _image(label: str, container: Container) -> Iterator[str]:
    if is_containerised((*container.command, *container.args)):
        yield (
            f"{label}: its code is in the image {container.image} (target_image), which needs Docker or Podman; "
            "--containers host cannot run it."
        )
    elif recognise((*container.command, *container.args)) is None:
        yield (
            f"{label}: runs in the image {container.image}, which needs Docker or Podman; "
            "--containers host runs its command here instead."
        )


def _pythons(pipeline: Pipeline) -> Iterator[str]:
    """Which Pythons the images of components name that this machine's is not."""
    components = [
        (label, executor.image)
        for label, executor in pipeline.executors.items()
        if isinstance(executor, Container) and recognise((*executor.command, *executor.args)) is not None
    ]
    asked = {label: found[1] for label, image in components if (found := _PYTHON_IMAGE.search(image))}
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    for version in sorted(set(asked.values()) - {here}):
        labels = ", ".join(label for label, wanted in asked.items() if wanted == version)
        yield f"{labels}: asks for Python {version} by its image; Python components run with this machine's {here}."
