"""Why a task was served from the cache, or what kept it from being: its cache key against an earlier run's."""

from collections.abc import Iterator, Mapping
from typing import Final

from postlude.core.conform import preview
from postlude.core.fingerprint import fingerprint, fingerprint_subject, uncached_because
from postlude.core.run_state import Run
from postlude.core.task import Task
from postlude.spec.types import Json

_MAPPINGS: Final = ("env", "parameters", "artifacts", "outputs")
_NOTHING: Final = "nothing"


def cache_reasons(run: Run, task: Task, earlier: Run | None) -> Iterator[str]:
    """What there is to say of a container task and the cache; nothing before its inputs are known."""
    never = uncached_because(run, task)
    if never:
        yield f"never: {never}"
        return
    if not task.attempt:
        return
    yield f"key {fingerprint(run, task)}"
    if task.cached:
        yield "its outputs come from an earlier task with this key"
    elif earlier is None:
        yield "no earlier run of this pipeline has this task"
    else:
        yield from _against(run, task, earlier)


def _against(run: Run, task: Task, earlier: Run) -> Iterator[str]:
    before, now = fingerprint_subject(earlier, earlier.tasks[task.path]), fingerprint_subject(run, task)
    if before is None or now is None:
        yield f"run {earlier.run_id} did not cache it"
        return
    changes = list(_changes(before, now))
    if changes:
        yield from (f"differs from run {earlier.run_id} in {change}" for change in changes)
    else:
        yield (
            f"the same key as in run {earlier.run_id}, and not reused: the cache was switched off, "
            "or what was kept is gone"
        )


def _changes(before: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[str]:
    for part in sorted({*before, *now}):
        old, new = before.get(part), now.get(part)
        if old == new:
            continue
        if part in _MAPPINGS and isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _entries(part, old, new)
        elif part == "program":
            yield "program: its command or arguments are others"
        else:
            yield f"{part}: {_shown(old)} was, {_shown(new)} is"


def _entries(part: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{part}.{name}: {_shown(old.get(name))} was, {_shown(new.get(name))} is"


def _shown(value: Json) -> str:
    return _NOTHING if value is None else preview(value)
