"""The verdict on a group (R1), its error (R4), and what an exit task is told."""

from typing import Any

import pytest

from postlude.core.final_status import causes, error_of, final_status, outcome, payload
from postlude.core.run_state import StatusWords
from postlude.core.task import Code, State, Task, TaskError, TaskPath
from run_lab import Rehearsal, dag, exit_task, integer, leaf, loop, pipeline, selected, task

S, F, K, U, C = (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.UPSTREAM_FAILED, State.CANCELED)


@pytest.mark.parametrize(
    ("children", "state"),
    [
        pytest.param([], S, id="no children"),
        pytest.param([S, S], S, id="all succeeded"),
        pytest.param([S, K], S, id="a skip is success"),
        pytest.param([K], S, id="only skips"),
        pytest.param([S, F], F, id="one failed"),
        pytest.param([S, U], F, id="one not started"),
        pytest.param([C, F], F, id="failure before cancel"),
        pytest.param([C, S, K], C, id="one canceled"),
    ],
)
def test_outcome(children: list[State], state: State) -> None:
    assert outcome(children) is state


# --- errors -----------------------------------------------------------------------------------------------------------


def wide(count: int) -> Rehearsal:
    return Rehearsal.of(pipeline({f"t{number}": task() for number in range(count)}))


def test_the_code_is_of_the_earliest_failure_and_the_message_names_all() -> None:
    run = wide(3)
    run.fail("t2", "late input", Code.INVALID_ARGUMENT)
    run.succeed("t1")
    run.fail("t0", "boom")
    assert run.error("") == (3, "t2: late input; t0: boom")


@pytest.mark.parametrize(("failed", "rest"), [(10, ""), (11, "; and 1 more"), (13, "; and 3 more")])
def test_ten_failures_are_named_and_the_rest_counted(failed: int, rest: str) -> None:
    run = wide(failed)
    for number in range(failed):
        run.fail(f"t{number}", "no")
    assert run.error("") == (2, "; ".join(f"t{number}: no" for number in range(10)) + rest)


def test_the_earliest_failures_are_the_ones_named() -> None:
    run = wide(12)
    for number in reversed(range(12)):
        run.fail(f"t{number}", "no")
    assert run.error("")[1].startswith("t11: no; t10: no; ")
    assert run.error("")[1].endswith("t2: no; and 2 more")


def test_what_was_not_started_is_no_cause_where_something_failed() -> None:
    run = Rehearsal.of(pipeline({"a": task(), "b": task("leaf", "a")}))
    run.fail("a")
    assert [one.path for one in causes(run.run, run.run.root)] == ["a"]
    assert run.error("b") == (9, "not started: upstream a failed")


def test_a_group_whose_upstream_failed_was_not_started() -> None:
    tasks = {"a": task(), "group": task("inner", "a"), "tell": exit_task("group")}
    run = Rehearsal.of(pipeline(tasks, {"inner": dag({"x": task(), "y": task("leaf", "x")})}))
    run.fail("a")
    told = run.run.tasks[TaskPath("tell")].inputs.parameters["status"]
    assert told["error"] == {"code": 9, "message": "group: not started: upstream a failed"}
    assert told["tasks"] == {"UPSTREAM_FAILED": 2}


def test_a_failed_leaf_speaks_for_itself() -> None:
    run = wide(1)
    run.fail("t0")
    assert final_status(run.run, run.run.tasks[TaskPath("t0")]).error == TaskError(
        code=Code.UNKNOWN, message="t0: boom", exit_code=1
    )


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (State.SUCCEEDED, None),
        (State.SKIPPED, None),
        (State.CANCELED, TaskError(code=Code.CANCELLED, message="the run was canceled")),
    ],
)
def test_without_failures_only_a_cancel_is_an_error(state: State, error: TaskError | None) -> None:
    assert error_of(state, (), failed=0) == error


# --- the payload ------------------------------------------------------------------------------------------------------

GROUP = dag(
    {
        "make": task("maker"),
        "sub": task("sub"),
        "each": loop("item-maker", "[1, 2]"),
        "bad": task(taskInfo={"name": "A bad task"}),
    },
)
PARTS = {
    "group": GROUP,
    "sub": dag(
        {"inner": task("maker")},
        outputs={"parameters": {"pipelinechannel--inner-out": integer()}},
        selected={"parameters": {"pipelinechannel--inner-out": selected("inner")}},
    ),
    "item-maker": leaf(
        inputs={"parameters": {"item": integer()}}, outputs={"parameters": {"square": integer()}}
    ),
}  # fmt: skip
TOLD = pipeline({"body": task("group"), "tell": exit_task("body")}, PARTS)


def finished(*, bad: bool, **settings: Any) -> dict[str, Any]:
    """What the exit task is told once every task of its group is final."""
    run = Rehearsal.of(TOLD, **settings)
    for path in ("body/make", "body/sub/inner", "body/bad"):
        run.start(path)
    run.succeed("body/make", out=1)
    run.succeed("body/sub/inner", out=2)
    run.succeed("body/each[0]", square=1)
    run.succeed("body/each[1]", square=4)
    if bad:
        run.fail("body/bad")
    else:
        run.succeed("body/bad")
    told: dict[str, Any] = run.run.tasks[TaskPath("tell")].inputs.parameters["status"]
    return told


