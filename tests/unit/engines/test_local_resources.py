"""The embedded engine over a fake executor: who runs beside whom, and who is refused."""

from pathlib import Path
from typing import Any

import pytest
from engine_lab import attempts, engine_lab, states

from postlude.core.explain import explain
from postlude.core.task import TaskPath
from postlude.engines.local.admission import Offer
from postlude.executors.fake import Fail, Hold, Succeed
from postlude.spec.types import Pipeline
from run_lab import dag, exit_task, pipeline, task

GI = 2**30
SMALL = Offer(millicpus=4000, memory_bytes=8 * GI, devices=("0", "1"))
NEEDS: dict[str, Any] = {
    "one": {"resourceCpuRequest": "1"},
    "two": {"resourceCpuLimit": "2"},
    "four": {"resourceCpuRequest": "4"},
    "huge": {"resourceMemoryRequest": "64Gi"},
    "wrong": {"resourceMemoryRequest": "1GB"},
    "gpu": {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "1"}},
}


def needing(tasks: dict[str, Any], components: dict[str, Any] | None = None) -> Pipeline:
    """A pipeline that knows a component for each need."""
    known = {name: {"executorLabel": name} for name in NEEDS}
    executors = {
        name: {"container": {"image": "i", "command": ["c"], "resources": each}} for name, each in NEEDS.items()
    }
    return pipeline(tasks, known | (components or {}), executors=executors)


def test_a_task_starts_when_what_it_asks_for_is_free(tmp_path: Path) -> None:
    three = needing({"a": task("two"), "b": task("two"), "c": task("two")})
    with engine_lab(tmp_path, otherwise=Hold(), workers=3, offer=SMALL) as lab:
        running = lab.begin(three)
        lab.executor.wait_for("a")
        lab.executor.wait_for("b")
        lab.executor.release("a")
        lab.executor.wait_for("c")
        lab.executor.release("b", "c")
        document = running.result(30)
    assert (document["state"], lab.executor.most_at_once) == ("SUCCEEDED", 2)


def test_a_big_task_is_not_overtaken_for_ever_and_who_asks_for_nothing_goes_on(tmp_path: Path) -> None:
    tasks = {"first": task("one"), "big": task("four"), "small": task("one"), "free": task()}
    with engine_lab(tmp_path, {"first": Hold(), "big": Hold()}, workers=4, offer=SMALL) as lab:
        running = lab.begin(needing(tasks))
        lab.executor.wait_for("free")
        lab.executor.wait_for("first")
        lab.executor.release("first")
        lab.executor.wait_for("big")
        lab.executor.release("big")
        document = running.result(30)
    assert document["state"] == "SUCCEEDED"
    begun = [attempt.path for attempt in lab.executor.attempts]
    assert begun.index("big") < begun.index("small")


@pytest.mark.parametrize(
    ("component", "error"),
    [
        pytest.param(
            "huge",
            {
                "code": 8,
                "message": "bad: asks for 64 GiB of memory, this machine offers 8 GiB: lower it, or pass --memory",
            },
            id="more-than-there-is",
        ),
        pytest.param(
            "wrong",
            {
                "code": 3,
                "message": "bad: memory request: '1GB' is not a quantity. Write a number, with a suffix where "
                "needed: '500m', '2', '1Gi', '2G'",
            },
            id="no-amount",
        ),
    ],
)
def test_what_can_never_run_fails_at_once_and_is_not_retried(
    tmp_path: Path, component: str, error: dict[str, Any]
) -> None:
    bad = task(component, retryPolicy={"maxRetryCount": 3, "backoffDuration": "3600s"})
    with engine_lab(tmp_path, {"long": Hold()}, workers=1, offer=SMALL) as lab:
        running = lab.begin(needing({"long": task(), "bad": bad}))
        lab.executor.wait_for("long")
        with lab.stepped:
            assert lab.stepped.wait_for(lambda: lab.watched[-1].tasks[TaskPath("bad")].state.is_final, 10)
        lab.executor.release("long")
        document = running.result(30)
    assert (states(document), document["error"]) == ({"long": "SUCCEEDED", "bad": "FAILED"}, error)
    assert (attempts(document)["bad"], [one.path for one in lab.executor.attempts]) == (1, ["long"])


def test_an_exit_task_is_told_of_what_could_not_run(tmp_path: Path) -> None:
    guarded = needing({"body": task("group"), "tell": exit_task("body")}, {"group": dag({"work": task("huge")})})
    with engine_lab(tmp_path, offer=SMALL) as lab:
        document = lab.run(guarded)
    (told,) = [one["inputs"]["parameters"]["status"] for one in document["tasks"] if one["path"] == "tell"]
    assert states(document) == {"body": "FAILED", "body/work": "FAILED", "tell": "SUCCEEDED"}
    assert (told["state"], told["error"]["code"]) == ("FAILED", 8)


def test_tasks_that_run_at_once_have_accelerators_of_their_own(tmp_path: Path) -> None:
    tasks = {"a": task("gpu"), "b": task("gpu"), "c": task("gpu"), "none": task()}
    with engine_lab(tmp_path, otherwise=Hold(), workers=4, offer=SMALL) as lab:
        running = lab.begin(needing(tasks))
        for path in ("a", "b", "none"):
            lab.executor.wait_for(path)
        lab.executor.release("b")
        lab.executor.wait_for("c")
        lab.executor.release(*tasks)
        running.result(30)
    assert {one.path: one.devices for one in lab.executor.attempts} == {
        "a": ("0",), "b": ("1",), "c": ("1",), "none": (),
    }  # fmt: skip


def test_what_a_failed_attempt_held_is_free_for_the_next(tmp_path: Path) -> None:
    again = task("four", retryPolicy={"maxRetryCount": 2, "backoffDuration": "0s"})
    with engine_lab(tmp_path, {"a": [Fail(), Fail(), Succeed()]}, offer=SMALL) as lab:
        document = lab.run(needing({"a": again, "b": task("four")}))
    assert (document["state"], attempts(document), lab.executor.most_at_once) == ("SUCCEEDED", {"a": 3, "b": 1}, 1)


def test_cancel_drops_what_waits_for_resources(tmp_path: Path) -> None:
    with engine_lab(tmp_path, otherwise=Hold(), workers=4, offer=SMALL) as lab:
        running = lab.begin(needing({"a": task("four"), "b": task("four")}))
        lab.executor.wait_for("a")
        lab.engine.cancel()
        document = running.result(30)
    assert (states(document), attempts(document)) == ({"a": "CANCELED", "b": "CANCELED"}, {"a": 1, "b": 0})


def test_explain_says_what_a_task_waits_for(tmp_path: Path) -> None:
    with engine_lab(tmp_path, otherwise=Hold(), workers=4, offer=SMALL) as lab:
        running = lab.begin(needing({"a": task("four"), "b": task("four")}))
        lab.executor.wait_for("a")
        run = lab.watched[-1]
        said = [reason.text for reason in explain(run, run.tasks[TaskPath("b")]) if reason.topic == "Why"]
        lab.executor.release("a", "b")
        running.result(30)
    assert said == ["ready: it waits for a free worker and for 4 CPUs to be free"]
