"""Matrix F, first half, and R9: retries and the cache under an exit handler."""

from pathlib import Path

import pytest
from components import (
    cleanup,
    echo,
    flaky,
    lines_of,
    noted_cleanup,
    noted_report,
    ok,
    report,
)
from harness import Harness
from kfp import dsl

from postlude.spec.types import Json


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A file in which components count their calls."""
    return tmp_path / "calls"


def cached(harness_result: Json) -> list[str]:
    """The paths of the tasks whose outputs came from an earlier run."""
    return [path for path, task in harness_result.run.tasks.items() if task.cached]


# --- retries ----------------------------------------------------------------------------------------------------------


def test_F1_a_retry_that_succeeds_is_success(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="f1")
    def pipeline(counter: str) -> None:
        with dsl.ExitHandler(report()):
            flaky(counter=counter, failures=2).set_retry(2)

    result = harness.run(pipeline, {"counter": str(calls)})

    task = result.run.tasks["exit-handler-1/flaky"]
    assert (task.state, task.attempts, task.error, task.outputs) == ("SUCCEEDED", 3, None, {"Output": 3})
    told = result.told("report")
    assert (told["state"], told["code"], told["message"]) == ("COMPLETE", None, None)
    assert (result.state, result.code) == ("SUCCEEDED", None)


def test_F2_exhausted_retries_report_the_last_attempt(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="f2")
    def pipeline(counter: str) -> None:
        with dsl.ExitHandler(report()):
            flaky(counter=counter, failures=5).set_retry(2)

    result = harness.run(pipeline, {"counter": str(calls)})

    task = result.run.tasks["exit-handler-1/flaky"]
    assert (task.state, task.attempts) == ("FAILED", 3)
    assert result.error("exit-handler-1/flaky") == (2, "ValueError: call 3 of 6 (after 3 attempts)")
    told = result.told("report")
    assert (told["state"], told["code"]) == ("FAILED", 2)
    assert told["message"] == "exit-handler-1/flaky: ValueError: call 3 of 6 (after 3 attempts)"
    assert [one["attempt"] for one in result.payload("report")["failures"]] == [3]
    assert (result.state, result.code, calls.read_text()) == ("FAILED", 2, "xxx")


def test_F3_the_exit_task_runs_once_after_the_last_attempt(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="f3")
    def pipeline(counter: str) -> None:
        with dsl.ExitHandler(lines_of(log=counter)):
            flaky(counter=counter, failures=5).set_retry(2, backoff_duration="0s")

    result = harness.run(pipeline, {"counter": str(calls)})

    assert result.outputs("lines-of") == {"Output": ["xxx"]}
    assert result.run.tasks["lines-of"].attempts == 1
    assert result.started("lines-of") >= result.finished("exit-handler-1/flaky")


def test_F4_children_without_a_policy_inherit_the_sub_pipelines(harness: Harness, tmp_path: Path) -> None:
    @dsl.pipeline(name="inner")
    def inner(first: str, second: str) -> None:
        flaky(counter=first, failures=2)
        flaky(counter=second, failures=2).set_retry(1)

    @dsl.pipeline(name="f4")
    def pipeline(first: str, second: str) -> None:
        with dsl.ExitHandler(report()):
            inner(first=first, second=second).set_retry(2)

    result = harness.run(pipeline, {"first": str(tmp_path / "first"), "second": str(tmp_path / "second")})

    inherits, own = (result.run.tasks[f"exit-handler-1/inner/{key}"] for key in ("flaky", "flaky-2"))
    assert (inherits.state, inherits.attempts) == ("SUCCEEDED", 3)
    assert (own.state, own.attempts) == ("FAILED", 2)
    told = result.told("report")
    assert (told["state"], told["code"]) == ("FAILED", 2)
    assert told["message"] == "exit-handler-1/inner/flaky-2: ValueError: call 2 of 3 (after 2 attempts)"


# --- the cache --------------------------------------------------------------------------------------------------------


def test_F5_a_body_that_is_all_cached_is_complete(harness: Harness) -> None:
    @dsl.pipeline(name="f5")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            echo(text=ok().output)

    first = harness.run(pipeline)
    again = harness.run(pipeline)

    assert (cached(first), cached(again)) == ([], ["exit-handler-1/ok", "exit-handler-1/echo"])
    assert set(again.states.values()) == {"SUCCEEDED"}
    told = again.told("report")
    assert (told["state"], told["code"], told["message"]) == ("COMPLETE", None, None)
    assert (again.payload("report")["tasks"], again.state) == ({"SUCCEEDED": 2}, "SUCCEEDED")


def test_F6_a_last_task_that_is_cached_ends_the_body(harness: Harness) -> None:
    @dsl.pipeline(name="f6")
    def pipeline(text: str) -> None:
        with dsl.ExitHandler(report()):
            ok().after(echo(text=text))

    harness.run(pipeline, {"text": "one"})
    again = harness.run(pipeline, {"text": "two"})

    assert cached(again) == ["exit-handler-1/ok"]
    assert again.outputs("exit-handler-1/echo") == {"Output": "two"}
    assert (again.told("report")["state"], again.state) == ("COMPLETE", "SUCCEEDED")


def test_F7_an_exit_task_without_status_runs_again(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="f7")
    def pipeline(log: str) -> None:
        with dsl.ExitHandler(noted_cleanup(log=log)):
            ok()

    for _ in range(2):
        again = harness.run(pipeline, {"log": str(calls)})

    assert (cached(again), again.state) == (["exit-handler-1/ok"], "SUCCEEDED")
    assert calls.read_text() == "clean\nclean\n"


def test_F8_an_exit_task_with_status_runs_again_though_caching_is_on(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="f8")
    def pipeline(log: str) -> None:
        with dsl.ExitHandler(noted_report(log=log).set_caching_options(enable_caching=True)):
            ok()

    for _ in range(2):
        again = harness.run(pipeline, {"log": str(calls)})

    assert (cached(again), again.state) == (["exit-handler-1/ok"], "SUCCEEDED")
    assert calls.read_text() == "COMPLETE\nCOMPLETE\n"


def test_F9_a_failed_task_is_run_again(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="f9")
    def pipeline(counter: str) -> None:
        with dsl.ExitHandler(report()):
            flaky(counter=counter, failures=1)

    results = [harness.run(pipeline, {"counter": str(calls)}) for _ in range(3)]

    tasks = [result.run.tasks["exit-handler-1/flaky"] for result in results]
    assert [(task.state, task.cached) for task in tasks] == [
        ("FAILED", False),
        ("SUCCEEDED", False),
        ("SUCCEEDED", True),
    ]
    assert [result.told("report")["state"] for result in results] == ["FAILED", "COMPLETE", "COMPLETE"]
    assert calls.read_text() == "xx"


def test_F10_the_authors_own_cache_key_counts_alone(harness: Harness) -> None:
    @dsl.pipeline(name="f10")
    def pipeline(text: str) -> None:
        with dsl.ExitHandler(report()):
            echo(text=text).set_caching_options(enable_caching=True, cache_key="as good as the same")

    harness.run(pipeline, {"text": "one"})
    again = harness.run(pipeline, {"text": "two"})

    assert cached(again) == ["exit-handler-1/echo"]
    assert again.outputs("exit-handler-1/echo") == {"Output": "one"}
    assert (again.told("report")["state"], again.state) == ("COMPLETE", "SUCCEEDED")


# --- R9: exit and ius tasks are never cached unless the author says so ------------------------------------------------


def test_R9_a_task_that_ignores_upstream_failure_runs_again(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="r9")
    def pipeline(log: str) -> None:
        noted_cleanup(log=log).after(ok()).ignore_upstream_failure()

    for _ in range(2):
        again = harness.run(pipeline, {"log": str(calls)})

    assert cached(again) == ["ok"]
    assert calls.read_text() == "clean\nclean\n"


def test_R9_a_cache_key_opts_an_exit_task_in(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="r9")
    def pipeline(log: str) -> None:
        once = noted_cleanup(log=log).set_caching_options(enable_caching=True, cache_key="once is enough")
        with dsl.ExitHandler(once):
            ok()

    for _ in range(2):
        again = harness.run(pipeline, {"log": str(calls)})

    assert cached(again) == ["exit-handler-1/ok", "noted-cleanup"]
    assert calls.read_text() == "clean\n"


def test_R9_tasks_of_an_exit_pipeline_run_again(harness: Harness, calls: Path) -> None:
    @dsl.pipeline(name="tidy")
    def tidy(log: str) -> None:
        noted_cleanup(log=log)

    @dsl.pipeline(name="r9")
    def pipeline(log: str) -> None:
        with dsl.ExitHandler(tidy(log=log)):
            ok()

    for _ in range(2):
        again = harness.run(pipeline, {"log": str(calls)})

    assert cached(again) == ["exit-handler-1/ok"]
    assert calls.read_text() == "clean\nclean\n"


def test_R9_the_same_component_in_a_body_is_cached(harness: Harness) -> None:
    @dsl.pipeline(name="r9")
    def pipeline() -> None:
        with dsl.ExitHandler(cleanup()):
            cleanup()

    harness.run(pipeline)
    again = harness.run(pipeline)

    assert cached(again) == ["exit-handler-1/cleanup-2"]
