"""Who was told of a failure, told by rehearsals of small pipelines; each row is a rule of the judgement."""

from typing import Any

import pytest

from postlude.api.rehearse import rehearsal
from postlude.api.rehearsed import Mishap, Rehearsal
from postlude.core.run_state import StatusWords
from postlude.engines.simulated.scenario import Product, Scenario
from postlude.spec.types import Pipeline
from run_lab import COMPLETED, constant, dag, exit_task, integer, leaf, loop, output_of, pipeline, task

BODY = {"body": dag({"train": task(), "test": task("leaf", "train")})}
TEXT = {"inputs": {"parameters": {"text": {"parameterType": "STRING"}}}}
SAYS = {"says": leaf(**TEXT)}


def saying(text: str, *after: str) -> Any:
    """A task that ignores failures, and asks for something of the workflow."""
    return task("says", *after, given={"text": constant(text)}, **COMPLETED)


def rehearsed(given: Pipeline, *only: Mishap, **more: Any) -> Rehearsal:
    return rehearsal(given, {}, more.pop("scenario", Scenario()), only=only, **more)


def unhandled(found: Rehearsal) -> list[str]:
    return [f"{case.task} {case.mishap.value}" for case in found.unhandled]


HANDLER = {"eh": task("body"), "bye": exit_task("eh")}


@pytest.mark.parametrize(
    ("given", "only", "left"),
    [
        pytest.param(pipeline(HANDLER, BODY), Mishap, [], id="an-exit-task-with-a-status-is-told-of-all"),
        pytest.param(
            pipeline({"eh": task("body"), "bye": exit_task("eh", "leaf")}, BODY),
            [Mishap.FAIL],
            ["eh/train fail", "eh/test fail"],
            id="one-without-a-status-is-told-of-nothing",
        ),
        pytest.param(
            pipeline({"first": task(), **HANDLER, "last": task("leaf", "eh")}, BODY),
            [Mishap.FAIL, Mishap.CANCEL],
            ["first fail", "first cancel", "last fail", "last cancel"],
            id="nobody-watches-what-is-outside",
        ),
        pytest.param(
            pipeline({"a": task(), "b": task("leaf", "a"), "c": exit_task("b")}),
            [Mishap.FAIL],
            ["a fail"],
            id="upstream-failed-does-not-tell-of-the-cause",
        ),
        pytest.param(
            pipeline({"eh": task("body"), "bye": saying("{{workflow.status}}", "eh")}, BODY | SAYS),
            Mishap,
            [],
            id="the-workflow-s-status-is-the-group-s",
        ),
        pytest.param(
            pipeline({"eh": task("body"), "bye": saying("it {{workflow.failures}}!", "eh")}, BODY | SAYS),
            [Mishap.OOM],
            [],
            id="so-are-its-failures",
        ),
        pytest.param(
            pipeline({"eh": task("body"), "bye": saying("{{workflow.name}}", "eh")}, BODY | SAYS),
            [Mishap.OOM],
            ["eh/train oom", "eh/test oom"],
            id="its-name-tells-nothing",
        ),
        pytest.param(
            pipeline({"x": task(), "eh": task("body"), "bye": saying("{{workflow.status}}", "eh")}, BODY | SAYS),
            [Mishap.FAIL],
            ["x fail"],
            id="the-group-s-status-is-not-another-task-s",
        ),
        pytest.param(
            pipeline({"a": task(), "b": task(), "c": saying("{{workflow.status}}", "a", "b")}, SAYS),
            [Mishap.FAIL],
            [],
            id="outside-of-groups-it-is-the-run-s-so-far",
        ),
        pytest.param(
            pipeline({"a": task(), "b": saying("{{workflow.status}}", "a"), "c": task("leaf", "b")}, SAYS),
            [Mishap.FAIL],
            ["c fail"],
            id="and-not-what-comes-after",
        ),
    ],
)
def test_which_failures_nobody_is_told_about(given: Pipeline, only: list[Mishap], left: list[str]) -> None:
    assert unhandled(rehearsed(given, *only)) == left


def test_the_words_of_the_sdk_are_understood() -> None:
    found = rehearsed(pipeline(HANDLER, BODY), scenario=Scenario(status_words=StatusWords.SDK))
    assert ([case.witnesses[0].states for case in found.cases][:4], found.ok) == (
        [("FAILED",), ("FAILED",), ("FAILED",), ("CANCELLED",)],
        True,
    )


