"""`postlude rehearse`."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import click

from postlude.api.arguments import read_arguments
from postlude.api.faults import read_outputs
from postlude.api.rehearse import rehearsal
from postlude.api.rehearsed import Case, Mishap, Rehearsal, Witness
from postlude.api.source import load_source
from postlude.cli.document import print_document
from postlude.cli.fault_options import OUTPUT
from postlude.cli.options import AS_JSON, PARAMETERS, PARAMS_FILE, PIPELINE, SOURCE
from postlude.cli.rows import Row
from postlude.cli.screen import print_rows
from postlude.cli.words import LOOKS
from postlude.core.task import State
from postlude.engines.simulated.scenario import Scenario
from postlude.spec.arguments import check_arguments
from postlude.spec.paths import pattern_of

_MISHAP: Final = "MISHAP"


@click.command("rehearse")
@SOURCE
@PARAMETERS
@PARAMS_FILE
@PIPELINE
@OUTPUT
@click.option(
    "--only",
    type=click.Choice([each.value for each in Mishap]),
    multiple=True,
    help="Try only this. Repeatable.",
)
@click.option("--exit-tasks", is_flag=True, help="Somebody must be told of the failures of exit tasks, too.")
@AS_JSON
def command(
    source: str,
    pairs: tuple[str, ...],
    params_file: Path | None,
    pipeline: str | None,
    outputs: tuple[str, ...],
    only: tuple[str, ...],
    *,
    exit_tasks: bool,
    as_json: bool,
) -> None:
    """Try every failure of every task, and say who is told.

    Each task in turn fails, times out, runs out of memory, and sees the run canceled while it runs.

    The state machine of real runs decides; no code of the pipeline runs. Exit codes: 0 somebody is told of every
    failure, 1 nobody is told of some, 2 the request was refused.
    """
    loaded = load_source(source, pipeline=pipeline)
    arguments = check_arguments(loaded, read_arguments(loaded, pairs, params_file))
    scenario = Scenario(products=read_outputs(outputs))
    found = rehearsal(
        loaded,
        arguments,
        scenario,
        only=[Mishap(each) for each in only],
        exit_tasks=exit_tasks,
        source="the command line",
    )
    if as_json:
        print_document(found.document)
    else:
        _print(found)
    raise click.exceptions.Exit(0 if found.ok else 1)


def _print(found: Rehearsal) -> None:
    print_rows(_table(found), wrap=True)
    click.echo()
    print_rows([*_verdict(found), *_watchers(found), *_notes(found)], wrap=True)


class _Outcome(NamedTuple):
    """Mishaps of one task, one after the other, of which the same came."""

    mishaps: str
    case: Case


def _table(found: Rehearsal) -> Iterator[Row]:
    tasks = [(task, list(_outcomes(cases))) for task, cases in groupby(found.cases, key=lambda case: case.task)]
    width = max([len(_MISHAP), *(len(each.mishaps) for _, outcomes in tasks for each in outcomes)])
    yield (("TASK", "dim"),)
    yield ((f"  {_MISHAP:{width}}  RUN       EXIT TASKS AND WHAT THEY ARE TOLD", "dim"),)
    for task, outcomes in tasks:
        yield ((task, "bold"),)
        yield from (_line(each, width) for each in outcomes)


def _outcomes(cases: Iterable[Case]) -> Iterator[_Outcome]:
    for _, same in groupby(cases, key=lambda case: (case.run, case.state, case.witnesses)):
        alike = list(same)
        yield _Outcome(mishaps=", ".join(case.mishap.value for case in alike), case=alike[0])


def _line(outcome: _Outcome, width: int) -> Row:
    case = outcome.case
    return (
        (f"  {outcome.mishaps:{width}}  ", ""),
        (f"{case.run:8}  ", LOOKS[State(case.run)].style),
        (_fired(case), ""),
        (_remark(case), "bold red" if case.required else "yellow"),
    )


def _fired(case: Case) -> str:
    alike: dict[tuple[str, tuple[str, ...]], list[Witness]] = {}
    for each in case.witnesses:
        alike.setdefault((pattern_of(each.path), each.states), []).append(each)
    return ", ".join(_witnesses(pattern, same) for (pattern, _), same in alike.items())


def _witnesses(pattern: str, same: list[Witness]) -> str:
    """What the exit tasks of several iterations are told, if it is the same; of one that one's path."""
    path, states = (pattern if len(same) > 1 else same[0].path), same[0].states
    times = f" ({len(same)} times)" if len(same) > 1 else ""
    return f"{path}: {', '.join(states)}{times}" if states else f"{path} (takes no status){times}"


def _remark(case: Case) -> str:
    separator = "  " if case.witnesses else ""
    if not case.failed:
        return f"{separator}[it is spared]"
    if case.handled:
        return ""
    return f"{separator}[nobody is told{'' if case.required else ', nor need be: it is an exit task'}]"


def _verdict(found: Rehearsal) -> Iterator[Row]:
    tried = len(found.cases)
    if found.ok:
        yield ("✓ ", "green"), (f"{found.pipeline}: somebody is told of every failure ({tried} cases tried)", "")
        return
    count = len(found.unhandled)
    said = f"{found.pipeline}: nobody is told of {count} failure{'s' if count != 1 else ''} ({tried} cases tried)"
    yield ("✗ ", "bold red"), (said, "")
    for task, cases in groupby(found.unhandled, key=lambda case: case.task):
        yield ("  ", ""), (f"{task}: {', '.join(case.mishap.value for case in cases)}", "")


def _watchers(found: Rehearsal) -> Iterator[Row]:
    for path in found.never_told:
        yield ("Note: ", "yellow"), (f"{path} takes a status and sees no failure in any case", "")
    for path in found.take_no_status:
        yield ("Note: ", "dim"), (f"{path} takes no status: it cannot tell a failure from a success", "")


def _notes(found: Rehearsal) -> Iterator[Row]:
    if found.undisturbed != State.SUCCEEDED.value:
        said = f"the run in which nothing is tried ends {found.undisturbed}: {found.error}"
        yield ("Note: ", "yellow"), (f"{said}. Give --output or -p, so that cases build on a good run", "")
    for path in found.never_reached:
        yield ("Not tried: ", "yellow"), (f"{path}: no case came to it", "")
    for sentence in found.made_up:
        yield ("Made up: ", "yellow"), (sentence, "")
