"""Whether a waiting task starts (R7, R14)."""

import pytest

from postlude.core.task import State
from postlude.core.trigger import Move, move
from postlude.spec.types import Strategy

P, R, S, F, K, U, C = (
    State.PENDING, State.RUNNING, State.SUCCEEDED, State.FAILED, State.SKIPPED, State.UPSTREAM_FAILED, State.CANCELED,
)  # fmt: skip


@pytest.mark.parametrize(
    ("upstreams", "waiting", "found"),
    [
        pytest.param((), False, Move.GO, id="nothing to wait for"),
        pytest.param((S, S), False, Move.GO, id="all succeeded"),
        pytest.param((S, R), True, Move.WAIT, id="one still runs"),
        pytest.param((S, P), True, Move.WAIT, id="one has not begun"),
        pytest.param((S,), True, Move.WAIT, id="succeeded, but an exit task of it is not final (R2)"),
        pytest.param((F, R), True, Move.UPSTREAM_FAILED, id="as soon as one failed"),
        pytest.param((U, P), True, Move.UPSTREAM_FAILED, id="as soon as one is upstream-failed"),
        pytest.param((F,), True, Move.UPSTREAM_FAILED, id="a failed group does not wait for its exit task"),
        pytest.param((F, K, C), False, Move.UPSTREAM_FAILED, id="failure before cancel and skip"),
        pytest.param((S, K), False, Move.SKIP, id="one was skipped"),
        pytest.param((K, R), True, Move.WAIT, id="a skip waits for the rest"),
        pytest.param((C, S), False, Move.CANCEL, id="one was canceled"),
        pytest.param((C, K), False, Move.CANCEL, id="cancel before skip"),
    ],
)
def test_all_must_succeed(upstreams: tuple[State, ...], *, waiting: bool, found: Move) -> None:
    assert move(Strategy.ALL_SUCCEEDED, upstreams, waiting=waiting) is found


@pytest.mark.parametrize("state", [S, F, K, U, C])
def test_all_must_be_final_and_any_final_state_will_do(state: State) -> None:
    assert move(Strategy.ALL_COMPLETED, (state,), waiting=False) is Move.GO


@pytest.mark.parametrize("state", [F, U, S])
def test_all_must_be_final_and_one_failure_does_not_end_the_wait(state: State) -> None:
    assert move(Strategy.ALL_COMPLETED, (state, R), waiting=True) is Move.WAIT
