"""Limits on iterations are exact: never more at once, and never fewer while some wait."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from postlude.core.run_state import Run
from postlude.core.task import Kind, Start, State, Task, TaskPath, iteration_path
from run_lab import Rehearsal, dag, exit_task, loop, pipeline, task

ITEM = {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}}
RETRIED = {"retryPolicy": {"maxRetryCount": 2, "backoffDuration": "60s"}}


def items(count: int) -> str:
    return str(list(range(count)))


@st.composite
def nested(draw: st.DrawFn) -> Any:
    """A loop over a chain with a loop of retried tasks inside and an exit task, so that its body waits a lot."""
    outer, inner, size, depth = (draw(st.integers(1, 4)) for _ in range(4))
    inside = loop("item", items(depth), limit=draw(st.sampled_from([0, inner])), **RETRIED)
    chain = {
        "first": task("leaf"),
        "each": inside | {"dependentTasks": ["first"]},
        "last": exit_task("each", "leaf"),
    }
    return pipeline(
        {"for": loop("body", items(size), limit=draw(st.sampled_from([0, outer])))}, {"body": dag(chain, inputs=ITEM)}
    )


def under_way(one: Task) -> bool:
    return (one.asked or one.entered) and not one.state.is_final


def assert_exact(run: Run) -> None:
    for each in run.tasks.values():
        if each.kind is not Kind.LOOP or not each.entered or each.state.is_final:
            continue
        iterations = [run.tasks[iteration_path(each.path, index)] for index in range(each.size)]
        waiting = [one for one in iterations if not one.state.is_final and not under_way(one)]
        limit = each.spec.parallelism or each.size
        now = sum(map(under_way, iterations))
        assert now <= limit, f"{each.path}: {now} at once, and {limit} are allowed"
        assert not waiting or now == limit, f"{each.path}: {now} at once while {len(waiting)} wait for {limit} places"


@given(given_pipeline=nested(), data=st.data())
def test_as_many_iterations_as_allowed_are_under_way(given_pipeline: Any, data: st.DataObject) -> None:
    """A task that waits for its retry keeps its iteration's place; whatever ends, in any order, frees it at once."""
    rehearsal = Rehearsal.of(given_pipeline)
    asked = _starts(rehearsal.asked)
    while asked:
        assert_exact(rehearsal.run)
        path = data.draw(st.sampled_from(asked))
        asked.remove(path)
        rehearsal.start(path)
        failed = data.draw(st.sampled_from([False, False, True]))
        asked += _starts(rehearsal.fail(path) if failed else rehearsal.succeed(path))
    assert rehearsal.run.state in (State.SUCCEEDED, State.FAILED)


def _starts(commands: Any) -> list[TaskPath]:
    return [one.path for one in commands if isinstance(one, Start)]
