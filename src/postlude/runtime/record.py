"""Events and settings as JSON, for the journal; and the run as the fold of its journal.

Entries are versioned by their "type": a changed event gets a new name, old names stay readable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import (
    CancelRequested,
    DeadlinePassed,
    Event,
    Failed,
    Lost,
    PipelineRevised,
    Refused,
    RetryRequested,
    Started,
    Succeeded,
    TaskPath,
)
from postlude.spec.load import load
from postlude.spec.types import Json, Pipeline

_EVENTS: Final[Mapping[str, type[Event]]] = {
    "started": Started,
    "succeeded": Succeeded,
    "failed": Failed,
    "refused": Refused,
    "lost": Lost,
    "cancel_requested": CancelRequested,
    "deadline_passed": DeadlinePassed,
    "retry_requested": RetryRequested,
    "pipeline_revised": PipelineRevised,
}
_NAMES: Final = {kind: name for name, kind in _EVENTS.items()}


def encode_event(event: Event) -> Json:
    """The event as a journal entry."""
    written: Event | _Revised = event
    if isinstance(event, PipelineRevised):
        source = event.pipeline.source
        written = _Revised(at=event.at, ir=source, tasks=event.tasks, timeout_s=event.timeout_s)
    return {"type": _NAMES[type(event)], **msgspec.to_builtins(written)}


def decode_event(entry: Json) -> Event:
    """The event of a journal entry.

    Raises:
        msgspec.ValidationError: The entry is not one that this version writes.
    """
    name = entry.get("type")
    if name not in _EVENTS:
        known = ", ".join(_EVENTS)
        raise msgspec.ValidationError(f"journal entry of type {name!r}: this version knows {known}")
    fields = {key: value for key, value in entry.items() if key != "type"}
    if name == _NAMES[PipelineRevised]:
        return _revised(msgspec.convert(fields, _Revised))
    return msgspec.convert(fields, _EVENTS[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revised:
    """`PipelineRevised` as it is written: the pipeline as its IR."""

    at: float
    ir: tuple[Json, Json]
    tasks: tuple[TaskPath, ...] = ()
    timeout_s: float | None = None


def _revised(entry: _Revised) -> PipelineRevised:
    pipeline = load([one for one in entry.ir if one is not None], name="the pipeline in a journal entry")
    return PipelineRevised(at=entry.at, pipeline=pipeline, tasks=entry.tasks, timeout_s=entry.timeout_s)


def encode_settings(settings: Settings) -> Json:
    """The settings as JSON."""
    return msgspec.to_builtins(settings)


def decode_settings(settings: Json) -> Settings:
    """The settings that `encode_settings` wrote."""
    return msgspec.convert(settings, Settings)


def replay(pipeline: Pipeline, settings: Settings, events: Iterable[Event]) -> Run:
    """The run that these events make: the same one as when they happened."""
    run = begin(pipeline, settings).run
    for event in events:
        run = advance(run, event).run
    return run