def test_payload_of_a_failed_group() -> None:
    assert finished(bad=True) == {
        "state": "FAILED",
        "pipelineTaskName": "body",
        "pipeline_task_name": "body",
        "pipelineJobResourceName": "demo/run-1",
        "pipeline_job_resource_name": "demo/run-1",
        "error": {"code": 2, "message": "body/bad: boom"},
        "failures": [
            {
                "task": "body/bad",
                "displayName": "A bad task",
                "state": "FAILED",
                "attempt": 1,
                "code": 2,
                "exitCode": 1,
                "message": "boom",
                "startedAt": "1970-01-01T00:16:43.000000Z",
                "finishedAt": "1970-01-01T00:16:48.000000Z",
            }
        ],
        "failureCount": 1,
        "tasks": {"FAILED": 1, "SUCCEEDED": 4},
        "outputs": {"make.out": 1, "sub/inner.out": 2, "each.square": [1, 4]},
        "outputsOmitted": 0,
        "startedAt": "1970-01-01T00:16:40.000000Z",
        "finishedAt": "1970-01-01T00:16:48.000000Z",
    }


def test_outputs_that_do_not_fit_are_counted_and_small_ones_after_them_told() -> None:
    text = leaf(outputs={"parameters": {"out": {"parameterType": "STRING"}}})
    tasks = {key: task("text") for key in ("a", "b", "c", "d")}
    run = Rehearsal.of(
        pipeline({"body": task("group"), "tell": exit_task("body")}, {"group": dag(tasks), "text": text})
    )
    values = {"a": "x" * 10_000, "b": "y" * 10_000, "c": "z" * 20_000, "d": "small"}
    for key, value in values.items():
        run.succeed(f"body/{key}", out=value)
    told = run.run.tasks[TaskPath("tell")].inputs.parameters["status"]
    assert (told["outputs"], told["outputsOmitted"]) == ({"a.out": values["a"], "d.out": "small"}, 2)


@pytest.mark.parametrize(("failed", "listed"), [(50, 50), (51, 50)])
def test_very_many_failures_are_listed_up_to_a_number_and_counted(failed: int, listed: int) -> None:
    group = dag({f"t{number}": task() for number in range(failed)})
    run = Rehearsal.of(pipeline({"body": task("group"), "tell": exit_task("body")}, {"group": group}))
    for number in range(failed):
        run.fail(f"body/t{number}")
    told = run.run.tasks[TaskPath("tell")].inputs.parameters["status"]
    assert (len(told["failures"]), told["failureCount"]) == (listed, failed)


def test_payload_of_a_group_that_succeeded_has_the_same_keys_and_an_empty_error() -> None:
    good = finished(bad=False)
    assert list(good) == list(finished(bad=True))
    assert (good["state"], good["error"], good["failures"], good["tasks"]) == ("COMPLETE", {}, [], {"SUCCEEDED": 5})


@pytest.mark.parametrize(
    ("words", "state", "word"),
    [
        (StatusWords.KFP, State.SUCCEEDED, "COMPLETE"),
        (StatusWords.KFP, State.FAILED, "FAILED"),
        (StatusWords.KFP, State.UPSTREAM_FAILED, "FAILED"),
        (StatusWords.KFP, State.CANCELED, "CANCELED"),
        (StatusWords.KFP, State.SKIPPED, "SKIPPED"),
        (StatusWords.SDK, State.SUCCEEDED, "SUCCEEDED"),
        (StatusWords.SDK, State.FAILED, "FAILED"),
        (StatusWords.SDK, State.UPSTREAM_FAILED, "FAILED"),
        (StatusWords.SDK, State.CANCELED, "CANCELLED"),
        (StatusWords.SDK, State.SKIPPED, "SKIPPED"),
    ],
)
def test_status_words(words: StatusWords, state: State, word: str) -> None:
    run = Rehearsal.of(pipeline({"t": task()}), status_words=words)
    ended = Task(
        path=TaskPath("t"), kind=run.run.tasks[TaskPath("t")].kind, parent=TaskPath(""), state=state,
        spec=run.run.tasks[TaskPath("t")].spec, component=run.run.tasks[TaskPath("t")].component,
    )  # fmt: skip
    assert payload(run.run, ended)["state"] == word


def test_an_exit_pipeline_is_told_as_a_dict() -> None:
    passing = {"status": {"componentInputParameter": "status"}}
    exits = dag(
        {"inner": task("told", given=passing)},
        inputs={"parameters": {"status": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}},
    )
    run = Rehearsal.of(
        pipeline(
            {"body": task("group"), "tell": exit_task("body") | {"componentRef": {"name": "exits"},
             "inputs": {"parameters": {"status": {"taskFinalStatus": {"producerTask": "body"}}}}}},
            {"group": dag({"work": task()}), "exits": exits},
        )
    )  # fmt: skip
    run.fail("body/work")
    assert run.run.tasks[TaskPath("tell/inner")].inputs.parameters["status"]["state"] == "FAILED"
