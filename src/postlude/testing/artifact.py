"""An artifact as a function gets it that stands in for a component."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Self

from postlude.core.exchange import local_path
from postlude.spec.types import Json


@dataclass(slots=True, kw_only=True)
class Artifact:
    """An input or output artifact, with the attributes that the SDK's artifacts have.

    A function writes the bytes of an output to `path`, or says where they are by another `uri` or `path`.

    Attributes:
        uri: Where it is kept.
        path: Where its bytes are on this machine.
        metadata: What is known of it; a function adds to that of an output.
        schema_title: Its type: "system.Model".
    """

    name: str = ""
    uri: str = ""
    path: str = ""
    metadata: dict[str, Json] = field(default_factory=dict)
    schema_title: str = "system.Artifact"
    _told_path: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._told_path = self.path

    @property
    def custom_path(self) -> str:
        """The place that a function chose for its bytes; "" where it chose none."""
        return "" if self.path == self._told_path else self.path

    @classmethod
    def told(cls, entry: Json, mounts: str) -> Self:
        """The artifact of an entry of KFP's ExecutorInput; nothing of the entry is shared."""
        return cls(
            name=entry["name"],
            uri=entry["uri"],
            path=entry.get("customPath") or local_path(entry["uri"], mounts),
            metadata=deepcopy(dict(entry["metadata"])),
            schema_title=entry["type"]["schemaTitle"],
        )
