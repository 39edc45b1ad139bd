"""Events and settings as JSON, for the journal; and the run as the fold of its journal.

Entries are versioned by their "type": a changed event gets a new name, old names stay readable.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import (
    CancelRequested,
    DeadlinePassed,
    Event,
    Failed,
    Lost,
    Outputs,
    PipelineRevised,
    Refused,
    RetryRequested,
    Started,
    Succeeded,
    TaskPath,
)
from postlude.runtime.values import Values, refer
from postlude.spec.load import load
from postlude.spec.types import NOTHING, Json, Pipeline

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


_REFERRING: Final = "succeeded_with_values"
"""A `Succeeded` with large outputs: null in their places, and under "values" what stands for them, by name."""


def encode_event(event: Event, values: Values | None = None) -> Json:
    """The event as a journal entry.

    Args:
        event: What happened.
        values: Takes the large values, to which the entry then refers; None to have them in the entry.
    """
    if isinstance(event, Succeeded) and values is not None:
        outputs, large = refer(event.outputs, values)
        if large:
            fields = msgspec.to_builtins(replace(event, outputs=outputs))
            return {"type": _REFERRING, **fields, "values": msgspec.to_builtins(large)}
    written: Event | _Revised = event
    if isinstance(event, PipelineRevised):
        source = event.pipeline.source
        written = _Revised(at=event.at, ir=source, tasks=event.tasks, timeout_s=event.timeout_s)
    return {"type": _NAMES[type(event)], **msgspec.to_builtins(written)}


def digests_in(entry: Json) -> Sequence[str]:
    """The digests of the large values that a journal entry refers to.

    Raises:
        msgspec.ValidationError: The entry is not one that this version writes.
    """
    if entry.get("type") != _REFERRING:
        return ()
    return [one.digest for one in msgspec.convert(entry, _Referring).values.values()]


def decode_event(entry: Json, values: Mapping[str, Json] = NOTHING) -> Event:
    """The event of a journal entry.

    Args:
        entry: The entry.
        values: The large values that it refers to, by digest.

    Raises:
        msgspec.ValidationError: The entry is not one that this version writes.
    """
    name = entry.get("type")
    if name == _REFERRING:
        return _restored(entry, values)
    if name not in _EVENTS:
        known = ", ".join([*_EVENTS, _REFERRING])
        raise msgspec.ValidationError(f"journal entry of type {name!r}: this version knows {known}")
    fields = {key: value for key, value in entry.items() if key != "type"}
    if name == _NAMES[PipelineRevised]:
        return _revised(msgspec.convert(fields, _Revised))
    return msgspec.convert(fields, _EVENTS[name])


class _Referred(msgspec.Struct, frozen=True, kw_only=True):
    digest: str


class _Referring(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of an entry that refers to large values, besides the event."""

    values: dict[str, _Referred]


def _restored(entry: Json, values: Mapping[str, Json]) -> Succeeded:
    referred = msgspec.convert(entry, _Referring).values
    event = msgspec.convert({key: value for key, value in entry.items() if key not in ("type", "values")}, Succeeded)
    large = {name: values[one.digest] for name, one in referred.items()}
    parameters = {name: large.get(name, value) for name, value in event.outputs.parameters.items()}
    return replace(event, outputs=Outputs(parameters=parameters, artifacts=event.outputs.artifacts))


class _Revised(msgspec.Struct, frozen=True, kw_only=True):
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
