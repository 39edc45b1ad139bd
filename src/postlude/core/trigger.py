"""Whether a waiting task starts: its strategy and the states of its upstreams (R7, R14)."""

from collections.abc import Collection
from enum import Enum

from postlude.core.task import State
from postlude.spec.types import Strategy


class Move(Enum):
    """What becomes of a waiting task now."""

    WAIT = "wait"
    GO = "go"
    UPSTREAM_FAILED = "upstream failed"
    SKIP = "skip"
    CANCEL = "cancel"

    __hash__ = object.__hash__  # as good, since members are compared by identity, and no Python


_FAILED = (State.FAILED, State.UPSTREAM_FAILED)


def rules_out(strategy: Strategy, upstream: State) -> bool:
    """Whether one upstream in this state keeps a task from starting, whatever the others do."""
    return strategy is not Strategy.ALL_COMPLETED and upstream in _FAILED


def move(strategy: Strategy, upstreams: Collection[State], *, waiting: bool) -> Move:
    """What a task does, given its strategy and its upstreams' states.

    Args:
        strategy: The task's trigger strategy.
        upstreams: The state of each upstream.
        waiting: Whether an upstream, or an exit task that must end first (R2), is not final.
    """
    if strategy is Strategy.ALL_COMPLETED:
        return Move.WAIT if waiting else Move.GO
    if any(state in _FAILED for state in upstreams):
        return Move.UPSTREAM_FAILED
    if waiting:
        return Move.WAIT
    if State.CANCELED in upstreams:
        return Move.CANCEL
    return Move.SKIP if State.SKIPPED in upstreams else Move.GO
