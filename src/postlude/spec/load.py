"""A compiled pipeline as a `Pipeline`, or everything that is wrong with it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from postlude.spec import wire
from postlude.spec.check import check
from postlude.spec.components import component
from postlude.spec.executors import executors
from postlude.spec.numbers import seconds
from postlude.spec.places import Place
from postlude.spec.problem import Problem, SpecError
from postlude.spec.shape import shaped
from postlude.spec.text import documents
from postlude.spec.types import Component, Json, Pipeline

_CUTS: Final = re.compile(r"[.\[]")
_TOO_DEEP: Final = Problem(where="$", what="nests too deeply to be read. Flatten its values.")


def load(source: bytes | str | Mapping[str, Json] | Sequence[Json], *, name: str) -> Pipeline:
    """The pipeline that a compiled document describes.

    Args:
        source: YAML or JSON text of a pipeline spec, perhaps with its platform spec as a second document; or the parsed
            document or documents.
        name: What errors call the source: a file name.

    Raises:
        SpecError: It cannot be run; lists every problem, each with its path and what to do.
    """
    return load_parsed(parse(source, name=name), name=name)


def parse(source: bytes | str | Mapping[str, Json] | Sequence[Json], *, name: str) -> tuple[Json, Json]:
    """The pipeline spec and the platform spec (or None) as plain JSON values; the arguments are those of `load`.

    Raises:
        SpecError: It is no text, no YAML, no JSON, or not a compiled pipeline.
    """
    try:
        return documents(source, name=name)
    except RecursionError as error:
        raise SpecError(name, [_TOO_DEEP]) from error


def load_parsed(parsed: tuple[Json, Json], *, name: str) -> Pipeline:
    """The pipeline that the outcome of `parse` describes.

    Raises:
        SpecError: It cannot be run; lists every problem, each with its path and what to do.
    """
    try:
        pipeline, problems = _built(*parsed)
    except RecursionError as error:
        raise SpecError(name, [_TOO_DEEP]) from error
    if problems:
        raise SpecError(name, problems)
    return pipeline


def _built(spec: Json, platform: Json) -> tuple[Pipeline, list[Problem]]:
    """The pipeline and every problem. A stage does not repeat what an earlier one found wrong with the same part."""
    wrong_types: list[Problem] = []
    written = shaped(spec, wire.PipelineSpec, Place(wrong_types))
    kubernetes = shaped(platform or {}, wire.PlatformSpec, Place(wrong_types)).platforms.kubernetes
    meaningless: list[Problem] = []
    pipeline = _pipeline(written, kubernetes, (spec, platform), Place(meaningless))
    known = wrong_types + _news(meaningless, wrong_types)
    return pipeline, known + _news(check(pipeline), known)


def _news(found: Iterable[Problem], known: Sequence[Problem]) -> list[Problem]:
    """The problems that are not of a part with a known problem, of one inside it, or of one around it."""
    parts = {problem.where for problem in known}
    around = {outer for where in parts for outer in _around(where)}
    return [one for one in found if one.where not in around and parts.isdisjoint((one.where, *_around(one.where)))]


def _around(where: str) -> Iterator[str]:
    """The paths of everything that holds a part, and perhaps of more: a quoted name may hold dots."""
    return (where[: cut.start()] for cut in _CUTS.finditer(where))


def _pipeline(given: wire.PipelineSpec, platform: wire.Platform, source: tuple[Json, Json], place: Place) -> Pipeline:
    if not given.pipeline_info.name:
        (place / "pipelineInfo" / "name").fault("is missing. Give the pipeline a name.")
    dags = {name for name, each in given.components.items() if each.dag is not None}
    config, at = platform.pipeline_config, place / "platforms" / "kubernetes"
    return Pipeline(
        name=given.pipeline_info.name,
        root=_root(given.root, dags, place / "root"),
        components={
            name: component(name, each, dags, place / "components" / name) for name, each in given.components.items()
        },
        executors=executors(
            given.deployment_spec,
            platform.deployment_spec.executors,
            place / "deploymentSpec" / "executors",
            at / "deploymentSpec" / "executors",
        ),
        display_name=given.pipeline_info.display_name,
        description=given.pipeline_info.description,
        pipeline_root=given.default_pipeline_root,
        sdk_version=given.sdk_version,
        schema_version=given.schema_version,
        digest=sha256(msgspec.json.encode(source, order="sorted")).hexdigest(),
        source=source,
        workspace=config.workspace is not None,
        timeout_s=seconds(config.active_deadline_seconds, at / "pipelineConfig" / "activeDeadlineSeconds"),
    )


def _root(given: wire.Component, dags: Collection[str], place: Place) -> Component:
    if given.dag is None and given.executor_label:
        place.fault("is a single component, where a DAG belongs. Call the component in a pipeline and compile that.")
    return component("root", given, dags, place)
