"""Runs one pipeline to its judgement."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from postlude.api.source import load_source
from postlude.engines.local.engine import LocalEngine
from postlude.spec.arguments import check_arguments
from postlude.spec.problem import SpecError
from postlude.spec.types import Json, Pipeline
from postlude.wiring import RunOptions, open_engine

from .cases import case_of
from .verdict import Judgement, Verdict, judge_refusal, judge_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one pipeline.

    Attributes:
        name: Its file's name without the suffix.
        sdk: The SDK that compiled it.
        tasks: How many leaf tasks its run had, iterations counted each; 0 where nothing ran.
        wall_s: From loading to the end.
    """

    name: str
    sdk: str = ""
    tasks: int = 0
    wall_s: float
    judgement: Judgement


def run_sample(source: Path, options: RunOptions) -> Outcome:
    """Load and run one pipeline with the arguments of its case. A fault is an outcome too, never an exception."""
    began = time.monotonic()
    sdk, tasks = "", 0
    try:
        pipeline = load_source(source)
        sdk = pipeline.sdk_version.removeprefix("kfp-")
        judgement, tasks = _run(source.stem, pipeline, options)
    except Exception as fault:  # noqa: BLE001 - one pipeline's fault must not hide how the others end
        judgement = Judgement(verdict=Verdict.WRONG, note=f"{type(fault).__name__}: {fault}")
    wall_s = time.monotonic() - began
    return Outcome(name=source.stem, sdk=sdk, tasks=tasks, wall_s=wall_s, judgement=judgement)


def _run(name: str, pipeline: Pipeline, options: RunOptions) -> tuple[Judgement, int]:
    case = case_of(name)
    try:
        arguments = check_arguments(pipeline, case.arguments)
    except SpecError as refusal:
        return judge_refusal(pipeline, str(refusal)), 0
    with open_engine(replace(options, **case.pretended)) as engine, _limited(engine, case.limit_s):
        document = engine.run(pipeline, arguments)
    return judge_run(case, pipeline, document), _leaves(document)


def _leaves(document: Json) -> int:
    return sum(task["kind"] in ("task", "importer") for task in document["tasks"])


@contextmanager
def _limited(engine: LocalEngine, limit_s: float) -> Iterator[None]:
    """While inside: the run is canceled when its time is up, exit tasks included."""
    timer = threading.Timer(limit_s, engine.cancel, kwargs={"force": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
