"""Why a task is where it is."""

import pytest
from cli_ir import EXIT, group, task
from core_lab import constant, finished, from_task, loaded, played, with_program
from msgspec import structs

from postlude.core.explain import explain
from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import CancelRequested, Lost, Started, TaskPath
from postlude.spec.types import Json, Pipeline

CACHED = {"cachingOptions": {"enableCache": True}}
BODY: dict[str, Json] = {
    "body": task("comp-body"),
    "exit": task("comp-a", "body", **EXIT, **CACHED),
    "after": task("comp-a", "body"),
}
CHAIN = {"comp-body": group(a=task("comp-a"), b=task("comp-a", "a"), c=task("comp-a", "b"))}
CONDITION = "int(inputs.parameter_values['n']) > 3 && inputs.parameter_values['n'] != 9.0"
IF: dict[str, Json] = {
    "a": task("comp-a"),
    "if": task("comp-if", inputs=from_task("a"), triggerPolicy={"condition": CONDITION}),
    "then": task("comp-a", "if"),
}
THEN = {
    "comp-if": {
        **group(x=task("comp-a")),
        "inputDefinitions": {"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}},
    }
}


def said(run: Run, path: str, *, earlier: Run | None = None) -> list[str]:
    return [f"{reason.topic}: {reason.text}" for reason in explain(run, run.tasks[TaskPath(path)], earlier=earlier)]


def why(run: Run, path: str) -> list[str]:
    return [line.removeprefix("Why: ") for line in said(run, path) if line.startswith("Why: ")]


FAILED = played(loaded(BODY, CHAIN), failing=["body/a"])
SKIPPED = played(loaded(IF, THEN), out=2)
TAKEN = played(loaded(IF, THEN), out=4)
WAITING = begin(loaded(BODY, CHAIN), Settings(run_id="r", name="demo", created_at=0.0)).run
CAUSE = "root cause: body/a: 2 UNKNOWN: exit 1"
OPERANDS = [f"condition: {CONDITION}", "operand: n = 2"]


@pytest.mark.parametrize(
    ("run", "path", "lines"),
    [
        pytest.param(
            FAILED,
            "body/a",
            ["depends on nothing in body, so it started with it", "failed: 2 UNKNOWN: exit 1"],
            id="failed",
        ),
        pytest.param(FAILED, "body/b", ["depends on body/a (FAILED)", CAUSE], id="upstream-failed"),
        pytest.param(
            FAILED,
            "body/c",
            ["depends on body/b (UPSTREAM_FAILED)", "depends on body/a (FAILED)", CAUSE],
            id="chain-to-the-root-cause",
        ),
        pytest.param(FAILED, "after", ["depends on body (FAILED)", CAUSE], id="root-cause-inside-a-group"),
        pytest.param(
            FAILED, "exit", ["exit task of body (FAILED): it runs in whatever state that ends"], id="exit-task"
        ),
        pytest.param(
            FAILED,
            "body",
            [
                "depends on nothing in the pipeline, so it started with it",
                "failed because of body/a: 2 UNKNOWN: exit 1",
            ],
            id="failed-group",
        ),
        pytest.param(WAITING, "body/a", ["ready: it waits for a free worker"], id="ready"),
        pytest.param(WAITING, "body/b", ["waits for body/a (PENDING)"], id="waits"),
        pytest.param(
            WAITING,
            "after",
            ["waits for body (RUNNING)", "waits for exit (PENDING), the exit task of a group it depends on"],
            id="waits-for-an-exit-task",
        ),
        pytest.param(SKIPPED, "if", ["the condition of if is false"], id="skipped"),
        pytest.param(
            SKIPPED,
            "if/x",
            ["stands in if (SKIPPED), which was never entered", "the condition of if is false", *OPERANDS],
            id="inside-a-skipped-group",
        ),
        pytest.param(SKIPPED, "then", ["depends on if (SKIPPED)", "the condition of if is false"], id="skipped-along"),
        pytest.param(TAKEN, "then", ["all it depends on succeeded: if"], id="ran"),
    ],
)
def test_why(run: Run, path: str, lines: list[str]) -> None:
    assert why(run, path) == lines


@pytest.mark.parametrize(("run", "value"), [(SKIPPED, 2), (TAKEN, 4)], ids=["false", "true"])
def test_a_condition_is_shown_with_the_values_of_its_operands(run: Run, value: int) -> None:
    assert said(run, "if")[1:] == [f"Condition: {CONDITION}", f"Operand: n = {value}"]


def test_a_condition_that_was_never_asked_has_no_operands() -> None:
    run = played(loaded(IF, THEN), failing=["a"])
    assert said(run, "if") == ["Why: depends on a (FAILED)", "Why: root cause: a: 2 UNKNOWN: exit 1"]


def test_a_canceled_task_says_what_was_asked() -> None:
    stopped = advance(WAITING, CancelRequested(at=1.0, exit_tasks=False, let_finish=True)).run
    assert why(stopped, "body/c") == [
        "the run was asked to let running tasks finish and start nothing new",
        "it had not begun",
        "the request said that exit tasks do not run",
    ]


def test_attempts_are_told() -> None:
    running = advance(WAITING, Started(path=TaskPath("body/a"), attempt=1, at=1.0)).run
    lost = advance(running, Lost(path=TaskPath("body/a"), attempt=1, at=2.0))
    attempts = [line for line in said(finished(lost)[0], "body/a") if line.startswith("Attempt")]
    assert attempts == [
        "Attempt: 1 ended with 14 UNAVAILABLE: the engine was lost while the attempt ran",
        "Attempt: 2 was the last, and ended SUCCEEDED",
    ]


# --- the cache --------------------------------------------------------------------------------------------------------


def cached(value: int = 1, command: str = "true", **given: Json) -> Pipeline:
    return with_program(loaded({"a": task("comp-a", inputs=constant(value), **CACHED, **given)}), command)


NEVER = "exit tasks and tasks that ignore upstream failures are cached only with a cache key of their own"


def cache_lines(run: Run, path: str = "a", earlier: Run | None = None) -> list[str]:
    lines = [line.removeprefix("Cache: ") for line in said(run, path, earlier=earlier) if line.startswith("Cache: ")]
    return [line for line in lines if not line.startswith("key ")]


@pytest.mark.parametrize(
    ("before", "line"),
    [
        pytest.param(None, "no earlier run of this pipeline has this task", id="first"),
        pytest.param(
            cached(),
            "the same key as in run r, and not reused: the cache was switched off, or what was kept is gone",
            id="same",
        ),
        pytest.param(cached(2), "differs from run r in parameters.n: 2 was, 1 is", id="parameter"),
        pytest.param(
            cached(command="false"), "differs from run r in program: its command or arguments are others", id="program"
        ),
    ],
)
def test_what_differs_in_the_key(before: Pipeline | None, line: str) -> None:
    assert cache_lines(played(cached()), earlier=None if before is None else played(before)) == [line]


def test_a_task_served_from_the_cache_says_so() -> None:
    run = played(cached())
    tasks = run.tasks.set(TaskPath("a"), structs.replace(run.tasks[TaskPath("a")], cached=True))  # type: ignore[attr-defined]  # an immutables.Map
    assert cache_lines(structs.replace(run, tasks=tasks)) == ["its outputs come from an earlier task with this key"]


def test_the_key_is_shown() -> None:
    (line,) = [line for line in said(played(cached()), "a") if "key " in line]
    assert len(line.removeprefix("Cache: key ")) == 64


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("body/a", "never: its author switched caching off"),
        ("exit", f"never: {NEVER}"),
    ],
)
def test_what_is_never_cached_says_why(path: str, line: str) -> None:
    assert cache_lines(FAILED, path) == [line]
