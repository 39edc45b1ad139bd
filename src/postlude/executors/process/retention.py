"""Which warm interpreters are worth their memory."""

from collections.abc import Sequence
from typing import Final

import msgspec

from postlude.executors.process.memory import Memory


class Warm(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter that is kept running.

    Attributes:
        name: What tells it from the others.
        idle_s: Seconds since its last use, None while it is used.
        stays: Whether it is kept whatever happens.
    """

    name: str
    idle_s: float | None
    stays: bool = False


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long interpreters are kept.

    Attributes:
        idle_s: Seconds after its last use that one is kept.
        available_share: Below this share of memory that is available, the machine is short of it.
        stalled_share: Above this share of time that programs wait for memory, likewise.
    """

    idle_s: float = 300.0
    available_share: float = 0.1
    stalled_share: float = 0.1


KEPT_FOR_MINUTES: Final = Retention()


def to_drop(warm: Sequence[Warm], memory: Memory, retention: Retention) -> list[str]:
    """The names of those that go now.

    One that is used never goes, nor one that stays. Those that were idle for long go. While memory is short, so does
    the one that was idle longest of the rest: whether that was enough shows at the next look.
    """
    idle = [(one.idle_s, one.name) for one in warm if one.idle_s is not None and not one.stays]
    longest_first = sorted(idle, reverse=True)
    gone = [name for idle_s, name in longest_first if idle_s >= retention.idle_s]
    rest = [name for idle_s, name in longest_first if idle_s < retention.idle_s]
    return gone + (rest[:1] if is_short(memory, retention) else [])


def is_short(memory: Memory, retention: Retention) -> bool:
    """Whether the machine is short of memory; what nobody can tell is not short."""
    return (
        memory.available_bytes < memory.total_bytes * retention.available_share
        or memory.stalled_share > retention.stalled_share
    )
