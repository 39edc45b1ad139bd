"""What is written into journals and run records, byte by byte: older engines wrote it so, and later ones read it."""

from typing import get_args

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
    PipelineRevised,
    Refused,
    RetryRequested,
    Started,
    Succeeded,
    TaskError,
    TaskPath,
)
from postlude.runtime.record import decode_event, decode_settings, encode_event, encode_settings
from postlude.runtime.values import LARGE_BYTES, Values
from postlude.spec.load import load
from postlude.stores.json_text import from_text, to_text

PATH = TaskPath("for-loop-2[1]/train")
ERROR = TaskError(code=Code.UNKNOWN, message="boom", exit_code=3)
PLAIN = Artifact(name="model", uri="/a")
FULL = Artifact(
    name="model", uri="/a", schema_title="system.Model", schema_version="1", metadata={"a": [1, None]},
    digest="sha256:1", producer=PATH, custom_path="/mine",
)  # fmt: skip
NO_GPU = TaskError(code=Code.RESOURCE_EXHAUSTED, message="no GPU")
OUTPUTS = Outputs(parameters={"n": 1, "x": None}, artifacts={"model": (PLAIN, FULL), "none": ()})
IR = {
    "pipelineInfo": {"name": "demo"},
    "schemaVersion": "2.1.0",
    "root": {"dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}}}}},
    "components": {"comp-say": {"executorLabel": "exec-say"}},
    "deploymentSpec": {"executors": {"exec-say": {"container": {"image": "alpine", "command": ["true"]}}}},
}

EVENTS: dict[str, tuple[Event, str]] = {
    "started": (
        Started(path=PATH, attempt=2, at=1.5),
        '{"type":"started","path":"for-loop-2[1]/train","attempt":2,"at":1.5}',
    ),
    "succeeded": (
        Succeeded(path=PATH, attempt=1, at=1.5),
        (
            '{"type":"succeeded","path":"for-loop-2[1]/train","attempt":1,"at":1.5,"outputs":{"parameters":{},'
            '"artifacts":{}},"cached":false}'
        ),
    ),
    "outputs": (
        Succeeded(path=PATH, attempt=1, at=1.5, outputs=OUTPUTS, cached=True),
        (
            '{"type":"succeeded","path":"for-loop-2[1]/train","attempt":1,"at":1.5,"outputs":{"parameters":{"n":1,'
            '"x":null},"artifacts":{"model":[{"name":"model","uri":"/a","schema_title":"system.Artifact",'
            '"schema_version":"","metadata":{},"digest":"","producer":"","custom_path":""},{"name":"model",'
            '"uri":"/a","schema_title":"system.Model","schema_version":"1","metadata":{"a":[1,null]},'
            '"digest":"sha256:1","producer":"for-loop-2[1]/train","custom_path":"/mine"}],"none":[]}},"cached":true}'
        ),
    ),
    "failed": (
        Failed(path=PATH, attempt=3, at=1.5, error=ERROR),
        (
            '{"type":"failed","path":"for-loop-2[1]/train","attempt":3,"at":1.5,"error":{"code":2,"message":"boom",'
            '"exit_code":3}}'
        ),
    ),
    "refused": (
        Refused(path=PATH, attempt=1, at=1.5, error=NO_GPU),
        (
            '{"type":"refused","path":"for-loop-2[1]/train","attempt":1,"at":1.5,"error":{"code":8,'
            '"message":"no GPU","exit_code":null}}'
        ),
    ),
    "lost": (
        Lost(path=PATH, attempt=1, at=1.5),
        '{"type":"lost","path":"for-loop-2[1]/train","attempt":1,"at":1.5}',
    ),
    "cancel": (
        CancelRequested(at=1.5),
        '{"type":"cancel_requested","at":1.5,"force":false,"exit_tasks":true,"let_finish":false}',
    ),
    "stop": (
        CancelRequested(at=1.5, force=True, exit_tasks=False, let_finish=True),
        '{"type":"cancel_requested","at":1.5,"force":true,"exit_tasks":false,"let_finish":true}',
    ),
    "deadline": (
        DeadlinePassed(path=PATH, at=1.5),
        '{"type":"deadline_passed","path":"for-loop-2[1]/train","at":1.5}',
    ),
    "retry": (
        RetryRequested(at=1.5),
        '{"type":"retry_requested","at":1.5,"tasks":[],"timeout_s":null}',
    ),
    "retry-of-tasks": (
        RetryRequested(at=1.5, tasks=(PATH,), timeout_s=2.0),
        '{"type":"retry_requested","at":1.5,"tasks":["for-loop-2[1]/train"],"timeout_s":2.0}',
    ),
    "revised": (
        PipelineRevised(at=1.5, pipeline=load(IR, name="demo"), tasks=(PATH,), timeout_s=2.0),
        (
            '{"type":"pipeline_revised","at":1.5,"ir":[{"pipelineInfo":{"name":"demo"},"schemaVersion":"2.1.0",'
            '"root":{"dag":{"tasks":{"say":{"componentRef":{"name":"comp-say"}}}}},'
            '"components":{"comp-say":{"executorLabel":"exec-say"}},'
            '"deploymentSpec":{"executors":{"exec-say":{"container":{"image":"alpine","command":["true"]}}}}},null],'
            '"tasks":["for-loop-2[1]/train"],"timeout_s":2.0}'
        ),
    ),
}

SETTINGS: dict[str, tuple[Settings, str]] = {
    "plain": (
        Settings(run_id="r", name="n", created_at=1.5),
        ('{"run_id":"r","name":"n","created_at":1.5,"arguments":{},"failure_policy":"slow","status_words":"kfp",'
        '"timeout_s":null,"exit_timeout_s":null,"pipeline_root":"","workspace":"","run_url":""}'),
    ),
    "full": (
        Settings(
            run_id="r", name="n", created_at=1.5, arguments={"b": 1, "a": [None]}, failure_policy=FailurePolicy.FAST,
            status_words=StatusWords.SDK, timeout_s=1.0, exit_timeout_s=2.0, pipeline_root="/a", workspace="/w",
            run_url="u",
        ),
        ('{"run_id":"r","name":"n","created_at":1.5,"arguments":{"b":1,"a":[null]},"failure_policy":"fast",'
        '"status_words":"sdk","timeout_s":1.0,"exit_timeout_s":2.0,"pipeline_root":"/a","workspace":"/w",'
        '"run_url":"u"}'),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("event", "text"), EVENTS.values(), ids=EVENTS)
def test_an_event_is_written_as_ever(event: Event, text: str) -> None:
    assert to_text(encode_event(event)) == text


@pytest.mark.parametrize(("event", "text"), EVENTS.values(), ids=EVENTS)
def test_what_was_written_of_an_event_is_read(event: Event, text: str) -> None:
    assert decode_event(from_text(text)) == event


def test_every_kind_of_event_is_pinned() -> None:
    assert {type(event) for event, _ in EVENTS.values()} == set(get_args(Event))


def test_an_event_with_large_values_is_written_as_ever() -> None:
    outputs = Outputs(parameters={"big": "x" * LARGE_BYTES, "n": 1})
    entry = encode_event(Succeeded(path=PATH, attempt=1, at=1.5, outputs=outputs), Values())
    assert to_text(entry) == (
        '{"type":"succeeded_with_values","path":"for-loop-2[1]/train","attempt":1,"at":1.5,'
        '"outputs":{"parameters":{"big":null,"n":1},"artifacts":{}},"cached":false,'
        '"values":{"big":{"digest":"sha256:afb3bbecac846785e46b87edbed49d7e06a9e186e9ce70ef8e59b33c9c72145f",'
        '"size_bytes":65538,'
        '"preview":"\\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}}'
    )


@pytest.mark.parametrize(("settings", "text"), SETTINGS.values(), ids=SETTINGS)
def test_settings_are_written_as_ever(settings: Settings, text: str) -> None:
    assert to_text(encode_settings(settings)) == text


@pytest.mark.parametrize(("settings", "text"), SETTINGS.values(), ids=SETTINGS)
def test_what_was_written_of_settings_is_read(settings: Settings, text: str) -> None:
    assert decode_settings(from_text(text)) == settings
