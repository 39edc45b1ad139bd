"""Going on with a final run under another pipeline: what is kept, what runs, what goes."""

import pytest
from cli_ir import EXIT, group, task
from core_lab import constant, finished, from_task, loaded, played, states, with_program

from postlude.core.run import advance, begin
from postlude.core.run_state import Settings
from postlude.core.task import PipelineRevised, TaskPath
from postlude.runtime.record import decode_event, encode_event, replay
from postlude.spec.types import Json, Pipeline

CHAIN = {"a": task("comp-a"), "b": task("comp-a", inputs=from_task("a")), "c": task("comp-a")}
BODY = {"body": task("comp-body"), "exit": task("comp-a", "body", **EXIT)}
TWO = {"comp-body": group(x=task("comp-a"), y=task("comp-a"))}
IF = {"if": task("comp-if", triggerPolicy={"condition": "1 > 2"})}


def body(**tasks: Json) -> dict[str, Json]:
    return {"comp-body": group(**tasks)}


@pytest.mark.parametrize(
    ("before", "after", "ran"),
    [
        pytest.param(loaded(CHAIN), loaded(CHAIN), [], id="nothing-changed-nothing-runs"),
        pytest.param(
            loaded(CHAIN), loaded({**CHAIN, "c": task("comp-a", inputs=constant(5))}), ["c"], id="changed-input"
        ),
        pytest.param(
            loaded(CHAIN), loaded({**CHAIN, "a": task("comp-a", inputs=constant(5))}), ["a", "b"], id="and-what-follows"
        ),
        pytest.param(loaded(CHAIN), loaded({**CHAIN, "d": task("comp-a", "b")}), ["d"], id="new-task"),
        pytest.param(
            loaded(CHAIN), loaded({**CHAIN, "b": task("comp-a", "a")}), ["b"], id="changed-wiring-of-the-consumer"
        ),
        pytest.param(loaded(CHAIN), with_program(loaded(CHAIN), "false"), ["a", "c", "b"], id="changed-program"),
        pytest.param(
            loaded(CHAIN),
            loaded({**CHAIN, "a": task("comp-a", taskInfo={"name": "A"}, cachingOptions={"enableCache": True})}),
            [],
            id="names-and-caching-do-not-count",
        ),
        pytest.param(
            loaded(BODY, TWO),
            loaded(BODY, body(x=task("comp-a"), y=task("comp-a", inputs=constant(1)))),
            ["body/y", "exit"],
            id="inside-a-group-and-its-exit-task-again",
        ),
        pytest.param(
            loaded(BODY, TWO), loaded(BODY, body(x=task("comp-a"))), ["exit"], id="gone-task-exit-hears-of-it"
        ),
        pytest.param(
            loaded(IF, {"comp-if": group(x=task("comp-a"))}),
            loaded(IF, {"comp-if": group(z=task("comp-a"))}),
            [],
            id="inside-a-skipped-group",
        ),
        pytest.param(
            loaded({"a": task("comp-a")}),
            loaded({"a": task("comp-g")}, {"comp-g": group(x=task("comp-a"))}),
            ["a/x"],
            id="a-task-becomes-a-group",
        ),
    ],
)
def test_what_runs_again(before: Pipeline, after: Pipeline, ran: list[str]) -> None:
    step = advance(played(before), PipelineRevised(at=2.0, pipeline=after))
    run, again = finished(step)
    assert (again, run.state.value, states(run)) == (ran, "SUCCEEDED", states(played(after)))


def test_a_failed_task_that_is_gone_fails_the_run_no_more() -> None:
    failed = played(loaded({"a": task("comp-a"), "bad": task("comp-a")}), failing=["bad"])
    step = advance(failed, PipelineRevised(at=2.0, pipeline=loaded({"a": task("comp-a")})))
    run, again = finished(step)
    assert (failed.state.value, run.state.value, again, list(step.removed)) == ("FAILED", "SUCCEEDED", [], ["bad"])


def test_a_skipped_group_shows_its_new_tasks() -> None:
    before, after = (loaded(IF, {"comp-if": group(**{key: task("comp-a")})}) for key in ("x", "z"))
    run = advance(played(before), PipelineRevised(at=2.0, pipeline=after)).run
    assert states(run) == {"if": "SKIPPED", "if/z": "SKIPPED"}


def test_attempts_are_numbered_on() -> None:
    step = advance(played(loaded(CHAIN)), PipelineRevised(at=2.0, pipeline=loaded(CHAIN), tasks=(TaskPath("a"),)))
    run, again = finished(step)
    assert (again, run.tasks[TaskPath("a")].attempt, run.tasks[TaskPath("c")].attempt) == (["a", "b"], 2, 1)


def test_a_running_run_is_not_revised() -> None:
    running = begin(loaded(CHAIN), Settings(run_id="r", name="demo", created_at=0.0)).run
    assert advance(running, PipelineRevised(at=2.0, pipeline=loaded(BODY, TWO))).run == running


def test_the_journal_brings_the_pipeline_back() -> None:
    event = PipelineRevised(at=2.0, pipeline=loaded(BODY, TWO), tasks=(TaskPath("a"),), timeout_s=3.0)
    assert decode_event(encode_event(event)) == event


def test_replay_gives_the_same_run() -> None:
    before, after = loaded({"a": task("comp-a")}), loaded({"b": task("comp-a")})
    start = played(loaded({}))
    revised = [PipelineRevised(at=1.0, pipeline=before), PipelineRevised(at=2.0, pipeline=after)]
    live = start
    for event in revised:
        live = advance(live, event).run
    entries = [decode_event(encode_event(event)) for event in revised]
    assert replay(loaded({}), start.settings, entries) == live


def test_parameters_stay_as_they_were_and_new_ones_have_their_defaults() -> None:
    number = {"parameterType": "NUMBER_INTEGER", "isOptional": True}
    before = loaded({"a": task("comp-a")}, n={**number, "defaultValue": 1}, gone={**number, "defaultValue": 5})
    after = loaded({"a": task("comp-a")}, n={**number, "defaultValue": 2}, new={**number, "defaultValue": 3})
    run = advance(played(before), PipelineRevised(at=2.0, pipeline=after)).run
    assert dict(run.root.inputs.parameters) == {"n": 1, "new": 3}
