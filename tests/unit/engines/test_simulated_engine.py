"""Runs in virtual time: what goes wrong, what is made up, how long it takes, and what it says of made-up values."""

import json
from typing import Any

import pytest

from postlude.api.simulate import Simulation, simulation
from postlude.core.run_state import FailurePolicy
from postlude.engines.simulated.scenario import Product, Scenario, Text
from postlude.runtime.faults import Fault, FaultKind
from postlude.spec.load import load
from postlude.spec.types import Pipeline
from run_lab import (
    constant,
    dag,
    document,
    exit_task,
    integer,
    interface,
    leaf,
    loop,
    output_of,
    parent,
    pipeline,
    selected,
    task,
)

TWO = pipeline({"a": task(), "b": task("leaf", "a")})
HANDLER = pipeline(
    {"eh": task("body"), "bye": exit_task("eh")}, {"body": dag({"train": task(), "test": task("leaf", "train")})}
)


def simulated(given: Pipeline, *faults: Fault, **scenario: Any) -> Simulation:
    return simulation(given, {}, Scenario(faults=faults, **scenario))


def states(found: Simulation) -> dict[str, str]:
    return {path: each.state for path, each in found.run.tasks.items()}


def error(found: Simulation, path: str) -> tuple[int, str] | None:
    said = found.run.tasks[path].error
    return None if said is None else (said.code, said.message)


def ends(found: Simulation) -> dict[str, str]:
    """When each task ended: minutes and seconds after the run began."""
    return {path: each.document["finished_at"][14:23] for path, each in found.run.tasks.items()}


def told(found: Simulation, path: str) -> tuple[str, int | None]:
    payload = found.exit_task(path).payload
    return (payload["state"], payload["error"].get("code"))


def fault(kind: str, path: str, **more: Any) -> Fault:
    return Fault(path=path, kind=FaultKind(kind), **more)


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        pytest.param([fault("fail", "a")], (2, "an injected failure"), id="fail"),
        pytest.param([fault("fail", "a", message="no disk")], (2, "no disk"), id="fail-with-words"),
        pytest.param([fault("timeout", "a")], (4, "timed out"), id="timeout-without-a-limit"),
        pytest.param([fault("oom", "a")], (8, "killed: out of memory"), id="out-of-memory"),
        pytest.param([fault("kill", "a")], (8, "killed by SIGKILL"), id="killed"),
        pytest.param([fault("delay", "a", wait_s=9.0)], None, id="a-delay-is-no-failure"),
        pytest.param([fault("fail", "a", attempt=2)], None, id="an-attempt-that-is-not-made"),
    ],
)
def test_what_goes_wrong_with_a_task(faults: list[Fault], said: tuple[int, str] | None) -> None:
    found = simulated(TWO, *faults)
    assert error(found, "a") == said
    assert states(found)["b"] == ("SUCCEEDED" if said is None else "UPSTREAM_FAILED")


def test_an_exit_task_is_told_what_a_real_one_would_be() -> None:
    found = simulated(HANDLER, Fault.fail("eh/train", message="no disk"))
    assert [one.path for one in found.exit_tasks] == ["bye"]
    assert found.exit_task("bye").payload == {
        "state": "FAILED",
        "pipelineTaskName": "eh",
        "pipeline_task_name": "eh",
        "pipelineJobResourceName": "demo/00000000-0000-0000-0000-000000000000",
        "pipeline_job_resource_name": "demo/00000000-0000-0000-0000-000000000000",
        "error": {"code": 2, "message": "eh/train: no disk"},
        "failures": [
            {
                "task": "eh/train",
                "displayName": "train",
                "state": "FAILED",
                "attempt": 1,
                "code": 2,
                "exitCode": 1,
                "message": "no disk",
                "startedAt": "2000-01-01T00:00:00.000000Z",
                "finishedAt": "2000-01-01T00:00:01.000000Z",
            }
        ],
        "failureCount": 1,
        "tasks": {"FAILED": 1, "UPSTREAM_FAILED": 1},
        "outputs": {},
        "outputsOmitted": 0,
        "startedAt": "2000-01-01T00:00:00.000000Z",
        "finishedAt": "2000-01-01T00:00:01.000000Z",
    }


