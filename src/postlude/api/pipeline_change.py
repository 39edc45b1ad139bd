"""A stored run's pipeline against the one that its source holds now."""

import difflib
from collections.abc import Sequence
from typing import Final

import yaml

from postlude.core.run_state import Run
from postlude.core.task import ROOT
from postlude.spec.arguments import check_arguments
from postlude.spec.problem import ConfigError
from postlude.spec.types import Pipeline
from postlude.stores.run_lookup import SHORT_ID

_DIFF_LINES_MAX: Final = 60


def refuse_change(run: Run, source: str, pipeline: Pipeline) -> None:
    """Do nothing where the source still compiles to the run's pipeline.

    Raises:
        ConfigError: It does not; the message shows how they differ, and what to do.
    """
    if pipeline.digest == run.pipeline.digest:
        return
    raise ConfigError(
        f"{source}: is not the pipeline that run {run.run_id[:SHORT_ID]} ran:\n"
        f"{_diff(run.pipeline, pipeline, source)}\n"
        f"Retry it as it was (without {source}), or say `--with {source}` to go on with this one in its place."
    )


def check_replacement(run: Run, source: str, pipeline: Pipeline) -> None:
    """Do nothing where the pipeline can take the place of the run's.

    Raises:
        ConfigError: It is another pipeline, or needs what the run does not have.
        SpecError: The run's parameters do not fit it.
    """
    stored = run.pipeline
    if pipeline.name != stored.name:
        raise ConfigError(
            f"{source}: holds the pipeline '{pipeline.name}', and run {run.run_id[:SHORT_ID]} is one of "
            f"'{stored.name}'. Give a version of '{stored.name}', or start a new run with `postlude run`."
        )
    if pipeline.workspace and not run.settings.workspace:
        raise ConfigError(f"{source}: asks for a workspace, which the run does not have. Start it with `postlude run`.")
    declared = pipeline.root.inputs.parameters
    kept = {name: value for name, value in run.tasks[ROOT].inputs.parameters.items() if name in declared}
    check_arguments(pipeline, kept, source=f"{source}, with the parameters of run {run.run_id[:SHORT_ID]},")


def _diff(stored: Pipeline, found: Pipeline, source: str) -> str:
    lines = list(difflib.unified_diff(_text(stored), _text(found), "the run's pipeline", source, n=2, lineterm=""))
    more = [f"… {len(lines) - _DIFF_LINES_MAX} more lines"] if len(lines) > _DIFF_LINES_MAX else []
    return "\n".join(f"  {line}" for line in [*lines[:_DIFF_LINES_MAX], *more])


def _text(pipeline: Pipeline) -> Sequence[str]:
    documents = [document for document in pipeline.source if document is not None]
    text: str = yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=1000)
    return text.splitlines()
