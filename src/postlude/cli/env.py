"""`postlude env`."""

import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from postlude.cli.document import print_document
from postlude.cli.options import AS_JSON, HOME
from postlude.cli.rows import Row
from postlude.cli.screen import print_rows
from postlude.cli.words import counted, size_text, wall_date
from postlude.executors.process.shelf import Kept, kept, leftovers, remove
from postlude.runtime.garbage import size_bytes
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.home import open_home

_LIST_SCHEMA: Final = "postlude.environments/v1"
_CLEAR_SCHEMA: Final = "postlude.environments-cleared/v1"
_COLUMNS: Final = ("KEY", "PYTHON", "SIZE", "LAST USED", "PACKAGES")
_SHORT_KEY: Final = 8
_DAY_S: Final = 86400
_NOTHING_NAMED: Final = "Nothing was removed: name environments by KEY, or say --unused-for DAYS or --all."


@dataclass(slots=True, kw_only=True)
class _Cleared:
    """What was done.

    Attributes:
        removed: Keys of the environments that are gone.
        in_use: Keys of those that were left alone, since something uses them.
        faults: What could not be removed, and why.
    """

    removed: list[str] = field(default_factory=list)
    in_use: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    freed_bytes: int = 0


@click.group("env")
def command() -> None:
    """The environments that are kept for components that install packages."""


# --- list -------------------------------------------------------------------------------------------------------------


@command.command("list")
@HOME
@AS_JSON
def list_environments(home: Path | None, *, as_json: bool) -> None:
    """List the environments, the one used last first."""
    found = kept(open_home(home).environments)
    if as_json:
        print_document({"schema": _LIST_SCHEMA, "environments": [_document(one) for one in found]})
    elif found:
        print_rows(_table([_COLUMNS, *(_cells(one) for one in found)]))
    else:
        click.echo("No environments. A component with packages_to_install makes one.")


def _document(one: Kept) -> Json:
    return {
        "key": one.key,
        "packages": list(one.record.packages),
        "index_urls": list(one.record.index_urls),
        "installed": list(one.record.installed),
        "python": one.record.python,
        "size_bytes": size_bytes(one.path),
        "built_at": _stamp(one.record.built_at),
        "last_used_at": _stamp(one.used_at),
        "path": str(one.path),
    }


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cells(one: Kept) -> tuple[str, ...]:
    packages = ", ".join(one.record.packages)
    return one.key[:_SHORT_KEY], one.record.python, size_text(size_bytes(one.path)), wall_date(one.used_at), packages


def _table(lines: Sequence[tuple[str, ...]]) -> list[Row]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    return [
        tuple((f"{cell:{width}}  ", "bold" if number == 0 else "") for cell, width in zip(line, widths, strict=True))
        for number, line in enumerate(lines)
    ]


# --- clear ------------------------------------------------------------------------------------------------------------


@command.command("clear")
@click.argument("keys", metavar="[KEY]..", nargs=-1)
@click.option("--unused-for", type=click.FloatRange(min=0), metavar="DAYS", help="Those not used for so long.")
@click.option("--all", "every", is_flag=True, help="All of them.")
@HOME
@AS_JSON
def clear(keys: tuple[str, ...], unused_for: float | None, home: Path | None, *, every: bool, as_json: bool) -> None:
    """Remove environments: the next task that needs one builds it afresh. KEY is a key or the start of one.

    An environment that a task uses or waits for is left alone. What builds that were cut short have left goes too.
    """
    environments = open_home(home).environments
    chosen = _chosen(kept(environments), keys, unused_for, every=every)
    cleared = _Cleared()
    for one in chosen:
        _remove(environments, one, cleared)
    _sweep(environments, cleared)
    _tell(cleared, as_json=as_json)
    raise click.exceptions.Exit(1 if cleared.faults or (keys and cleared.in_use) else 0)


def _chosen(found: Sequence[Kept], keys: Iterable[str], unused_for: float | None, *, every: bool) -> list[Kept]:
    """The environments to remove.

    Raises:
        ConfigError: Nothing says which, or a key names none or several.
    """
    named = {_named(found, key) for key in keys}
    if not named and unused_for is None and not every:
        raise ConfigError(_NOTHING_NAMED)
    limit = None if unused_for is None else time.time() - unused_for * _DAY_S
    return [one for one in found if every or one.key in named or (limit is not None and one.used_at <= limit)]


def _named(found: Sequence[Kept], key: str) -> str:
    matching = [one.key for one in found if key and one.key.startswith(key)]
    if len(matching) == 1:
        return matching[0]
    what = f"is the start of {len(matching)} keys: {', '.join(matching)}" if matching else "no environment has this key"
    raise ConfigError(f"{key!r}: {what}. Nothing was removed. `postlude env list` shows what there is.")


def _remove(environments: Path, one: Kept, cleared: _Cleared) -> None:
    freed = size_bytes(one.path)
    try:
        if not remove(environments, one.key):
            cleared.in_use.append(one.key)
            return
    except OSError as error:
        cleared.faults.append(f"Environment {one.key[:_SHORT_KEY]} cannot be removed: {error.strerror or error}")
        return
    cleared.removed.append(one.key)
    cleared.freed_bytes += freed


def _sweep(environments: Path, cleared: _Cleared) -> None:
    """Remove what was left half built or half removed."""
    for path in leftovers(environments):
        freed = size_bytes(path)
        shutil.rmtree(path, ignore_errors=True)
        cleared.freed_bytes += freed - size_bytes(path)


def _tell(cleared: _Cleared, *, as_json: bool) -> None:
    for fault in cleared.faults:
        click.echo(fault, err=True)
    for key in cleared.in_use:
        click.echo(f"Left alone: environment {key[:_SHORT_KEY]} is in use.", err=True)
    if as_json:
        done = {"removed": cleared.removed, "in_use": cleared.in_use, "freed_bytes": cleared.freed_bytes}
        print_document({"schema": _CLEAR_SCHEMA, **done})
    else:
        freed = size_text(cleared.freed_bytes)
        click.echo(f"Removed {counted(len(cleared.removed), 'environment')} and freed {freed}.")
