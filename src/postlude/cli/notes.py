"""What an operator should know of a pipeline that loads: what is ignored here, and what needs a container engine."""

from collections.abc import Iterator
from typing import Final

from postlude.executors.process.recognise import recognise
from postlude.spec.types import Container, Pipeline

_OBEYED: Final = {"activeDeadlineSeconds", "imagePullPolicy"}


def notes(pipeline: Pipeline) -> Iterator[str]:
    """One sentence for each thing to know, the pipeline's own first, then in the order of its executors."""
    if pipeline.pipeline_root:
        root = pipeline.pipeline_root
        yield f"its pipeline root, {root}, is used with --pipeline-root spec only: artifacts go to the home."
    for label, executor in pipeline.executors.items():
        if isinstance(executor, Container):
            yield from _ignored(label, executor)
            yield from _image(label, executor)


def _ignored(label: str, container: Container) -> Iterator[str]:
    features = sorted(container.platform.keys() - _OBEYED)
    if features:
        yield f"{label}: one machine ignores its Kubernetes features: {', '.join(features)}."


def _image(label: str, container: Container) -> Iterator[str]:
    if recognise((*container.command, *container.args)) is None:
        yield (
            f"{label}: runs in the image {container.image}, which needs Docker or Podman; "
            "--containers host runs its command here instead."
        )
