"""Events and settings as journal entries, and back."""

import json
from typing import Any

import msgspec
import pytest

from postlude.core.run_state import FailurePolicy, Settings, StatusWords
from postlude.core.task import (
    Artifact,
    CancelRequested,
    Code,
    DeadlinePassed,
    Event,
    Failed,
    Lost,
    Outputs,
    RetryRequested,
    Started,
    Succeeded,
    TaskError,
    TaskPath,
)
from postlude.runtime.record import decode_event, decode_settings, encode_event, encode_settings

PATH = TaskPath("for-loop-2[1]/train")
KNOWN = (
    "started, succeeded, failed, refused, lost, cancel_requested, deadline_passed, retry_requested, pipeline_revised, "
    "succeeded_with_values"
)
ARTIFACT = Artifact(
    name="model", uri="/a", schema_title="system.Model", schema_version="1", metadata={"a": [1, None]},
    digest="sha256:1", producer=PATH, custom_path="/mine",
)  # fmt: skip
VALUES: dict[str, Any] = {"n": 1, "x": 0.5, "big": 2**70, "list": [1, "a", None], "object": {"é": {"b": True}}}


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Started(path=PATH, attempt=2, at=1.5), "started"),
        (Succeeded(path=PATH, attempt=1, at=1.5), "succeeded"),
        (
            Succeeded(
                path=PATH, attempt=1, at=1.5, cached=True,
                outputs=Outputs(parameters=VALUES, artifacts={"model": (ARTIFACT, ARTIFACT), "none": ()}),
            ),
            "succeeded",
        ),
        (
            Failed(path=PATH, attempt=3, at=1.5, error=TaskError(code=Code.UNKNOWN, message="boom", exit_code=3)),
            "failed",
        ),
        (Failed(path=PATH, attempt=1, at=1.5, error=TaskError(code=Code.NOT_FOUND, message="gone")), "failed"),
        (CancelRequested(at=1.5), "cancel_requested"),
        (CancelRequested(at=1.5, force=True, exit_tasks=False), "cancel_requested"),
        (CancelRequested(at=1.5, let_finish=True), "cancel_requested"),
        (Lost(path=PATH, attempt=1, at=1.5), "lost"),
        (DeadlinePassed(path=PATH, at=1.5), "deadline_passed"),
        (RetryRequested(at=1.5, tasks=(PATH,), timeout_s=2.0), "retry_requested"),
    ],
    ids=[
        "started", "succeeded", "outputs", "failed", "no exit code", "cancel", "forced cancel", "stop", "lost",
        "deadline", "retry",
    ],
)  # fmt: skip
def test_an_event_survives_the_journal(event: Event, name: str) -> None:
    kept = json.loads(json.dumps(encode_event(event)))
    assert (kept["type"], decode_event(kept)) == (name, event)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"type": "paused", "at": 1.0},
            f"journal entry of type 'paused': this version knows {KNOWN}",
        ),
        ({"at": 1.0}, f"journal entry of type None: this version knows {KNOWN}"),
        ({"type": "started", "path": "a", "at": 1.0}, "Object missing required field `attempt`"),
        ({"type": "started", "path": "a", "attempt": "1", "at": 1.0}, "Expected `int`, got `str` - at `$.attempt`"),
    ],
)
def test_an_entry_of_another_version_is_refused(entry: Any, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        decode_event(entry)
    assert str(refused.value) == message


def test_settings_survive_the_journal() -> None:
    settings = Settings(
        run_id="r",
        name="nightly",
        created_at=1.5,
        arguments=VALUES,
        failure_policy=FailurePolicy.FAST,
        status_words=StatusWords.SDK,
        pipeline_root="/a",
        workspace="/w",
    )
    assert decode_settings(json.loads(json.dumps(encode_settings(settings)))) == settings
