"""Large values: kept once, referred to unmistakably, given back whole."""

import json
from hashlib import sha256
from typing import Any

import pytest

from postlude.core.task import Outputs, Succeeded, TaskPath
from postlude.runtime.record import decode_event, digests_in, encode_event
from postlude.runtime.values import LARGE_BYTES, REFERENCE, Values, digest_of, read_value

LARGE = "x" * LARGE_BYTES
CONTENT = f'"{LARGE}"'.encode()
DIGEST = f"sha256:{sha256(CONTENT).hexdigest()}"
SHOWN = {REFERENCE: {"digest": DIGEST, "size_bytes": LARGE_BYTES + 2, "preview": '"' + "x" * 79}}


def test_a_large_value_is_shown_as_a_reference() -> None:
    assert Values().shown(LARGE) == SHOWN


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 1.5, "", "x" * (LARGE_BYTES - 2), [], [1], {}, {"digest": DIGEST}],
    ids=lambda value: str(value)[:20],
)
def test_a_small_value_is_shown_as_it_is(value: Any) -> None:
    assert Values().shown(value) is value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(["ab"] * LARGE_BYTES, id="list"),
        pytest.param({"key": LARGE}, id="object"),
        pytest.param("\0" * (LARGE_BYTES // 6 + 1), id="escapes count"),
        pytest.param("\N{SNOWMAN}" * (LARGE_BYTES // 3), id="bytes count"),
        pytest.param({REFERENCE: {"digest": "mine"}}, id="what looks like a reference"),
        pytest.param({REFERENCE: 1, "more": 2}, id="what looks a little like one"),
    ],
)
def test_what_is_referred_to_comes_back_whole(value: Any) -> None:
    values = Values()
    digest = digest_of(values.shown(value))
    assert digest is not None
    assert read_value(values.unsaved()[digest]) == value


def test_half_a_character_comes_back() -> None:
    values, value = Values(), "\ud800" + LARGE
    digest = digest_of(values.shown(value))
    assert read_value(values.unsaved()[digest or ""]) == value


def test_what_users_write_is_no_reference() -> None:
    assert [digest_of(value) for value in ("x", None, {}, {"digest": "d"}, {REFERENCE: {}, "more": 1})] == [None] * 5


def test_a_value_is_handed_over_once_however_many_tasks_it_goes_to() -> None:
    values = Values()
    for equal in (LARGE, LARGE, "".join(["x", LARGE[1:]])):
        values.shown(equal)
    assert dict(values.unsaved()) == {DIGEST: CONTENT}
    values.shown(LARGE)
    assert dict(values.unsaved()) == {}


def test_a_value_is_written_once_for_all_its_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    values, value = Values(), [LARGE]
    values.shown(value)
    value.append(object())  # whoever writes it again raises
    assert values.shown(value) == values.shown(value)


def succeeded(**parameters: Any) -> Succeeded:
    return Succeeded(path=TaskPath("make"), attempt=1, at=2.0, outputs=Outputs(parameters=parameters))


def test_an_event_refers_to_its_large_outputs() -> None:
    entry = encode_event(succeeded(a=1, big=LARGE, z=None), Values())
    assert entry == {
        "type": "succeeded_with_values",
        "path": "make",
        "attempt": 1,
        "at": 2.0,
        "outputs": {"parameters": {"a": 1, "big": None, "z": None}, "artifacts": {}},
        "cached": False,
        "values": {"big": {"digest": DIGEST, "size_bytes": LARGE_BYTES + 2, "preview": '"' + "x" * 79}},
    }


def test_an_event_without_large_outputs_is_written_as_ever() -> None:
    assert encode_event(succeeded(a=1), Values()) == encode_event(succeeded(a=1))
    assert encode_event(succeeded(a=1))["type"] == "succeeded"


@pytest.mark.parametrize(
    "parameters",
    [{"big": LARGE, "a": 1}, {"tricky": {REFERENCE: {"digest": "mine"}}}, {"values": LARGE, "outputs": [LARGE]}],
    ids=["large", "tricky", "names of fields"],
)
def test_an_event_comes_back_from_the_journal(parameters: dict[str, Any]) -> None:
    values, event = Values(), succeeded(**parameters)
    entry = json.loads(json.dumps(encode_event(event, values)))
    kept = values.unsaved()
    again = Values()
    assert sorted(digests_in(entry)) == sorted(kept)
    decoded = decode_event(entry, again.add_saved(kept))
    assert decoded == event
    assert list(decoded.outputs.parameters) == list(parameters)
    assert (encode_event(decoded, again), dict(again.unsaved())) == (entry, {})
