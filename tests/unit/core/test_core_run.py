"""Single moves of a run that no property states outright: retries, cancels and late news."""

import pytest

from postlude.core.run import advance
from postlude.core.run_state import FailurePolicy
from postlude.core.task import Code, Failed, FinishRun, Start, Started, Succeeded, TaskError, TaskPath, Terminate
from run_lab import Rehearsal, dag, exit_task, loop, pipeline, task

ONE = pipeline({"a": task()})
RETRIED = pipeline({"a": task(retryPolicy={"maxRetryCount": 2, "backoffDuration": "5s", "backoffFactor": 2})})
GUARDED = pipeline({"body": task("group"), "tell": exit_task("body")}, {"group": dag({"work": task()})})
STOPPED = Code.CANCELLED


def start(path: str, attempt: int = 1, wait_s: float = 0.0) -> Start:
    return Start(path=TaskPath(path), attempt=attempt, wait_s=wait_s)


def stop(path: str, attempt: int = 1) -> Terminate:
    return Terminate(path=TaskPath(path), attempt=attempt)


# --- retry ------------------------------------------------------------------------------------------------------------


def test_each_retry_waits_longer() -> None:
    run = Rehearsal.of(RETRIED)
    assert run.fail("a") == (start("a", 2, 5.0),)
    assert run.fail("a") == (start("a", 3, 10.0),)
    assert run.fail("a") == (FinishRun(),)
    assert run.error("") == (2, "a: boom (after 3 attempts)")


def test_a_task_that_succeeds_after_a_failure_has_no_error() -> None:
    run = Rehearsal.of(RETRIED)
    run.fail("a")
    run.succeed("a")
    assert (run.run.tasks[TaskPath("a")].error, run.run.error) == (None, None)


def test_between_attempts_the_task_shows_why_it_is_made_again() -> None:
    run = Rehearsal.of(RETRIED)
    run.fail("a")
    assert (run.states["a"], run.error("a")) == ("PENDING", (2, "boom"))


def test_children_inherit_the_policy_of_their_group_unless_they_have_one() -> None:
    group = dag({"own": task(retryPolicy={"maxRetryCount": 0}), "inherits": task()})
    run = Rehearsal.of(pipeline({"sub": task("group", retryPolicy={"maxRetryCount": 1})}, {"group": group}))
    assert run.fail("sub/own") == ()
    assert run.fail("sub/inherits") == (start("sub/inherits", 2),)


# --- late news --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(Started(path=TaskPath("a"), attempt=1, at=9.0), id="start of an old attempt"),
        pytest.param(Succeeded(path=TaskPath("a"), attempt=1, at=9.0), id="success of an old attempt"),
        pytest.param(Succeeded(path=TaskPath("a"), attempt=3, at=9.0), id="success of an attempt nobody asked for"),
        pytest.param(Succeeded(path=TaskPath("nobody"), attempt=1, at=9.0), id="a task that is not there"),
        pytest.param(
            Failed(path=TaskPath("a"), attempt=1, at=9.0, error=TaskError(code=Code.UNKNOWN, message="late")),
            id="failure of an old attempt",
        ),
    ],
)
def test_late_news_change_nothing(event: Started | Succeeded | Failed) -> None:
    run = Rehearsal.of(RETRIED)
    run.fail("a")
    step = advance(run.run, event)
    assert (step.run, step.changed, step.commands) == (run.run, [], ())


def test_a_second_start_of_the_same_attempt_keeps_the_first_time() -> None:
    run = Rehearsal.of(ONE)
    run.start("a")
    first = run.run.tasks[TaskPath("a")]
    run.start("a")
    again = run.run.tasks[TaskPath("a")]
    assert (again.started_at, again.started_order) == (first.started_at, first.started_order)


# --- cancel -----------------------------------------------------------------------------------------------------------


def test_cancel_while_queued_drops_the_attempt_that_never_began() -> None:
    run = Rehearsal.of(ONE)
    assert run.cancel() == (stop("a"), FinishRun())
    assert (run.states, run.run.tasks[TaskPath("a")].attempt) == ({"": "CANCELED", "a": "CANCELED"}, 0)


def test_cancel_while_running_waits_for_the_end() -> None:
    run = Rehearsal.of(ONE)
    run.start("a")
    assert run.cancel() == (stop("a"),)
    assert run.states == {"": "RUNNING", "a": "RUNNING"}
    assert run.fail("a", code=STOPPED) == (FinishRun(),)
    assert run.error("") == (1, "the run was canceled")


