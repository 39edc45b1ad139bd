"""Removes old runs from a home, and then the artifacts that nobody refers to any more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from postlude.core.exchange import is_local
from postlude.ports.journal import StoreError
from postlude.runtime.garbage import remove_tree, size_bytes, unused_artifacts
from postlude.runtime.lease import HeldError, Tenancy
from postlude.stores.artifacts.anywhere import downloads
from postlude.stores.home import Home, safe_name
from postlude.stores.run_lookup import SHORT_ID
from postlude.stores.store import Store
from postlude.wiring.stores import tenancy


@dataclass(slots=True, kw_only=True)
class Cleaned:
    """What was removed.

    Attributes:
        notes: What was left and why, for people.
        failed: Whether something could not be removed that should have been.
    """

    runs: int = 0
    freed_bytes: int = 0
    notes: list[str] = field(default_factory=list)
    failed: bool = False


def clean(store: Store, home: Home, runs: Sequence[str], *, copies: bool = False) -> Cleaned:
    """Remove these final runs, what they cached, and every artifact of the home that nobody refers to then.

    What is elsewhere stays: others may refer to it.

    Args:
        store: The home's.
        home: The home.
        runs: Ids of final runs.
        copies: Whether the copies of artifacts that are kept elsewhere go too.
    """
    cleaned, hold = Cleaned(), tenancy(store)
    before = _elsewhere(store) if runs else set()
    for run_id in runs:
        _remove_run(store, home, hold, run_id, cleaned)
    _remove_artifacts(store, home, hold, cleaned, copies=copies)
    left = sorted(before - _elsewhere(store)) if before else []
    if left:
        cleaned.notes.append(f"{len(left)} artifacts stay where they are, outside of the home: {left[0]}, ...")
    return cleaned


def _elsewhere(store: Store) -> set[str]:
    """The URIs in use of what is not on this machine."""
    return {uri for uri in store.upkeep.used_artifacts() if not is_local(uri)}


def _remove_run(store: Store, home: Home, hold: Tenancy, run_id: str, cleaned: Cleaned) -> None:
    """Remove a run as the one that drives it, so that nobody goes on with it meanwhile.

    Its row goes last: a removal that is cut short is found again and finished the next time.
    """
    try:
        hold.take(run_id)
    except HeldError as held:
        cleaned.notes.append(f"Left alone: {held}")
        return
    try:
        if run_id in store.journal.unfinished():
            cleaned.notes.append(f"Left alone: run {run_id[:SHORT_ID]} is not final any more.")
            return
        store.upkeep.remove_cached(run_id)
        if _delete(home.run_directory(run_id), home.runs, cleaned):
            store.upkeep.remove_run(run_id)
            cleaned.runs += 1
    except StoreError as error:
        _note(cleaned, f"Run {run_id[:SHORT_ID]} was not removed: {error}")
    finally:
        hold.release(run_id)


def _remove_artifacts(store: Store, home: Home, hold: Tenancy, cleaned: Cleaned, *, copies: bool) -> None:
    """Remove unused artifacts, unless a run goes on: it may be about to refer to one that it found in the cache."""
    unfinished = store.journal.unfinished()
    driven = [run_id[:SHORT_ID] for run_id in unfinished if hold.driver(run_id) is not None]
    if driven:
        cleaned.notes.append(f"Artifacts are left alone while runs go on: {', '.join(driven)}.")
        return
    spared = {safe_name(run_id) for run_id in unfinished}
    for path in unused_artifacts(home.artifacts, store.upkeep.used_artifacts(), spared):
        _delete(path, home.artifacts, cleaned)
    if copies:
        _delete(downloads(home.cache), home.cache, cleaned)


def _delete(path: Path, root: Path, cleaned: Cleaned) -> bool:
    size = size_bytes(path)
    try:
        remove_tree(path, root)
    except OSError as error:
        _note(cleaned, f"{path} cannot be removed: {error.strerror or error}")
        return False
    cleaned.freed_bytes += size
    return True


def _note(cleaned: Cleaned, text: str) -> None:
    cleaned.notes.append(text)
    cleaned.failed = True
