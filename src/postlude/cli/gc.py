"""`postlude gc`."""

import sys
import time
from pathlib import Path
from typing import Final

import click
import msgspec

from postlude.api.stored import stored
from postlude.cli.cleaning import Cleaned, clean
from postlude.cli.document import print_document
from postlude.cli.options import HOME
from postlude.cli.rows import Row
from postlude.cli.screen import print_rows
from postlude.cli.words import counted, epoch, size_text, wall_date
from postlude.core.task import State
from postlude.runtime.garbage import Limits, old_runs, size_bytes, unused_artifacts
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.artifacts.anywhere import downloads
from postlude.stores.home import Home, open_home, safe_name
from postlude.stores.run_lookup import SHORT_ID
from postlude.stores.store import Store

_SCHEMA: Final = "postlude.gc/v1"
_DAY_S: Final = 86400
_ALL: Final = 1_000_000_000
_SHOWN: Final = 20


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run to remove, and what its own files take."""

    document: Json
    directory_bytes: int
    artifact_bytes: int


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be removed.

    Attributes:
        artifacts: Directories of artifacts that nobody refers to even now, with their sizes.
        copies_bytes: What copies of artifacts that are kept elsewhere take, if those are to go too.
    """

    runs: tuple[_Run, ...]
    artifacts: tuple[tuple[Path, int], ...]
    copies_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.runs or self.artifacts or self.copies_bytes)


@click.command("gc")
@click.option(
    "--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Remove final runs that ended longer ago."
)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N final runs, and remove others."
)
@click.option("--copies", is_flag=True, help="Remove copies of artifacts that are kept elsewhere, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@HOME
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; without --yes nothing is removed.")
def command(
    *, older_than: float | None, keep: int | None, copies: bool, yes: bool, home: Path | None, as_json: bool
) -> None:
    """Remove final runs by age and count with all that is theirs, and artifacts that nobody refers to.

    With both --older-than and --keep a run is removed if it is older and not among the newest N; with neither only
    artifacts are. What would be removed is shown first. Runs that are not final are left alone.
    """
    limits = Limits(older_than_s=None if older_than is None else older_than * _DAY_S, keep=keep)
    where = open_home(home)
    with stored(where.root) as store:
        plan = _planned(store, where, limits, copies=copies)
        if as_json:
            removed = _cleaned(store, where, plan) if yes else None
            print_document(_document(plan, removed))
        elif plan.is_empty:
            click.echo("Nothing to remove.")
            return
        else:
            print_rows(_rows(plan))
            _confirm(yes=yes)
            removed = _cleaned(store, where, plan)
            click.echo(f"Removed {counted(removed.runs, 'run')} and freed {size_text(removed.freed_bytes)}.")
    _tell(removed)


def _cleaned(store: Store, home: Home, plan: _Plan) -> Cleaned:
    return clean(store, home, [one.document["run_id"] for one in plan.runs], copies=plan.copies_bytes > 0)


def _planned(store: Store, home: Home, limits: Limits, *, copies: bool) -> _Plan:
    documents = store.catalog.runs(limit=_ALL)
    unfinished = set(store.journal.unfinished())
    ended = [None if one["run_id"] in unfinished else epoch(one["finished_at"]) for one in documents]
    runs = [_run(home, one) for one in old_runs(documents, ended, limits, time.time())]
    spared = {safe_name(one) for one in unfinished} | {safe_name(one.document["run_id"]) for one in runs}
    unused = unused_artifacts(home.artifacts, store.upkeep.used_artifacts(), spared)
    sized = [(path, size_bytes(path)) for path in unused]
    return _Plan(
        runs=tuple(runs),
        artifacts=tuple((path, size) for path, size in sized if size),
        copies_bytes=size_bytes(downloads(home.cache)) if copies else 0,
    )


def _run(home: Home, document: Json) -> _Run:
    run_id = document["run_id"]
    return _Run(
        document=document,
        directory_bytes=size_bytes(home.run_directory(run_id)),
        artifact_bytes=size_bytes(home.artifacts / safe_name(run_id)),
    )


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("Nothing was removed: there is nobody to ask. Say --yes to remove this.")
    if not click.confirm("Remove this?"):
        raise click.exceptions.Exit(0)


def _tell(removed: Cleaned | None) -> None:
    """What was left, on standard error; exit code 1 where something that should go is still there."""
    if removed is None:
        return
    for note in removed.notes:
        click.echo(note, err=True)
    raise click.exceptions.Exit(1 if removed.failed else 0)


# --- what is shown ----------------------------------------------------------------------------------------------------


def _rows(plan: _Plan) -> list[Row]:
    rows: list[Row] = []
    if plan.runs:
        own = sum(one.directory_bytes for one in plan.runs)
        made = sum(one.artifact_bytes for one in plan.runs)
        artifacts = f", up to {size_text(made)} of artifacts that other runs may use" if made else ""
        rows.append(
            ((f"{counted(len(plan.runs), 'final run')}: {size_text(own)} of logs and files{artifacts}", "bold"),)
        )
        rows += [_run_row(one) for one in plan.runs[:_SHOWN]]
        if len(plan.runs) > _SHOWN:
            rows.append(((f"  … {len(plan.runs) - _SHOWN} more", "dim"),))
    if plan.artifacts:
        unused = sum(size for _, size in plan.artifacts)
        rows.append(((f"Artifacts that nobody refers to: {size_text(unused)}", "bold"),))
    if plan.copies_bytes:
        rows.append(((f"Copies of artifacts that are kept elsewhere: {size_text(plan.copies_bytes)}", "bold"),))
    return rows


def _run_row(one: _Run) -> Row:
    state, ended = one.document["state"], epoch(one.document["finished_at"])
    size = size_text(one.directory_bytes + one.artifact_bytes)
    named = f"  {one.document['run_id'][:SHORT_ID]}  {one.document['pipeline']}  "
    return (
        (named, ""),
        (state, "dim" if state == State.SUCCEEDED.value else ""),
        (f"  {wall_date(ended or 0)}  {size}", "dim"),
    )


def _document(plan: _Plan, removed: Cleaned | None) -> Json:
    runs = [
        {key: one.document[key] for key in ("run_id", "pipeline", "state", "finished_at")}
        | {"directory_bytes": one.directory_bytes, "artifact_bytes": one.artifact_bytes}
        for one in plan.runs
    ]
    unused = [{"path": str(path), "size_bytes": size} for path, size in plan.artifacts]
    done = None if removed is None else {"runs": removed.runs, "freed_bytes": removed.freed_bytes}
    copies = {"size_bytes": plan.copies_bytes}
    return {"schema": _SCHEMA, "runs": runs, "artifacts": unused, "copies": copies, "removed": done}
