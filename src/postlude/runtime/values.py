"""Large values of a run: each is kept once, by its digest, and journal and documents only refer to it.

In a document a large value is an object with the one key `REFERENCE`. A value of a user's that looks like such an
object counts as large, whatever its size, so that nothing can be taken for a reference that is none.
"""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from postlude.core.task import Inputs, Outputs
from postlude.spec.types import Json

REFERENCE: Final = "postlude.value/v1"
LARGE_BYTES: Final = 64 * 1024
"""A parameter's value whose JSON text is longer is kept aside."""

_PREVIEW_CHARACTERS: Final = 80
_LONGEST_ESCAPE: Final = 6  # a control character is \u0000 in JSON
_MAY_BE_LARGE: Final = (str, list, tuple, dict)

Shown = Callable[[Json], Json]
"""Gives a value as documents show it."""


def whole(value: Json) -> Json:
    """The value as it is: for documents that leave nothing out."""
    return value


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for a large value.

    Attributes:
        digest: "sha256:" and the digest of its JSON text, under which the journal keeps it.
        size_bytes: The length of that text.
        preview: How the text begins.
    """

    digest: str
    size_bytes: int
    preview: str

    def as_json(self) -> Json:
        """As documents show it."""
        return {REFERENCE: {"digest": self.digest, "size_bytes": self.size_bytes, "preview": self.preview}}


def digest_of(shown: Json) -> str | None:
    """The digest of the value that an object of a document refers to; None where it is a value itself."""
    if isinstance(shown, dict) and shown.keys() == {REFERENCE}:
        return str(shown[REFERENCE]["digest"])
    return None


def read_value(content: bytes) -> Json:
    """The value whose JSON text the journal kept."""
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return json.loads(content)


class Values:
    """The large values that one run has met. Each is written and hashed once, however many tasks it goes to.

    Not for several threads.
    """

    def __init__(self) -> None:
        self._met: dict[int, tuple[Json, Reference]] = {}
        self._unsaved: dict[str, bytes] = {}
        self._digests: set[str] = set()

    def shown(self, value: Json) -> Json:
        """The value as documents show it: a large one as a reference."""
        found = self.reference(value)
        return value if found is None else found.as_json()

    def reference(self, value: Json) -> Reference | None:
        """What stands for the value if it is large, else None."""
        if not isinstance(value, _MAY_BE_LARGE) or _is_short(value):
            return None
        met = self._met.get(id(value))
        if met is not None:
            return met[1]
        text = _written(value)
        if len(text) <= LARGE_BYTES and not _looks_like_a_reference(value):
            return None
        return self._meet(value, text)

    def unsaved(self) -> Mapping[str, bytes]:
        """Contents that the journal has not been given yet, by digest."""
        found, self._unsaved = self._unsaved, {}
        return found

    def add_saved(self, contents: Mapping[str, bytes]) -> dict[str, Json]:
        """Learn values that the journal has: gives each, by digest, as the one object to use for it."""
        values = {digest: read_value(content) for digest, content in contents.items()}
        for digest, value in values.items():
            self._digests.add(digest)
            self._met[id(value)] = (value, _reference(digest, contents[digest]))
        return values

    def _meet(self, value: Json, text: bytes) -> Reference:
        found = _reference(f"sha256:{sha256(text).hexdigest()}", text)
        self._met[id(value)] = (value, found)  # with the value, so that its id stays its own
        if found.digest not in self._digests:
            self._digests.add(found.digest)
            self._unsaved[found.digest] = text
        return found


def refer(outputs: Outputs, values: Values) -> tuple[Outputs, Mapping[str, Reference]]:
    """Outputs with null for each large parameter, and what stands for those, by name."""
    parameters = outputs.parameters.items()
    large = {name: found for name, value in parameters if (found := values.reference(value)) is not None}
    if not large:
        return outputs, large
    small = {name: None if name in large else value for name, value in parameters}
    return Outputs(parameters=small, artifacts=outputs.artifacts), large


def shown_parameters(given: Inputs | Outputs, shown: Shown) -> dict[str, Json]:
    """Parameters as documents show them."""
    return {name: shown(value) for name, value in given.parameters.items()}


def _is_short(value: str | list[Json] | tuple[Json, ...] | dict[str, Json]) -> bool:
    """Whether it is not large for sure, without writing it out."""
    return not value or (isinstance(value, str) and len(value) * _LONGEST_ESCAPE + 2 <= LARGE_BYTES)


def _looks_like_a_reference(value: Json) -> bool:
    return isinstance(value, dict) and REFERENCE in value


def _written(value: Json) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # half a surrogate pair, which Python's own JSON writes as an escape
        return json.dumps(value).encode()


def _reference(digest: str, text: bytes) -> Reference:
    start = text[: _PREVIEW_CHARACTERS * 4].decode(errors="ignore")[:_PREVIEW_CHARACTERS]
    return Reference(digest=digest, size_bytes=len(text), preview=start)
