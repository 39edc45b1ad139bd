"""Rule R14: when tasks with the default strategy start, and what is recorded inside groups that were never entered."""

from components import fail, fail_if, number, ok, report, slow
from harness import Harness, Ir, edited, tasks_of
from kfp import dsl


@dsl.pipeline(name="guarded")
def guarded(mode: str) -> None:
    with dsl.ExitHandler(report()):
        ok()
        with dsl.If(mode == "a"):
            ok()
        with dsl.Else():
            fail()
    with dsl.ParallelFor([0, 1]) as item:
        number(value=item)


INSIDE = (
    "guarded",
    "guarded/exit-handler-1",
    "guarded/exit-handler-1/ok",
    "guarded/exit-handler-1/condition-branches-2",
    "guarded/exit-handler-1/condition-branches-2/condition-3",
    "guarded/exit-handler-1/condition-branches-2/condition-3/ok-2",
    "guarded/exit-handler-1/condition-branches-2/condition-4",
    "guarded/exit-handler-1/condition-branches-2/condition-4/fail",
    "guarded/for-loop-6",
    "guarded/report",
)


def test_R14_everything_inside_a_skipped_group_is_recorded_as_skipped(harness: Harness) -> None:
    @dsl.pipeline(name="r14-skipped")
    def pipeline(mode: str = "dry") -> None:
        with dsl.If(mode == "real"):
            guarded(mode="a")

    result = harness.run(pipeline)

    assert result.states == dict.fromkeys(["condition-1", *(f"condition-1/{path}" for path in INSIDE)], "SKIPPED")
    assert {task.error for task in result.run.tasks.values()} == {None}
    assert {task.attempts for task in result.run.tasks.values()} == {0}
    assert (result.state, result.run.error) == ("SUCCEEDED", None)


def test_R14_everything_inside_an_upstream_failed_group_is_recorded_as_upstream_failed(harness: Harness) -> None:
    @dsl.pipeline(name="r14-upstream-failed")
    def pipeline() -> None:
        guarded(mode="a").after(fail())

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", **dict.fromkeys(INSIDE, "UPSTREAM_FAILED")}
    assert [result.error(path) for path in INSIDE] == [(9, "not started: upstream fail failed")] * len(INSIDE)
    assert {result.run.tasks[path].attempts for path in INSIDE} == {0}
    assert (result.state, result.code, result.message) == ("FAILED", 2, "fail: ValueError: boom")


def test_R14_everything_inside_a_group_that_failed_to_start_is_upstream_failed(harness: Harness) -> None:
    @dsl.pipeline(name="r14-failed")
    def pipeline(mode: str = "real") -> None:
        with dsl.If(mode == "real"):
            guarded(mode="a")

    def break_condition(ir: Ir) -> None:  # the SDK writes no condition that cannot be evaluated
        tasks_of(ir)["condition-1"]["triggerPolicy"]["condition"] = "inputs.parameter_values['nobody'] == 1"

    result = harness.run(edited(pipeline, break_condition))

    inside = [f"condition-1/{path}" for path in INSIDE]
    assert result.states == {"condition-1": "FAILED", **dict.fromkeys(inside, "UPSTREAM_FAILED")}
    assert {result.error(path) for path in inside} == {(9, "not started: upstream condition-1 failed")}
    assert (result.state, result.code) == ("FAILED", 3)
    assert result.message.startswith("condition-1: condition cannot be evaluated: ")


def test_R14_task_is_upstream_failed_as_soon_as_one_upstream_failed(harness: Harness) -> None:
    @dsl.pipeline(name="r14-soon")
    def pipeline() -> None:
        number(value=1).after(fail(), slow(seconds=0.4))

    result = harness.run(pipeline)

    assert result.states == {"fail": "FAILED", "slow": "SUCCEEDED", "number": "UPSTREAM_FAILED"}
    assert result.finished("number") < result.finished("slow")


@dsl.pipeline(name="r14-two-upstreams")
def two_upstreams(mode: str = "dry", bad: int = 1) -> None:
    with dsl.If(mode == "real"):
        ok()
    other = fail_if(value=1, bad=bad)
    number(value=1).after(other)


def beside_a_skipped_task() -> Ir:
    def wait_for_both(ir: Ir) -> None:  # the SDK refuses .after() of a condition group
        tasks_of(ir)["number"]["dependentTasks"] = ["condition-1", "fail-if"]

    return edited(two_upstreams, wait_for_both)


def test_R14_a_failed_upstream_outweighs_a_skipped_one(harness: Harness) -> None:
    result = harness.run(beside_a_skipped_task())

    assert result.states_of("condition-1", "fail-if", "number") == ["SKIPPED", "FAILED", "UPSTREAM_FAILED"]
    assert result.state == "FAILED"


def test_R14_a_skipped_upstream_skips_once_all_upstreams_are_final(harness: Harness) -> None:
    result = harness.run(beside_a_skipped_task(), {"bad": 0})

    assert result.states_of("condition-1", "fail-if", "number") == ["SKIPPED", "SUCCEEDED", "SKIPPED"]
    assert result.finished("number") >= result.finished("fail-if")
    assert result.state == "SUCCEEDED"


def test_R14_task_starts_when_all_upstreams_succeeded(harness: Harness) -> None:
    result = harness.run(beside_a_skipped_task(), {"mode": "real", "bad": 0})

    assert result.states_of("condition-1", "fail-if", "number") == ["SUCCEEDED"] * 3
    assert result.started("number") >= max(result.finished("condition-1"), result.finished("fail-if"))
    assert result.state == "SUCCEEDED"
