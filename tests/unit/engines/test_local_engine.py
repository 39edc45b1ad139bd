"""The embedded engine over a fake executor: how many run at once, what a cancel does, and what a full disk does."""

from pathlib import Path
from typing import Any

import pytest
from engine_lab import attempts, engine_lab, states

from postlude.core.run_state import FailurePolicy
from postlude.executors.fake import Fail, Hold, Succeed
from postlude.ports.journal import Journal, StoreError
from postlude.testing import FailingJournal
from run_lab import dag, exit_task, integer, loop, pipeline, task

TWO_CHAINED = pipeline({"a": task(), "b": task("leaf", "a")})
SIX = pipeline({f"t{number}": task() for number in range(6)})
GUARDED = pipeline({"body": task("group"), "tell": exit_task("body")}, {"group": dag({"work": task()})})
BACKOFF: dict[str, Any] = {"retryPolicy": {"maxRetryCount": 1, "backoffDuration": "3600s"}}


# --- how many at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_as_many_attempts_as_workers_run_at_once(tmp_path: Path, workers: int) -> None:
    with engine_lab(tmp_path, otherwise=Hold(), workers=workers) as lab:
        running = lab.begin(SIX)
        for number in range(workers):
            lab.executor.wait_for(f"t{number}")
        lab.executor.release(*(f"t{number}" for number in range(6)))
        document = running.result(30)
    assert (document["state"], lab.executor.most_at_once) == ("SUCCEEDED", workers)


def test_as_many_iterations_as_the_loop_allows_run_at_once(tmp_path: Path) -> None:
    in_loop = pipeline({"for": loop("item", "[0, 1, 2, 3, 4]", limit=2)})
    with engine_lab(tmp_path, otherwise=Hold(), workers=5) as lab:
        running = lab.begin(in_loop)
        lab.executor.wait_for("for[0]")
        lab.executor.wait_for("for[1]")
        lab.executor.release(*(f"for[{index}]" for index in range(5)))
        document = running.result(30)
    assert (document["state"], lab.executor.most_at_once) == ("SUCCEEDED", 2)


def test_tasks_start_in_the_order_in_which_they_became_ready(tmp_path: Path) -> None:
    with engine_lab(tmp_path, workers=1) as lab:
        lab.run(SIX)
    assert [attempt.path for attempt in lab.executor.attempts] == [f"t{number}" for number in range(6)]


# --- retry ------------------------------------------------------------------------------------------------------------


def test_a_failed_attempt_is_made_again_after_its_wait(tmp_path: Path) -> None:
    retried = task(retryPolicy={"maxRetryCount": 2, "backoffDuration": "0.01s"})
    with engine_lab(tmp_path, {"a": [Fail(), Fail(), Succeed()]}) as lab:
        document = lab.run(pipeline({"a": retried}))
    assert (document["state"], attempts(document)) == ("SUCCEEDED", {"a": 3})


def test_used_up_retries_are_said(tmp_path: Path) -> None:
    with engine_lab(tmp_path, {"a": Fail(exit_code=3)}) as lab:
        document = lab.run(pipeline({"a": task(retryPolicy={"maxRetryCount": 1, "backoffDuration": "0s"})}))
    assert document["error"] == {"code": 2, "message": "a: exit code 3 (after 2 attempts)"}


def test_a_retry_that_is_due_while_every_worker_is_busy_costs_nothing(tmp_path: Path) -> None:
    both = pipeline({"a": task(retryPolicy={"maxRetryCount": 1, "backoffDuration": "0.01s"}), "long": task()})
    with engine_lab(tmp_path, {"a": [Fail(), Succeed()], "long": Hold()}, workers=1) as lab:
        running = lab.begin(both)
        lab.executor.wait_for("long")
        with pytest.raises(TimeoutError, match=r"attempt 2 of 'a' did not begin in 0.3 s; begun: a \(1\), long \(1\)"):
            lab.executor.wait_for("a", 2, timeout_s=0.3)
        steps = len(lab.watched)
        lab.executor.release("long")
        document = running.result(30)
    assert (document["state"], attempts(document)) == ("SUCCEEDED", {"a": 2, "long": 1})
    assert steps <= 5


# --- cancel -----------------------------------------------------------------------------------------------------------


def test_cancel_stops_what_runs_and_drops_what_is_queued(tmp_path: Path) -> None:
    with engine_lab(tmp_path, otherwise=Hold(), workers=1) as lab:
        running = lab.begin(SIX)
        lab.executor.wait_for("t0")
        lab.engine.cancel()
        document = running.result(30)
    assert (document["state"], set(states(document).values())) == ("CANCELED", {"CANCELED"})
    assert [attempt.path for attempt in lab.executor.attempts] == ["t0"]
    assert attempts(document) == {"t0": 1, "t1": 0, "t2": 0, "t3": 0, "t4": 0, "t5": 0}


