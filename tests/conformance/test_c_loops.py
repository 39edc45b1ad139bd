"""Matrix C: loops inside an exit handler."""

import pytest
from components import fail_if, number, numbers, report
from harness import Harness, Result
from kfp import dsl

LOOP = "exit-handler-1/for-loop-3"  # over a constant: the SDK counts the list too
LOOP_OVER_INPUT = "exit-handler-1/for-loop-2"


def verdict(result: Result) -> tuple[str, int | None]:
    """What the exit task's process read, in short."""
    told = result.told("report")
    return told["state"], told["code"]


def bad_value(loop: str, index: int, value: int) -> str:
    return f"{loop}[{index}]/fail-if: ValueError: bad value {value}"


def test_C1_one_iteration_fails(harness: Harness) -> None:
    @dsl.pipeline(name="c1")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1, 2]) as item:
            fail_if(value=item, bad=1)

    result = harness.run(pipeline)

    assert result.states == {
        "exit-handler-1": "FAILED",
        LOOP: "FAILED",
        f"{LOOP}[0]": "SUCCEEDED",
        f"{LOOP}[0]/fail-if": "SUCCEEDED",
        f"{LOOP}[1]": "FAILED",
        f"{LOOP}[1]/fail-if": "FAILED",
        f"{LOOP}[2]": "SUCCEEDED",
        f"{LOOP}[2]/fail-if": "SUCCEEDED",
        "report": "SUCCEEDED",
    }
    assert verdict(result) == ("FAILED", 2)
    assert result.told("report")["message"] == bad_value(LOOP, 1, 1)
    assert (result.state, result.code, result.message) == ("FAILED", 2, bad_value(LOOP, 1, 1))


def test_C2_all_iterations_succeed(harness: Harness) -> None:
    @dsl.pipeline(name="c2")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1, 2]) as item:
            number(value=item)

    result = harness.run(pipeline)

    assert result.states_of("exit-handler-1", LOOP, *(f"{LOOP}[{i}]" for i in range(3))) == ["SUCCEEDED"] * 5
    assert [result.outputs(f"{LOOP}[{i}]/number")["Output"] for i in range(3)] == [0, 1, 2]
    assert verdict(result) == ("COMPLETE", None)
    assert result.payload("report")["tasks"] == {"SUCCEEDED": 3}
    assert (result.state, result.run.error) == ("SUCCEEDED", None)


def test_C3_all_iterations_fail(harness: Harness) -> None:
    @dsl.pipeline(name="c3")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([7, 7, 7]) as item:
            fail_if(value=item, bad=7)

    result = harness.run(pipeline)

    leaves = [f"{LOOP}[{i}]/fail-if" for i in range(3)]
    assert result.states_of("exit-handler-1", LOOP, *leaves) == ["FAILED"] * 5
    assert verdict(result) == ("FAILED", 2)
    assert sorted(result.told("report")["message"].split("; ")) == [bad_value(LOOP, i, 7) for i in range(3)]
    assert sorted(failure["task"] for failure in result.payload("report")["failures"]) == leaves
    assert (result.state, result.code) == ("FAILED", 2)


def test_C3_message_names_ten_failures_and_counts_the_rest(harness: Harness) -> None:
    @dsl.pipeline(name="c3-many")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([7] * 12) as item:
            fail_if(value=item, bad=7)

    result = harness.run(pipeline)

    *named, rest = result.told("report")["message"].split("; ")
    assert (len(set(named)), rest) == (10, "and 2 more")
    assert set(named) < {bad_value(LOOP, i, 7) for i in range(12)}
    assert len(result.payload("report")["failures"]) == 12
    assert result.payload("report")["tasks"] == {"FAILED": 12}


def test_C4_limited_loop_goes_on_after_a_failure(harness: Harness) -> None:
    @dsl.pipeline(name="c4")
    def pipeline() -> None:
        with dsl.ExitHandler(report()), dsl.ParallelFor([0, 1, 2], parallelism=1) as item:
            fail_if(value=item, bad=0)

    result = harness.run(pipeline)

    leaves = [f"{LOOP}[{i}]/fail-if" for i in range(3)]
    assert result.states_of(*leaves) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert result.finished(leaves[0]) <= result.started(leaves[1])
    assert result.finished(leaves[1]) <= result.started(leaves[2])
    assert verdict(result) == ("FAILED", 2)
    assert result.message == bad_value(LOOP, 0, 0)


