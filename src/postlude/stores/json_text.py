"""JSON values as text, the form in which every store keeps them.

The same value always gives the same text: keys keep their order, which is the author's. Not-a-number and the infinities
are not JSON and become null.
"""

import json

import msgspec

from postlude.spec.types import Json

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


def to_text(value: Json) -> str:
    """The value as JSON text."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        # Half a surrogate pair, which Python's own JSON reads and writes but UTF-8 cannot hold: keep it as \uXXXX.
        return json.dumps(value)


def task_text(task: Json) -> str:
    """A task's document as text, without its place in the order, which stores keep beside it."""
    document = dict(task)
    del document["order"]
    return to_text(document)


def from_text(text: str) -> Json:
    """The value that `to_text` was given."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)