def test_a_cancel_comes_as_soon_as_the_task_has_started() -> None:
    found = simulated(HANDLER, cancel_at="eh/train")
    expected = {"eh": "CANCELED", "eh/train": "CANCELED", "eh/test": "CANCELED", "bye": "SUCCEEDED"}
    assert (states(found), told(found, "bye"), found.state) == (expected, ("CANCELED", 1), "CANCELED")


def test_exit_tasks_do_not_run_on_a_cancel_where_they_are_switched_off() -> None:
    found = simulated(HANDLER, cancel_at="eh/train", exit_tasks_on_cancel=False)
    assert (states(found)["bye"], list(found.exit_tasks)) == ("CANCELED", [])


def test_retries_wait_in_virtual_time() -> None:
    policy = {"maxRetryCount": 2, "backoffDuration": "600s", "backoffFactor": 2.0, "backoffMaxDuration": "3600s"}
    found = simulated(pipeline({"a": task(retryPolicy=policy)}), Fault.fail("a", attempt=1), Fault.fail("a", attempt=2))
    assert (states(found), ends(found)) == ({"a": "SUCCEEDED"}, {"a": "30:03.000"})
    assert found.run.tasks["a"].attempts == 3


def test_a_timeout_takes_the_task_s_time_limit() -> None:
    limit = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec": {"activeDeadlineSeconds": 90}}}}}}
    found = simulated(load([document({"a": task()}), limit], name="demo"), fault("timeout", "a"))
    assert (error(found, "a"), ends(found)["a"]) == ((4, "timed out after 90 s"), "01:30.000")


def test_a_run_has_its_deadline_in_virtual_time() -> None:
    found = simulated(HANDLER, timeout_s=1.5)
    assert error(found, "eh/test") == (4, "timed out: the run's time limit of 1.5 s passed")
    assert (ends(found)["eh/test"], told(found, "bye")) == ("00:01.500", ("FAILED", 4))


def test_an_exit_task_has_the_limit_of_exit_tasks() -> None:
    found = simulated(HANDLER, exit_timeout_s=0.5)
    assert error(found, "bye") == (4, "timed out: the time limit of exit tasks of 0.5 s passed")


def test_under_fail_fast_nothing_new_starts() -> None:
    three = pipeline({"a": task(), "b": task(), "c": task("leaf", "b")})
    found = simulated(three, Fault.fail("a"), failure_policy=FailurePolicy.FAST)
    assert states(found) == {"a": "FAILED", "b": "SUCCEEDED", "c": "UPSTREAM_FAILED"}


@pytest.mark.parametrize(
    ("workers", "limit", "last"),
    [
        pytest.param(None, 0, "00:01.000", id="no-limit"),
        pytest.param(1, 0, "00:06.000", id="one-worker"),
        pytest.param(4, 0, "00:02.000", id="four-workers"),
        pytest.param(None, 3, "00:02.000", id="the-loop-s-own-limit"),
    ],
)
def test_how_many_run_at_a_time(workers: int | None, limit: int, last: str) -> None:
    six = pipeline({"l": loop("item", "[0, 1, 2, 3, 4, 5]", limit=limit)})
    assert ends(simulated(six, workers=workers))["l"] == last


def test_every_iteration_can_be_meant_or_one() -> None:
    two = pipeline({"l": loop("item", "[1, 2]")})
    assert states(simulated(two, Fault.fail("l[*]"))) == {"l": "FAILED", "l[0]": "FAILED", "l[1]": "FAILED"}
    assert states(simulated(two, Fault.fail("l[1]"))) == {"l": "FAILED", "l[0]": "SUCCEEDED", "l[1]": "FAILED"}


# --- outputs ----------------------------------------------------------------------------------------------------------

TAKES = {"takes": leaf(inputs={"parameters": {"n": integer()}})}
CHAIN = pipeline({"make": task("maker"), "take": task("takes", given={"n": output_of("make")})}, TAKES)


