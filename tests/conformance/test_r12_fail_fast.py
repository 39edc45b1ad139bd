"""Rule R12: what a failure means for tasks that do not depend on it, with both policies.

One worker takes the tasks in the order in which they became ready, so that these tests say what had begun and what had
not, without waiting for anything.
"""

from pathlib import Path

import pytest
from components import fail, fail_if, flaky, number, numbers, ok, report, slow
from harness import Harness, Result
from kfp import dsl


def fast(harness: Harness, pipeline: object, *, workers: int = 1) -> Result:
    return harness.run(pipeline, workers=workers, failure_policy="fast")


def not_started(failed: str) -> tuple[int, str]:
    return 9, f"not started: {failed} failed and the run fails fast"


def attempts(result: Result, *paths: str) -> list[int]:
    return [result.run.tasks[path].attempts for path in paths]


@dsl.pipeline(name="r12")
def beside_a_failure() -> None:
    with dsl.ExitHandler(report()):
        fail(message="no data")
        running = slow(seconds=0.3)
        number(value=1).after(running)


def test_R12_fail_slow_goes_on_with_independent_tasks(harness: Harness) -> None:
    result = harness.run(beside_a_failure)

    body = [f"exit-handler-1/{key}" for key in ("fail", "slow", "number")]
    assert result.states_of(*body) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert result.finished("exit-handler-1/fail") < result.started("exit-handler-1/number")
    assert result.told("report")["state"] == "FAILED"
    assert result.state == "FAILED"


def test_R12_fail_fast_starts_nothing_new_and_lets_running_tasks_finish(harness: Harness) -> None:
    result = fast(harness, beside_a_failure, workers=2)

    body = [f"exit-handler-1/{key}" for key in ("fail", "slow", "number")]
    assert result.states_of(*body) == ["FAILED", "SUCCEEDED", "UPSTREAM_FAILED"]
    assert result.error("exit-handler-1/number") == not_started("exit-handler-1/fail")
    assert attempts(result, *body) == [1, 1, 0]
    assert result.finished("exit-handler-1/slow") <= result.started("report")
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("FAILED", 2, "exit-handler-1/fail: ValueError: no data")
    assert result.payload("report")["tasks"] == {"FAILED": 1, "SUCCEEDED": 1, "UPSTREAM_FAILED": 1}
    assert (result.state, result.message) == ("FAILED", "exit-handler-1/fail: ValueError: no data")


def test_R12_fail_fast_does_not_start_what_waits_for_a_worker(harness: Harness) -> None:
    @dsl.pipeline(name="r12-queue")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail()
            ok()

    result = fast(harness, pipeline)

    assert result.states_of("exit-handler-1/fail", "exit-handler-1/ok") == ["FAILED", "UPSTREAM_FAILED"]
    assert result.error("exit-handler-1/ok") == not_started("exit-handler-1/fail")
    assert attempts(result, "exit-handler-1/ok") == [0]
    assert (result.log("exit-handler-1/ok"), result.run.tasks["exit-handler-1/ok"].log) == ("", None)
    assert result.told("report")["message"] == "exit-handler-1/fail: ValueError: boom"


def test_R12_fail_fast_lets_a_task_that_began_use_its_retries(harness: Harness, tmp_path: Path) -> None:
    @dsl.pipeline(name="r12-retry")
    def pipeline(counter: str) -> None:
        with dsl.ExitHandler(report()):
            flaky(counter=counter, failures=3).set_retry(num_retries=3, backoff_duration="0s")
            fail().after(ok())

    counter = str(tmp_path / "calls")
    result = harness.run(pipeline, {"counter": counter}, workers=1, failure_policy="fast")

    assert result.finished("exit-handler-1/fail") < result.finished("exit-handler-1/flaky")
    assert result.states_of("exit-handler-1/fail", "exit-handler-1/flaky") == ["FAILED", "SUCCEEDED"]
    assert attempts(result, "exit-handler-1/flaky") == [4]
    assert result.told("report")["message"] == "exit-handler-1/fail: ValueError: boom"