def test_cancel_kills_what_does_not_stop_by_itself(tmp_path: Path) -> None:
    with engine_lab(tmp_path, {"a": Hold(ignores_sigterm=True)}) as lab:
        running = lab.begin(TWO_CHAINED)
        lab.executor.wait_for("a")
        lab.engine.cancel()
        document = running.result(30)
    assert states(document) == {"a": "CANCELED", "b": "CANCELED"}


def test_cancel_ends_a_wait_for_a_retry_at_once(tmp_path: Path) -> None:
    with engine_lab(tmp_path, {"a": Fail(), "other": Hold()}) as lab:
        running = lab.begin(pipeline({"a": task(**BACKOFF), "other": task()}))
        lab.executor.wait_for("other")
        lab.wait_for("a", 2)
        lab.engine.cancel()
        document = running.result(30)
    assert states(document) == {"a": "CANCELED", "other": "CANCELED"}
    assert attempts(document) == {"a": 1, "other": 1}


def test_cancel_leaves_the_exit_task_to_run(tmp_path: Path) -> None:
    with engine_lab(tmp_path, {"body/work": Hold()}) as lab:
        running = lab.begin(GUARDED)
        lab.executor.wait_for("body/work")
        lab.engine.cancel()
        document = running.result(30)
    assert document["state"] == "CANCELED"
    assert states(document) == {"body": "CANCELED", "body/work": "CANCELED", "tell": "SUCCEEDED"}


def test_a_forced_cancel_stops_the_exit_task_too(tmp_path: Path) -> None:
    with engine_lab(tmp_path, {"tell": Hold()}) as lab:
        running = lab.begin(GUARDED)
        lab.executor.wait_for("tell")
        lab.engine.cancel()
        lab.engine.cancel(force=True)
        document = running.result(30)
    assert (document["state"], states(document)["tell"]) == ("CANCELED", "CANCELED")


def test_a_cancel_before_the_run_counts(tmp_path: Path) -> None:
    with engine_lab(tmp_path, otherwise=Hold()) as lab:
        lab.engine.cancel()
        document = lab.run(TWO_CHAINED)
    assert states(document) == {"a": "CANCELED", "b": "CANCELED"}


def test_fail_fast_drops_what_is_queued(tmp_path: Path) -> None:
    with engine_lab(tmp_path, {"t0": Fail()}, workers=1, failure_policy=FailurePolicy.FAST) as lab:
        document = lab.run(SIX)
    assert states(document) == {"t0": "FAILED"} | {f"t{number}": "UPSTREAM_FAILED" for number in range(1, 6)}
    assert len(lab.executor.attempts) == 1


# --- one engine, several runs -----------------------------------------------------------------------------------------


def test_a_canceled_run_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    several = pipeline({"a": task(**BACKOFF), "other": task()})
    with engine_lab(tmp_path, {"a": [Fail(), Succeed()], "other": Hold()}, workers=1) as lab:
        running = lab.begin(several)
        lab.executor.wait_for("other")
        lab.wait_for("a", 2)
        lab.engine.cancel()
        lab.engine.cancel()
        running.result(30)
        lab.executor.release("other")
        again = lab.run(pipeline({"a": task(retryPolicy={"maxRetryCount": 1}), "other": task()}))
    assert (again["state"], attempts(again)) == ("SUCCEEDED", {"a": 2, "other": 1})


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", range(4))
def test_a_store_that_fails_ends_the_run_and_leaves_nothing_running(tmp_path: Path, writes: int) -> None:
    def full(journal: Journal) -> Journal:
        return FailingJournal(journal, writes=writes)

    with engine_lab(tmp_path, {"held": Hold()}, journal=full) as lab:
        with pytest.raises(StoreError, match="the disk is full: make room, then run again"):
            lab.run(pipeline({"held": task(), "quick": task()}))
        lab.executor.wait_until_idle()
        begun = {attempt.path for attempt in lab.executor.attempts}
    assert begun <= ({"held", "quick"} if writes >= 2 else set())


def test_what_the_store_did_not_take_is_not_performed(tmp_path: Path) -> None:
    full = engine_lab(tmp_path, journal=lambda journal: FailingJournal(journal, writes=1))
    with full as lab, pytest.raises(StoreError):
        lab.run(TWO_CHAINED)
    assert lab.executor.attempts == ()


def test_what_a_task_makes_reaches_its_consumer(tmp_path: Path) -> None:
    inputs = {"parameters": {"n": integer()}}
    given = {"n": {"taskOutputParameter": {"producerTask": "make", "outputParameterKey": "out"}}}
    consuming = pipeline(
        {"make": task("maker"), "use": task("user", given=given)},
        {"user": {"executorLabel": "exec", "inputDefinitions": inputs}},
    )
    with engine_lab(tmp_path, {"make": Succeed(parameters={"out": 7})}) as lab:
        document = lab.run(consuming)
    (use,) = [one for one in document["tasks"] if one["path"] == "use"]
    assert use["inputs"]["parameters"] == {"n": 7}
