"""Matrix G, second part: time limits of tasks, of the run and of exit tasks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from components import cleanup, ok, report
from conductor import Conductor
from harness import compile_ir
from interrupted import hang, hanging_report
from kfp import dsl

SECONDS = 0.4
TIMED_OUT = f"timed out after {SECONDS:g} s"


@pytest.fixture
def conductor(tmp_path: Path) -> Conductor:
    return Conductor(home=tmp_path / "home")


def limited(pipeline: Callable[..., Any], **executors: float) -> tuple[Any, Any]:
    """The pipeline and a platform spec that limits executors, named with underscores, to seconds."""
    limits = {f"exec-{name.replace('_', '-')}": {"activeDeadlineSeconds": limit} for name, limit in executors.items()}
    return compile_ir(pipeline), {"platforms": {"kubernetes": {"deploymentSpec": {"executors": limits}}}}


def test_G10_a_task_that_takes_too_long_fails(conductor: Conductor) -> None:
    @dsl.pipeline(name="g10")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            hang()

    result = conductor.run(limited(pipeline, hang=SECONDS))

    assert result.error("exit-handler-1/hang") == (4, TIMED_OUT)
    message = f"exit-handler-1/hang: {TIMED_OUT}"
    assert result.verdict() == ("FAILED", 4, message, "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 4, message)


def test_G11_each_attempt_has_the_whole_time(conductor: Conductor) -> None:
    @dsl.pipeline(name="g11")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            hang().set_retry(1)

    result = conductor.run(limited(pipeline, hang=SECONDS))

    task = result.run.tasks["exit-handler-1/hang"]
    assert (task.state, task.attempts) == ("FAILED", 2)
    assert [past["error"] for past in task.document["history"]] == [{"code": 4, "message": TIMED_OUT}]
    message = f"exit-handler-1/hang: {TIMED_OUT} (after 2 attempts)"
    assert result.verdict() == ("FAILED", 4, message, "exit-handler-1")


@dsl.pipeline(name="g12")
def hangs_with_a_waiter() -> None:
    with dsl.ExitHandler(report()):
        ok().after(hang())


def of_the_run(_pipeline: Any) -> tuple[Any, dict[str, Any]]:
    return hangs_with_a_waiter, {"timeout_s": 1.0}


def of_the_pipeline(_pipeline: Any) -> tuple[Any, dict[str, Any]]:
    platform = {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": 1}}}}
    return (compile_ir(hangs_with_a_waiter), platform), {}


@pytest.mark.parametrize("limit", [of_the_run, of_the_pipeline])
def test_G12_the_deadline_ends_the_body_and_not_the_exit_task(
    conductor: Conductor, limit: Callable[[Any], tuple[Any, dict[str, Any]]]
) -> None:
    source, options = limit(hangs_with_a_waiter)
    result = conductor.run(source, **options)

    late = "the run's time limit of 1 s passed"
    assert result.states == {
        "exit-handler-1": "FAILED",
        "exit-handler-1/hang": "FAILED",
        "exit-handler-1/ok": "UPSTREAM_FAILED",
        "report": "SUCCEEDED",
    }
    assert result.error("exit-handler-1/hang") == (4, f"timed out: {late}")
    assert result.error("exit-handler-1/ok") == (4, f"not started: {late}")
    message = f"exit-handler-1/hang: timed out: {late}"
    assert result.verdict() == ("FAILED", 4, message, "exit-handler-1")
    assert (result.state, result.code, result.message) == ("FAILED", 4, message)


def test_G13_an_exit_task_has_a_limit_of_its_own(conductor: Conductor) -> None:
    @dsl.pipeline(name="g13")
    def pipeline() -> None:
        with dsl.ExitHandler(hanging_report()):
            ok()

    result = conductor.run(limited(pipeline, hanging_report=SECONDS))

    assert result.states_of("exit-handler-1", "hanging-report") == ["SUCCEEDED", "FAILED"]
    message = f"hanging-report: {TIMED_OUT}"
    assert (result.state, result.code, result.message) == ("FAILED", 4, message)


def test_G13_a_run_can_limit_its_exit_tasks(conductor: Conductor) -> None:
    @dsl.pipeline(name="stuck")
    def stuck() -> None:
        cleanup().after(hang())

    @dsl.pipeline(name="g13")
    def pipeline() -> None:
        with dsl.ExitHandler(stuck()):
            ok()

    result = conductor.run(pipeline, exit_timeout_s=0.7)

    late = "the time limit of exit tasks of 0.7 s passed"
    assert result.error("stuck/hang") == (4, f"timed out: {late}")
    assert result.error("stuck/cleanup") == (4, f"not started: {late}")
    assert result.states_of("exit-handler-1", "stuck") == ["SUCCEEDED", "FAILED"]
    assert (result.state, result.code) == ("FAILED", 4)