@pytest.mark.parametrize(
    ("value", "ended"),
    [
        pytest.param(Text(text="7"), None, id="text"),
        pytest.param(7, None, id="value"),
        pytest.param(Text(text="seven"), (3, "output 'out': expected NUMBER_INTEGER, got \"seven\""), id="text-misfit"),
        pytest.param("7", (3, "output 'out': expected NUMBER_INTEGER, got \"7\""), id="value-misfit"),
        pytest.param(None, (5, "output 'out' was not written"), id="not-written"),
    ],
)
def test_outputs_are_checked_as_in_a_real_run(value: Any, ended: tuple[int, str] | None) -> None:
    found = simulated(CHAIN, products=[Product(path="make", name="out", value=value)])
    assert error(found, "make") == ended
    assert found.run.tasks["take"].inputs == ({"n": 7} if ended is None else {})


def test_an_output_nobody_gave_is_made_up() -> None:
    assert simulated(CHAIN).run.tasks["take"].inputs == {"n": 0}


def wanting(kind: str, component: Any, **binding: Any) -> Pipeline:
    """A task that makes a value of a type, and one that consumes it."""
    makes = leaf(outputs={"parameters": {"out": {"parameterType": kind}}})
    return pipeline({"make": task("makes"), **binding}, {"makes": makes, "takes": component})


def parameter(kind: str, **more: Any) -> Any:
    return leaf(inputs={"parameters": {"n": {"parameterType": kind, **more}}})


KEYED = {
    "taskOutputParameter": {"producerTask": "make", "outputParameterKey": "out"},
    "parameterExpressionSelector": 'parseJson(string_value)["a"]["b"]',
}
OVER = {"parameterIterator": {"itemInput": "n", "items": {"inputParameter": "list"}}}
EACH = leaf(inputs={"parameters": {"list": {"parameterType": "LIST"}, "n": {"parameterType": "NUMBER_INTEGER"}}})


@pytest.mark.parametrize(
    ("given", "made_up"),
    [
        pytest.param(wanting("STRING", parameter("STRING"), take=task("takes", given={"n": output_of("make")})), "",
                     id="text"),
        pytest.param(wanting("BOOLEAN", parameter("BOOLEAN"), take=task("takes", given={"n": output_of("make")})),
                     False, id="boolean"),
        pytest.param(wanting("STRUCT", parameter("STRING"), take=task("takes", given={"n": KEYED})), {"a": {"b": ""}},
                     id="an-object-with-the-keys-that-are-followed"),
        pytest.param(wanting("LIST", EACH, take=task("takes", given={"list": output_of("make")}, **OVER)), [0],
                     id="a-list-of-one-item-for-a-loop"),
        pytest.param(wanting("STRING", parameter("STRING", literals=["red", "blue"]),
                             take=task("takes", given={"n": output_of("make")})), "red", id="the-first-literal"),
    ],
)  # fmt: skip
def test_what_is_made_up_lets_its_consumer_go_on(given: Pipeline, made_up: Any) -> None:
    found = simulated(given)
    assert (found.run.tasks["make"].outputs["out"], found.state) == (made_up, "SUCCEEDED")


def test_output_artifacts_have_a_place_of_their_own() -> None:
    model = leaf(outputs={"artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model"}}}})
    given = pipeline({"train": task("trains")}, {"trains": model})
    [made] = simulated(given).run.tasks["train"].outputs["model"]
    assert made["uri"] == "sim://00000000-0000-0000-0000-000000000000/train/1/model"
    [said] = (
        simulated(given, products=[Product(path="train", name="model", value="gs://b/m")])
        .run.tasks["train"]
        .outputs["model"]
    )
    assert said["uri"] == "gs://b/m"


