"""Says how a pipeline's run counts: by what happened, and by what the pipeline itself asks for."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from postlude.spec.types import Container, Json, ParameterType, Pipeline

from .cases import Case


class Verdict(Enum):
    """How a pipeline counts; the values are the words of the table."""

    SUCCEEDED = "ran: SUCCEEDED"
    FAILED_AS_WRITTEN = "ran: FAILED, as written"
    NEEDS_CLOUD = "needs a cloud"
    NEEDS_CLUSTER = "needs a cluster"
    NEEDS_IMAGE = "needs its image"
    NO_PIPELINE = "refused: a component, not a pipeline"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and why."""

    verdict: Verdict
    note: str = ""


_CLOUD_ERRORS: Final = (
    (re.compile(r"(\w+)://\S*: '\w+' addresses cannot be read on this machine"), "imports an artifact from {0}://"),
    (re.compile(r"nothing was imported: (\w+)://"), "imports an artifact from {0}://"),
    (re.compile(r"HTTPConnectionPool\(host='127\.0\.0\.1'"), "reads from the cluster's object store"),
)
_IMAGES: Final = (
    (Verdict.NEEDS_CLOUD, "google/cloud-sdk", "its program is gsutil"),
    (Verdict.NEEDS_CLOUD, "google-cloud-pipeline-components", "starts a job on Vertex AI"),
    (Verdict.NEEDS_CLUSTER, "argostub/", "asks Kubernetes for a volume"),
)
_IMAGE_ERRORS: Final = (
    (re.compile(r"program '(\S+)' was not found on PATH"), "'{0}' is a program of the image"),
    (re.compile(r"cannot open (\S+): No such file"), "'{0}' is a file of the image"),
    (re.compile(r"the component's code is in its image '(\S+)'"), "the component's code is in the image '{0}'"),
    (re.compile(r"(\[\[): not found"), "the image's shell knows '{0}', a plain sh does not"),
    (re.compile(r"Illegal option -o (pipefail)"), "the image's shell knows '{0}', a plain sh does not"),
)


def judge_refusal(pipeline: Pipeline, text: str) -> Judgement:
    """What it means that the pipeline's arguments were refused."""
    inputs = pipeline.root.inputs
    artifacts = [name for name, declared in inputs.artifacts.items() if not declared.optional]
    statuses = [name for name, one in inputs.parameters.items() if one.type is ParameterType.TASK_FINAL_STATUS]
    if artifacts and all(f"{name}: is a required input artifact" in text for name in artifacts):
        return Judgement(verdict=Verdict.NO_PIPELINE, note=f"takes artifacts from a task before it: {_list(artifacts)}")
    if statuses and all(f"{name}: has type TASK_FINAL_STATUS" in text for name in statuses):
        return Judgement(verdict=Verdict.NO_PIPELINE, note=f"takes the final status of a task: {_list(statuses)}")
    return Judgement(verdict=Verdict.WRONG, note=text)


def judge_run(case: Case, pipeline: Pipeline, document: Json) -> Judgement:
    """What it means that the run ended as its document says."""
    state, error = document["state"], (document["error"] or {}).get("message", "")
    if case.fails:
        meant = state == "FAILED" and case.error in error
        return Judgement(verdict=Verdict.FAILED_AS_WRITTEN, note=case.fails) if meant else _wrong(state, error)
    if state == "SUCCEEDED":
        return Judgement(verdict=Verdict.SUCCEEDED)
    return _need(pipeline, error) or _wrong(state, error)


def _wrong(state: str, error: str) -> Judgement:
    return Judgement(verdict=Verdict.WRONG, note=f"ended {state}: {error}")


def _need(pipeline: Pipeline, error: str) -> Judgement | None:
    """What the pipeline needs and this machine has not, None where nothing explains its end."""
    return (
        _told(_CLOUD_ERRORS, Verdict.NEEDS_CLOUD, error)
        or _by_image(pipeline)
        or _by_platform(pipeline)
        or _told(_IMAGE_ERRORS, Verdict.NEEDS_IMAGE, error)
    )


def _told(table: tuple[tuple[re.Pattern[str], str], ...], verdict: Verdict, error: str) -> Judgement | None:
    for pattern, note in table:
        if found := pattern.search(error):
            return Judgement(verdict=verdict, note=note.format(*found.groups()))
    return None


def _by_image(pipeline: Pipeline) -> Judgement | None:
    images = {one.image for one in pipeline.executors.values() if isinstance(one, Container)}
    for verdict, part, note in _IMAGES:
        if any(part in image for image in images):
            return Judgement(verdict=verdict, note=note)
    return None


def _by_platform(pipeline: Pipeline) -> Judgement | None:
    found = {name for one in pipeline.executors.values() if isinstance(one, Container) for name in one.platform}
    return Judgement(verdict=Verdict.NEEDS_CLUSTER, note=f"asks Kubernetes for {_list(found)}") if found else None


def _list(names: set[str] | list[str]) -> str:
    return ", ".join(sorted(names))
