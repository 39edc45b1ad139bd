"""How short of memory this machine is."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_PROC: Final = Path("/proc")
_KIB: Final = 1024


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the machine's memory.

    Attributes:
        total_bytes: What it has; 0 where nobody can tell.
        available_bytes: What programs can still get without swapping.
        stalled_share: The share of the last 10 seconds in which some program waited for memory, from 0 to 1.
    """

    total_bytes: int
    available_bytes: int
    stalled_share: float = 0.0


UNKNOWN: Final = Memory(total_bytes=0, available_bytes=0)


def read_memory(proc: Path = _PROC) -> Memory:
    """The state as the kernel gives it; `UNKNOWN` where it gives none, without stalls where it does not count them."""
    try:
        sizes = dict(_sizes((proc / "meminfo").read_text("ascii")))
        total, available = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError):
        return UNKNOWN
    return Memory(total_bytes=total, available_bytes=available, stalled_share=_stalled(proc / "pressure" / "memory"))


def _sizes(text: str) -> list[tuple[str, int]]:
    rows = [line.split() for line in text.splitlines()]
    return [(row[0].rstrip(":"), int(row[1]) * _KIB) for row in rows if len(row) == 3]


def _stalled(path: Path) -> float:
    with suppress(OSError, ValueError):  # kernels without pressure information, or with it switched off
        words = path.read_text("ascii").split()
        return float(words[1].removeprefix("avg10=")) / 100 if words[:1] == ["some"] else 0.0
    return 0.0
