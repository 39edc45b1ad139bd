"""What a store in memory keeps.

Values are kept as JSON text, so that what comes back is what a database would give: fresh, and never shared.
"""

from dataclasses import dataclass, field
from threading import Lock

import msgspec

from postlude.ports.journal import RunRecord
from postlude.ports.lease import Lease


@dataclass(slots=True, kw_only=True)
class KeptRun:
    """A run: JSON texts, and its tasks by path with their place in start order."""

    record: RunRecord
    ir: str
    settings: str
    document: str = ""
    state: str | None = None
    events: list[str] = field(default_factory=list)
    tasks: dict[str, tuple[int, str]] = field(default_factory=dict)
    values: dict[str, bytes] = field(default_factory=dict)


class KeptOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """A cache entry: the outputs as JSON text, the run whose task made them, and when that was."""

    text: str
    run_id: str
    at: float


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the ports share; `lock` is held wherever it is read or changed."""

    runs: dict[str, KeptRun] = field(default_factory=dict)
    outputs: dict[str, KeptOutputs] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    messages: dict[str, list[str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
