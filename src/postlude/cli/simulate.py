"""`postlude simulate`."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from postlude.api.arguments import read_arguments
from postlude.api.faults import read_faults, read_outputs
from postlude.api.simulate import ExitTask, Simulation, simulation
from postlude.api.source import load_source
from postlude.cli.document import print_document
from postlude.cli.fault_options import DELAY, FAIL, KILL, OUTPUT, fault_texts
from postlude.cli.options import (
    AS_JSON,
    EXIT_TASKS_ON_CANCEL,
    EXIT_TIMEOUT,
    FAILURE_POLICY,
    PARAMETERS,
    PARAMS_FILE,
    PIPELINE,
    SOURCE,
    STATUS_WORDS,
    Seconds,
)
from postlude.cli.rows import Row, rows
from postlude.cli.screen import print_rows
from postlude.cli.tree import tree_of
from postlude.cli.words import LOOKS, duration, epoch
from postlude.core.run_state import FailurePolicy, StatusWords
from postlude.core.task import State
from postlude.engines.simulated.scenario import Scenario
from postlude.runtime.faults import FaultKind
from postlude.spec.arguments import check_arguments
from postlude.spec.types import Json

_TREE_ROWS_MAX: Final = 200
_SOURCE: Final = "the command line"


@click.command("simulate")
@SOURCE
@PARAMETERS
@PARAMS_FILE
@PIPELINE
@FAIL
@click.option("--timeout", multiple=True, metavar="PATH[@ATTEMPT]", help="Let this task run into its time limit.")
@click.option("--oom", multiple=True, metavar="PATH[@ATTEMPT]", help="Let this task run out of memory.")
@KILL
@DELAY
@click.option("--cancel-at", default="", metavar="PATH", help="Cancel the run as soon as this task has started.")
@OUTPUT
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Tasks at a time; else no limit.")
@FAILURE_POLICY
@STATUS_WORDS
@click.option(
    "--run-timeout",
    "timeout_s",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="What the run may take, exit tasks aside; each task takes one second.",
)
@EXIT_TIMEOUT
@EXIT_TASKS_ON_CANCEL
@AS_JSON
def command(
    source: str, pairs: tuple[str, ...], params_file: Path | None, pipeline: str | None, *, as_json: bool, **given: Any
) -> None:
    """Say what becomes of a pipeline if tasks fail: final states, which exit tasks fire, what each is told.

    The state machine of real runs decides; no code of the pipeline runs, and nothing is written. Outputs that --output
    does not give are made up. Exit codes: 0 the simulation came to its end, whatever that is; 2 it was refused.
    """
    loaded = load_source(source, pipeline=pipeline)
    arguments = check_arguments(loaded, read_arguments(loaded, pairs, params_file))
    with _nothing_collected():
        found = simulation(loaded, arguments, _scenario(**given), source=_SOURCE)
        if as_json:
            print_document(found.document)
        else:
            _print(found)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Leave out garbage collection: all that a simulation makes it keeps to its end, and looking through it is slow."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _scenario(**given: Any) -> Scenario:
    return Scenario(
        faults=read_faults(fault_texts(**{kind.value: given.pop(kind.value) for kind in FaultKind})),
        products=read_outputs(given.pop("outputs")),
        failure_policy=FailurePolicy(given.pop("failure_policy")),
        status_words=StatusWords(given.pop("status_words")),
        **given,
    )


def _print(found: Simulation) -> None:
    document = found.run.document
    print_rows(rows(tree_of(document), limit=_TREE_ROWS_MAX))
    click.echo()
    print_rows([*_headline(document), *_exit_tasks(found), *_notes(found)], wrap=True)


def _headline(document: Json) -> Iterator[Row]:
    look = LOOKS[State(document["state"])]
    simulated = f"  {document['pipeline']}, simulated: no code ran, each task takes 1 s"
    yield (f"{look.symbol} {document['state']}", look.style), (simulated, "")
    if document["error"]:
        yield ("  ", ""), (f"code {document['error']['code']}: {document['error']['message']}", "")


def _exit_tasks(found: Simulation) -> Iterator[Row]:
    if not found.exit_tasks:
        yield ("No exit task fires.", ""), ("", "")
        return
    yield ("Exit tasks, in the order in which they fire:", ""), ("", "")
    for position, one in enumerate(found.exit_tasks, start=1):
        yield (f"  {position}. ", "dim"), (_fired(found, one), "")
        for name, payload in one.payloads.items():
            yield ("     ", ""), (f"{name} =", "dim")
            for line in json.dumps(payload, indent=2, ensure_ascii=False).splitlines():
                yield (f"     {line}", ""), ("", "")


def _fired(found: Simulation, one: ExitTask) -> str:
    began, started = epoch(found.run.document["created_at"]), epoch(one.document["started_at"])
    at = f" at {duration(started - began)}" if began is not None and started is not None else ""
    after = f" after {one.about}" if one.about else ""
    told = "" if one.payloads else ", takes no status"
    return f"{one.path}{after}{at}, {one.state}{told}"


def _notes(found: Simulation) -> Iterator[Row]:
    for label, sentences in (("Made up: ", found.made_up), ("Note: ", found.without_effect)):
        for sentence in sentences:
            yield (label, "yellow"), (sentence, "")
