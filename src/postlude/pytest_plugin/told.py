"""What a task was told of how something ended, as tests ask for it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from postlude.spec.types import Json

_KEYS: Final = frozenset({"state", "error", "pipelineTaskName", "pipelineJobResourceName"})


class Told(msgspec.Struct, frozen=True):
    """A final status that a task received.

    Attributes:
        payload: The whole of it, as in `docs/final-status.md`; `told["startedAt"]` is short for a key of it.
    """

    payload: Json

    def __repr__(self) -> str:
        why = f", code {self.code}: {self.message}" if self.code is not None else ""
        return f"<Told that {self.task} is {self.state}{why}>"

    def __getitem__(self, key: str) -> Json:
        return self.payload[key]

    @property
    def state(self) -> str:
        """COMPLETE, FAILED, CANCELED or SKIPPED; with the SDK's words SUCCEEDED, FAILED, CANCELLED or SKIPPED."""
        return str(self.payload["state"])

    @property
    def task(self) -> str:
        """What it speaks of, by its key: "exit-handler-1"."""
        return str(self.payload["pipelineTaskName"])

    @property
    def code(self) -> int | None:
        """The google.rpc.Code of the error; None where there is none."""
        code: int | None = self.payload["error"].get("code")
        return code

    @property
    def message(self) -> str | None:
        """What the error says; None where there is none."""
        message: str | None = self.payload["error"].get("message")
        return message

    @property
    def failures(self) -> Sequence[str]:
        """The paths of the tasks that failed, earliest first; the payload's list has more of each."""
        return [str(failure["task"]) for failure in self.payload["failures"]]

    @property
    def outputs(self) -> Mapping[str, Json]:
        """The output parameters that were produced, by "task.output"."""
        found: Mapping[str, Json] = self.payload["outputs"]
        return found

    @property
    def tasks(self) -> Mapping[str, int]:
        """How many tasks there are by final state."""
        found: Mapping[str, int] = self.payload["tasks"]
        return found


def tellings(inputs: Mapping[str, Json]) -> Iterator[Told]:
    """The final statuses among a task's inputs: objects, or their JSON text."""
    for value in inputs.values():
        found = _read(value) if isinstance(value, str) and value.startswith("{") else value
        if isinstance(found, Mapping) and found.keys() >= _KEYS:
            yield Told(found)


def _read(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None