@pytest.mark.parametrize("given", [None, {"items": []}], ids=["default", "argument"])
def test_C5_empty_loop_succeeds(harness: Harness, given: dict[str, list[int]] | None) -> None:
    @dsl.pipeline(name="c5")
    def pipeline(items: list[int] = []) -> None:  # noqa: B006 - the pipeline's default, never changed
        with dsl.ExitHandler(report()), dsl.ParallelFor(items) as item:
            number(value=item)

    result = harness.run(pipeline, given)

    assert result.states == {"exit-handler-1": "SUCCEEDED", LOOP_OVER_INPUT: "SUCCEEDED", "report": "SUCCEEDED"}
    assert verdict(result) == ("COMPLETE", None)
    assert result.state == "SUCCEEDED"


def test_C5_sdk_refuses_a_loop_that_is_always_empty() -> None:
    with pytest.raises(ValueError, match="Got an empty item list for loop argument"):

        @dsl.pipeline(name="c5-constant")
        def pipeline() -> None:
            with dsl.ExitHandler(report()), dsl.ParallelFor([]) as item:
                number(value=item)


def test_C6_collected_of_an_empty_loop_is_an_empty_list(harness: Harness) -> None:
    @dsl.pipeline(name="c6")
    def pipeline(items: list[int]) -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor(items) as item:
                one = number(value=item)
            numbers(values=dsl.Collected(one.output))

    result = harness.run(pipeline, {"items": []})

    assert result.states_of(LOOP_OVER_INPUT, "exit-handler-1/numbers") == ["SUCCEEDED", "SUCCEEDED"]
    assert result.outputs("exit-handler-1/numbers") == {"Output": []}
    assert verdict(result) == ("COMPLETE", None)
    assert result.state == "SUCCEEDED"


def test_C7_collected_of_a_failed_loop_has_no_consumer(harness: Harness) -> None:
    @dsl.pipeline(name="c7")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor([0, 1]) as item:
                one = fail_if(value=item, bad=1)
            numbers(values=dsl.Collected(one.output))

    result = harness.run(pipeline)

    assert result.states_of(LOOP, "exit-handler-1/numbers") == ["FAILED", "UPSTREAM_FAILED"]
    assert result.error("exit-handler-1/numbers") == (9, f"not started: upstream {LOOP} failed")
    assert verdict(result) == ("FAILED", 2)
    assert result.payload("report")["tasks"] == {"FAILED": 1, "SUCCEEDED": 1, "UPSTREAM_FAILED": 1}
    assert result.message == bad_value(LOOP, 1, 1)


def test_C8_collected_of_nested_loops_is_one_flat_list_in_index_order(harness: Harness) -> None:
    @dsl.pipeline(name="c8")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor([[1, 2, 3], [4, 5]]) as row, dsl.ParallelFor(row) as item:
                one = number(value=item)
            numbers(values=dsl.Collected(one.output))

    result = harness.run(pipeline)

    assert result.outputs("exit-handler-1/numbers") == {"Output": [1, 2, 3, 4, 5]}
    assert verdict(result) == ("COMPLETE", None)
    assert result.state == "SUCCEEDED"


def test_C8_items_of_items_reach_conditions_as_the_text_they_are_compared_with(harness: Harness) -> None:
    # The SDK does not know what items of items are, declares them as strings and compares them as strings.
    @dsl.pipeline(name="c8-conditions")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor([[1, 2], [3]]) as row, dsl.ParallelFor(row) as item, dsl.If(item == 2):
                one = number(value=item)
            numbers(values=dsl.Collected(one.output))

    result = harness.run(pipeline)

    assert result.outputs("exit-handler-1/numbers") == {"Output": [None, 2, None]}


def test_C8_lists_made_by_the_tasks_stay_lists(harness: Harness) -> None:
    @dsl.pipeline(name="c8-lists")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor([[1, 2], [3]]) as row:
                one = numbers(values=row)
            numbers(values=dsl.Collected(one.output))

    result = harness.run(pipeline)

    assert result.outputs("exit-handler-1/numbers-2") == {"Output": [[1, 2], [3]]}


def test_C9_a_skipped_item_is_null_in_its_place(harness: Harness) -> None:
    @dsl.pipeline(name="c9")
    def pipeline() -> None:
        with dsl.ExitHandler(report()):
            with dsl.ParallelFor([0, 1, 2]) as item, dsl.If(item != 1):
                one = number(value=item)
            numbers(values=dsl.Collected(one.output))

    result = harness.run(pipeline)

    conditions = [f"{LOOP}[{i}]/condition-4" for i in range(3)]
    assert result.states_of(*conditions) == ["SUCCEEDED", "SKIPPED", "SUCCEEDED"]
    assert result.states_of(LOOP, f"{conditions[1]}/number") == ["SUCCEEDED", "SKIPPED"]
    assert result.inputs("exit-handler-1/numbers") == {"values": [0, None, 2]}
    assert result.outputs("exit-handler-1/numbers") == {"Output": [0, None, 2]}
    assert verdict(result) == ("COMPLETE", None)
    assert result.state == "SUCCEEDED"