def test_an_exit_pipeline_that_takes_the_status_is_told() -> None:
    told = dag({"notify": task("told", given={"status": {"componentInputParameter": "status"}})},
               inputs={"parameters": {"status": {"parameterType": "TASK_FINAL_STATUS"}}})  # fmt: skip
    bye = task("tell", "eh", given={"status": {"taskFinalStatus": {"producerTask": "eh"}}}, **COMPLETED)
    found = rehearsed(pipeline({"eh": task("body"), "bye": bye}, BODY | {"tell": told}), Mishap.FAIL)
    assert (unhandled(found), list(found.never_told)) == ([], [])
    assert [case.task for case in found.cases if case.watcher] == ["bye/notify"]


def test_failures_of_exit_tasks_need_be_told_only_where_that_is_asked_for() -> None:
    given = pipeline(HANDLER, BODY)
    assert unhandled(rehearsed(given, Mishap.FAIL)) == []
    assert unhandled(rehearsed(given, Mishap.FAIL, exit_tasks=True)) == ["bye fail"]


def test_an_exit_task_that_a_cancel_spares_did_not_fail() -> None:
    found = rehearsed(pipeline(HANDLER, BODY), Mishap.CANCEL, exit_tasks=True)
    assert [(case.task, case.state, case.failed) for case in found.cases][-1] == ("bye", "SUCCEEDED", False)
    assert found.ok


def test_the_first_iteration_stands_for_all() -> None:
    given = pipeline({"l": loop("item", "[1, 2, 3]"), "after": exit_task("l")})
    found = rehearsed(given, Mishap.FAIL)
    assert ([case.task for case in found.cases], found.ok) == (["l[0]", "after"], True)


def test_exit_tasks_that_never_see_a_failure_are_named() -> None:
    given = pipeline({**HANDLER, "quiet": task("empty", "eh", **COMPLETED), "deaf": exit_task("quiet") }, {
        **BODY, "empty": dag({"l": loop("item", "[]")}),
    })  # fmt: skip
    found = rehearsed(given, Mishap.FAIL)
    assert (list(found.never_told), list(found.take_no_status)) == (["deaf"], ["quiet"])


CHECKED = pipeline(
    {
        "check": task("maker"),
        "branch": task(
            "body",
            given={"n": output_of("check")},
            triggerPolicy={"condition": "inputs.parameter_values['n'] == 1"},
        ),
    },
    {"body": dag({"train": task()}, inputs={"parameters": {"n": integer()}})},
)


def test_tasks_that_no_case_came_to_are_named_with_the_value_that_decided_it() -> None:
    found = rehearsed(CHECKED, Mishap.FAIL)
    assert list(found.never_reached) == ["branch/train"]
    assert list(found.made_up) == [
        "branch was not taken: check.out is 0, made up; set it with --output check.out=VALUE"
    ]


def test_an_output_that_is_given_leads_to_them() -> None:
    scenario = Scenario(products=[Product(path="check", name="out", value=1)])
    found = rehearsed(CHECKED, Mishap.FAIL, scenario=scenario)
    assert (list(found.never_reached), [case.task for case in found.cases]) == ([], ["check", "branch/train"])


def test_a_run_that_fails_undisturbed_is_said_to() -> None:
    wants = leaf(inputs={"parameters": {"n": {"parameterType": "STRUCT"}}})
    found = rehearsed(pipeline({"a": task("maker"), "b": task("wants", given={"n": output_of("a")})}, {"wants": wants}))
    assert (found.undisturbed, found.error) == ("FAILED", "b: input 'n': expected STRUCT, got 0")


def test_the_document_says_it_all() -> None:
    found = rehearsed(pipeline(HANDLER, BODY), Mishap.TIMEOUT)
    document = found.document
    assert (document["schema"], document["ok"], document["pipeline"]) == ("postlude.rehearsal/v1", True, "demo")
    assert document["cases"][0] == {
        "task": "eh/train",
        "mishap": "timeout",
        "run": "FAILED",
        "state": "FAILED",
        "exit_tasks": [{"path": "bye", "states": ["FAILED"], "told": True}],
        "watcher": False,
        "required": True,
        "handled": True,
    }


def test_groups_are_looked_through() -> None:
    inner = dag({"eh": task("body"), "bye": exit_task("eh")})
    found = rehearsed(pipeline({"sub": task("inner")}, BODY | {"inner": inner}), Mishap.FAIL)
    assert [(case.task, case.handled) for case in found.cases] == [
        ("sub/eh/train", True), ("sub/eh/test", True), ("sub/bye", False),
    ]  # fmt: skip
