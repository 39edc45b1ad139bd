"""`postlude logs`."""

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from postlude.api.stored import stored_run
from postlude.api.task_lookup import select
from postlude.cli.options import HOME
from postlude.cli.visible import visible, visible_line
from postlude.executors.process.log import LogLine, read_log
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.run_lookup import SHORT_ID


@click.command("logs")
@click.argument("run", default="", required=False)
@click.argument("task", default="", required=False)
@click.option("--timestamps", is_flag=True, help="Put the time of arrival before each line.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="The log of attempt N; else the last one's.")
@HOME
def command(run: str, task: str, attempt: int | None, home: Path | None, *, timestamps: bool) -> None:
    """Print what tasks wrote, in order of arrival.

    RUN is an id or the start of one, or "" for the latest run. TASK is a path, the path of a group, or the last part of
    a path that only one task has. Without TASK every task's lines are printed, each with its path.
    """
    document = stored_run(home, run)
    selected = [each for each in select(document, task) if each["log"]]
    # Of several tasks, those are read that got as far as a log; of one it is said what became of it.
    chosen = selected if len(selected) == 1 else [each for each in selected if Path(each["log"]).exists()]
    if not chosen:
        raise ConfigError(_nothing(document, task))
    lines = heapq.merge(*(_read(each, attempt) for each in chosen), key=lambda found: found[1].at)
    _print(lines, paths=len(chosen) > 1, timestamps=timestamps)


def _nothing(document: Json, task: str) -> str:
    run, what = document["run_id"][:SHORT_ID], repr(task) if task else "the run"
    return f"run {run}: nothing of {what} ran as a process, so there is no log. `postlude show {run}` says why."


def _read(task: Json, attempt: int | None) -> Iterator[tuple[str, LogLine]]:
    last = Path(task["log"])
    # An attempt's directory is named by its number: .../<task>/<attempt>/<log>.
    log = last if attempt is None else last.parent.with_name(str(attempt)) / last.name
    try:
        yield from ((task["path"], line) for line in read_log(log))
    except FileNotFoundError:
        raise ConfigError(_missing(task, attempt, log)) from None


def _missing(task: Json, attempt: int | None, log: Path) -> str:
    if attempt is not None and attempt > task["attempts"]:
        return (
            f"{task['path']}: has no attempt {attempt}; it had {task['attempts']}. Choose one of them with --attempt."
        )
    return f"{task['path']}: its log {log} is gone. Was the run's directory removed?"


def _print(lines: Iterable[tuple[str, LogLine]], *, paths: bool, timestamps: bool) -> None:
    unfinished: str | None = None
    for path, line in lines:
        stamp = f"{line.at.isoformat()} " if timestamps else ""
        prefix = f"[{visible(path)}] " if paths else ""
        origin = f"{path} {line.stream}"
        if unfinished not in (None, origin):
            click.echo()
        begins = "" if unfinished == origin else stamp + prefix
        click.echo(begins + visible_line(line.text), nl=line.whole)
        unfinished = None if line.whole else origin