@pytest.mark.parametrize("parallelism", [None, 1], ids=["unlimited", "one-at-a-time"])
def test_R12_fail_fast_starts_no_further_iteration(harness: Harness, parallelism: int | None) -> None:
    @dsl.pipeline(name="r12-loop")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor([0, 1, 2], parallelism=parallelism) as item:
                one = fail_if(value=item, bad=0)
            numbers(values=dsl.Collected(one.output))

    result = fast(harness, pipeline)

    loop = "exit-handler-1/for-loop-3"
    leaves = [f"{loop}[{index}]/fail-if" for index in range(3)]
    assert result.states_of(loop, *leaves) == ["FAILED", "FAILED", "UPSTREAM_FAILED", "UPSTREAM_FAILED"]
    assert result.states_of(f"{loop}[1]", f"{loop}[2]", "exit-handler-1") == [
        "FAILED" if parallelism is None else "UPSTREAM_FAILED",
        "FAILED" if parallelism is None else "UPSTREAM_FAILED",
        "FAILED",
    ]
    assert attempts(result, *leaves) == [1, 0, 0]
    assert result.states["exit-handler-1/numbers"] == "UPSTREAM_FAILED"
    assert result.told("report")["message"] == f"{leaves[0]}: ValueError: bad value 0"
    assert (result.state, result.message) == ("FAILED", f"{leaves[0]}: ValueError: bad value 0")


def test_R12_fail_fast_lets_running_iterations_finish(harness: Harness) -> None:
    @dsl.pipeline(name="r12-loop-running")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1, 2], parallelism=2) as item:
            with dsl.If(item == 0):
                fail()
            with dsl.Else():
                slow(seconds=0.3)

    result = fast(harness, pipeline, workers=2)

    loop = "exit-handler-1/for-loop-3"
    assert result.states_of(*(f"{loop}[{index}]" for index in range(3))) == ["FAILED", "SUCCEEDED", "UPSTREAM_FAILED"]
    assert result.finished(f"{loop}[1]") <= result.started("report")
    assert result.told("report")["state"] == "FAILED"


@dsl.pipeline(name="inner")
def inner() -> None:
    with dsl.ExitHandler(report()):
        fail(message="deep")


def test_R12_fail_fast_runs_the_exits_of_nested_groups_inner_first(harness: Harness) -> None:
    @dsl.pipeline(name="r12-nested")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            inner()
            number(value=1).after(ok().after(ok()))

    result = fast(harness, pipeline)

    cause = "exit-handler-1/inner/exit-handler-1/fail: ValueError: deep"
    assert result.states_of("exit-handler-1/inner", "exit-handler-1/ok-2") == ["FAILED", "SUCCEEDED"]
    assert result.states["exit-handler-1/number"] == "UPSTREAM_FAILED"
    assert result.error("exit-handler-1/number") == not_started("exit-handler-1/inner")
    assert attempts(result, "exit-handler-1/number") == [0]
    assert [result.told(path)["message"] for path in ("exit-handler-1/inner/report", "report")] == [cause, cause]
    assert result.finished("exit-handler-1/inner/report") <= result.started("report")
    assert (result.state, result.message) == ("FAILED", cause)


def test_R12_fail_fast_ends_a_neighbouring_group_and_runs_its_exit(harness: Harness) -> None:
    @dsl.pipeline(name="r12-neighbours")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            fail()
        with dsl.ExitHandler(report()):
            ok()

    result = fast(harness, pipeline)

    assert result.states_of("exit-handler-1", "exit-handler-2", "exit-handler-2/ok") == [
        "FAILED",
        "FAILED",
        "UPSTREAM_FAILED",
    ]
    assert result.states_of("report", "report-2") == ["SUCCEEDED", "SUCCEEDED"]
    told = result.told("report-2")
    assert (told["state"], told["code"], told["task"]) == ("FAILED", 9, "exit-handler-2")
    assert told["message"] == "exit-handler-2/ok: not started: exit-handler-1 failed and the run fails fast"
    assert (result.state, result.message) == ("FAILED", "exit-handler-1/fail: ValueError: boom")


def test_R12_fail_fast_spares_exit_tasks_only(harness: Harness) -> None:
    @dsl.pipeline(name="r12-ius")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            failed = fail()
            number(value=1).after(failed).ignore_upstream_failure()

    result = fast(harness, pipeline)

    assert result.states_of("exit-handler-1/fail", "exit-handler-1/number", "report") == [
        "FAILED",
        "UPSTREAM_FAILED",
        "SUCCEEDED",
    ]