def test_cancel_in_back_off_ends_the_task_at_once() -> None:
    run = Rehearsal.of(RETRIED)
    run.fail("a")
    assert run.cancel() == (stop("a", 2), FinishRun())
    assert (run.states["a"], run.run.tasks[TaskPath("a")].attempt) == ("CANCELED", 1)


def test_what_was_asked_to_stop_and_still_succeeds_has_succeeded() -> None:
    run = Rehearsal.of(ONE)
    run.start("a")
    run.cancel()
    run.succeed("a")
    assert run.states == {"": "CANCELED", "a": "SUCCEEDED"}


def test_what_was_asked_to_stop_and_fails_by_itself_is_not_made_again() -> None:
    run = Rehearsal.of(RETRIED)
    run.start("a")
    run.cancel()
    assert run.fail("a") == (FinishRun(),)
    assert run.states == {"": "CANCELED", "a": "FAILED"}
    assert run.error("") == (2, "a: boom")


def test_an_exit_task_that_was_asked_to_stop_is_not_made_again() -> None:
    retried = exit_task("body") | {"retryPolicy": {"maxRetryCount": 2}}
    run = Rehearsal.of(pipeline({"body": task("group"), "tell": retried}, {"group": dag({"work": task()})}))
    run.succeed("body/work")
    run.start("tell")
    assert run.cancel(exit_tasks=False) == (stop("tell"),)
    assert run.fail("tell") == (FinishRun(),)


def test_an_exit_task_is_made_again_after_a_graceful_cancel() -> None:
    retried = exit_task("body") | {"retryPolicy": {"maxRetryCount": 1}}
    run = Rehearsal.of(pipeline({"body": task("group"), "tell": retried}, {"group": dag({"work": task()})}))
    run.succeed("body/work")
    run.cancel()
    assert run.fail("tell") == (start("tell", 2),)


def test_a_second_cancel_that_is_not_forced_changes_nothing() -> None:
    run = Rehearsal.of(GUARDED)
    run.start("body/work")
    run.cancel()
    before = run.run
    assert (run.cancel(), run.run) == ((), before)


def test_a_forced_cancel_stops_exit_tasks_too() -> None:
    run = Rehearsal.of(GUARDED)
    run.cancel()
    assert run.asked[-1] == start("tell")
    run.start("tell")
    assert run.cancel(force=True) == (stop("tell"),)
    run.fail("tell", code=STOPPED)
    assert run.states == {"": "CANCELED", "body": "CANCELED", "body/work": "CANCELED", "tell": "CANCELED"}


def test_cancel_without_exit_tasks_starts_none() -> None:
    run = Rehearsal.of(GUARDED)
    assert run.cancel(exit_tasks=False) == (stop("body/work"), FinishRun())
    assert run.states["tell"] == "CANCELED"


def test_a_canceled_run_keeps_the_cause_of_an_earlier_failure() -> None:
    run = Rehearsal.of(pipeline({"a": task(), "b": task()}))
    run.fail("a")
    run.cancel()
    assert (run.states[""], run.error("")) == ("CANCELED", (2, "a: boom"))


def test_cancel_lets_no_further_iteration_in() -> None:
    run = Rehearsal.of(pipeline({"for": loop("item", "[1, 2, 3]", limit=1)}))
    run.start("for[0]")
    assert run.cancel() == (stop("for[0]"),)
    assert run.fail("for[0]", code=STOPPED) == (FinishRun(),)
    assert [run.states[f"for[{index}]"] for index in range(3)] == ["CANCELED"] * 3


def test_nothing_changes_a_run_that_is_over() -> None:
    run = Rehearsal.of(ONE)
    run.succeed("a")
    before = run.run
    assert (run.cancel(force=True), run.run) == ((), before)


# --- fail-fast --------------------------------------------------------------------------------------------------------


def test_fail_fast_lets_what_runs_go_on_and_starts_nothing_new_in_a_failed_group() -> None:
    group = dag({"a": task(), "b": task(), "queued": task(), "next": task("leaf", "b")})
    tasks = {"body": task("group"), "tell": exit_task("body"), "elsewhere": task()}
    run = Rehearsal.of(pipeline(tasks, {"group": group}), failure_policy=FailurePolicy.FAST)
    run.start("body/a")
    run.start("body/b")
    assert run.fail("body/a") == (stop("body/queued"),)
    assert run.error("body/next") == (9, "not started: body/a failed and the run fails fast")
    assert run.states["elsewhere"] == "PENDING"
    assert run.succeed("body/b") == (stop("elsewhere"), start("tell"))