BRANCH = pipeline(
    {
        "check": task("maker"),
        "branch": task(
            "body",
            given={"pipelinechannel--check-out": output_of("check")},
            triggerPolicy={"condition": "inputs.parameter_values['pipelinechannel--check-out'] == 1"},
        ),
    },
    {
        "body": dag(
            {"train": task("takes", given={"n": parent("pipelinechannel--check-out")})},
            inputs={"parameters": {"pipelinechannel--check-out": integer()}},
        ),
        **TAKES,
    },
)


def test_it_says_which_made_up_value_decided_a_condition() -> None:
    found = simulated(BRANCH)
    assert states(found)["branch/train"] == "SKIPPED"
    assert list(found.made_up) == [
        "branch was not taken: check.out is 0, made up; set it with --output check.out=VALUE"
    ]


def test_a_value_that_was_given_is_not_made_up() -> None:
    found = simulated(BRANCH, products=[Product(path="check", name="out", value=Text(text="1"))])
    assert (states(found)["branch/train"], list(found.made_up)) == ("SUCCEEDED", [])


def test_it_says_which_made_up_list_a_loop_had() -> None:
    given = wanting("LIST", EACH, take=task("takes", given={"list": output_of("make")}, **OVER))
    assert list(simulated(given).made_up) == [
        "take has 1 iteration: make.out is [0], made up; set it with --output make.out=VALUE"
    ]


def test_made_up_values_are_found_through_groups() -> None:
    inner = dag(
        {"check": task("maker")},
        outputs={"parameters": {"out": integer()}},
        selected={"parameters": {"out": selected("check")}},
    )
    given = pipeline(
        {
            "sub": task("inner"),
            "branch": task("body", given={"n": output_of("sub")},
                           triggerPolicy={"condition": "inputs.parameter_values['n'] == 1"}),
        },
        {"inner": inner, "body": dag({"a": task()}, inputs={"parameters": {"n": integer()}})},
    )  # fmt: skip
    assert list(simulated(given).made_up) == [
        "branch was not taken: sub/check.out is 0, made up; set it with --output sub/check.out=VALUE"
    ]


# --- importers, and what had no effect --------------------------------------------------------------------------------

IMPORTED = pipeline(
    {"get": task("gets")},
    {"gets": interface(outputs={"artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Dataset"}}}})
        | {"executorLabel": "imports"}},
    executors={"imports": {"importer": {"artifactUri": {"constant": "gs://b/x"},
                                        "typeSchema": {"schemaTitle": "system.Dataset"}}}},
)  # fmt: skip


def test_importers_find_everything_and_can_be_made_to_fail() -> None:
    assert simulated(IMPORTED).run.tasks["get"].outputs["artifact"][0]["uri"] == "gs://b/x"
    assert error(simulated(IMPORTED, Fault.fail("get", message="gone")), "get") == (5, "gone")


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([fault("fail", "a", attempt=3)], "--fail a@3 had no effect: there was no attempt 3, only 1"),
        ([fault("fail", "a"), fault("oom", "b")], "--oom b had no effect: it never ran: UPSTREAM_FAILED"),
    ],
)
def test_it_says_which_faults_had_no_effect(faults: list[Fault], said: str) -> None:
    assert list(simulated(TWO, *faults).without_effect) == [said]


def test_it_says_that_a_cancel_never_came() -> None:
    found = simulated(TWO, Fault.fail("a"), cancel_at="b")
    assert list(found.without_effect) == ["--cancel-at b had no effect: it never ran: UPSTREAM_FAILED"]


def test_the_document_is_json() -> None:
    document = simulated(HANDLER, Fault.fail("eh/train")).document
    assert json.loads(json.dumps(document)) == document
    assert (document["schema"], document["run"]["schema"]) == ("postlude.simulation/v1", "postlude.run/v1")
    fired = [(one["path"], one["about"], one["state"]) for one in document["exit_tasks"]]
    assert fired == [("bye", "eh", "SUCCEEDED")]


def test_a_constant_that_cannot_be_rendered_fails_the_task() -> None:
    given = pipeline({"take": task("takes", given={"n": constant("x")})}, TAKES)
    assert error(simulated(given), "take") == (3, "input 'n': expected NUMBER_INTEGER, got \"x\"")
