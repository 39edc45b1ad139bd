"""Runs that Python resumes, retries and reads, by real processes; and its words, which are the command line's."""

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from reliability_lab import Lab, attempts, nightly, open_gate, states, task, told

import postlude
from postlude import ConfigError, RunFailedError, SpecError, StoreError
from postlude.spec.types import Json

DONE = {"fetch": "SUCCEEDED", "train": "SUCCEEDED", "publish": "SUCCEEDED", "notify": "SUCCEEDED"}
ENDED = {"fetch": "SUCCEEDED", "train": "CANCELED", "publish": "CANCELED", "notify": "SUCCEEDED"}

RESUME = "import sys, postlude; postlude.resume(sys.argv[1], home=sys.argv[2])"
RETRY = "import sys, postlude; postlude.retry(sys.argv[1], home=sys.argv[2])"


def killed(lab: Lab) -> str:
    """A run whose engine was killed while `train` ran; its next attempt will not wait."""
    gate = lab.gate()
    run = lab.killed("-p", f"gate={gate}")
    gate.unlink()
    gate.write_text("open")
    return run


def refusal(kind: type[Exception], call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    with pytest.raises(kind) as refused:
        call(*arguments, **options)
    return str(refused.value)


def ir(lab: Lab) -> Json:
    return yaml.safe_load(lab.pipeline.read_text())


def other_image(lab: Lab) -> Json:
    """The pipeline with another image for `publish`."""
    document = ir(lab)
    document["deploymentSpec"]["executors"]["exec-publish"]["container"]["image"] = "python:3.12"
    return document


# --- resume -----------------------------------------------------------------------------------------------------------


def test_a_killed_run_is_resumed(lab: Lab) -> None:
    run = postlude.resume(killed(lab)[:8], home=lab.home)
    assert (run.state, states(run.document), told(run.document)) == ("SUCCEEDED", DONE, "COMPLETE")
    assert attempts(run.document) == {"fetch": 1, "train": 2, "publish": 1, "notify": 1}
    assert run.document == lab.show(run.run_id)


def test_a_final_run_is_given_as_it_is(lab: Lab) -> None:
    document = lab.run("-p", "data=none")
    assert postlude.resume(document["run_id"], home=str(lab.home)).document == document


def test_what_is_driven_or_unknown_is_not_resumed(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}") as running:
        run = lab.show()["run_id"]
        said = refusal(StoreError, postlude.resume, run, home=lab.home)
    assert said.startswith(f"run {run} is driven by process {running.process.pid} on ")
    unknown = refusal(ConfigError, postlude.resume, "zz", home=lab.home)
    assert unknown == "no run starts with 'zz'; `postlude runs` lists them"


def test_a_request_that_came_meanwhile_is_carried_out(lab: Lab) -> None:
    run = killed(lab)
    lab.do("cancel", run)
    canceled = postlude.resume(run, home=lab.home)
    assert (canceled.state, states(canceled.document), told(canceled.document)) == ("CANCELED", ENDED, "CANCELED")


def test_exit_tasks_of_a_resumed_run_may_be_left_out_on_cancel(lab: Lab) -> None:
    run = killed(lab)
    lab.do("cancel", run)
    canceled = postlude.resume(run, home=lab.home, exit_tasks_on_cancel=False)
    assert states(canceled.document) == {**ENDED, "notify": "CANCELED"}


def interrupted(lab: Lab, program: str, run: str, gate: Path) -> str:
    """What the program writes to stderr that is interrupted once a task waits at the gate."""
    argv = [sys.executable, "-c", program, run, str(lab.home)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process, gate.open("w"):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    return said.splitlines()[-1]


def test_an_interrupt_cancels_a_resumed_run(lab: Lab) -> None:
    gate = lab.gate()
    run = lab.killed("-p", f"gate={gate}")
    assert interrupted(lab, RESUME, run, gate) == "KeyboardInterrupt"
    canceled = postlude.get_run(run, home=lab.home)
    assert (canceled.state, states(canceled.document), told(canceled.document)) == ("CANCELED", ENDED, "CANCELED")


# --- retry ------------------------------------------------------------------------------------------------------------


def test_what_failed_runs_again_and_the_rest_is_kept(lab: Lab, tmp_path: Path) -> None:
    failed = postlude.run(nightly, {"data": str(tmp_path / "data")}, home=lab.home)
    assert (failed.state, told(failed.document)) == ("FAILED", "FAILED")
    (tmp_path / "data").touch()
    run = postlude.retry(failed.run_id, home=lab.home).raise_for_state()
    assert (states(run.document), told(run.document)) == (DONE, "COMPLETE")
    assert attempts(run.document) == {"fetch": 1, "train": 2, "publish": 1, "notify": 2}
    assert lab.do("verify", run.run_id).code == 0


@pytest.mark.parametrize("tasks", ["train", ["exit-handler-1/train"]], ids=["one-by-its-end", "a-list-of-paths"])
def test_a_task_is_run_again_with_what_follows_it(lab: Lab, tasks: Any) -> None:
    done = lab.run()["run_id"]
    run = postlude.retry(done, tasks=tasks, cache=False, home=lab.home)
    assert attempts(run.document) == {"fetch": 1, "train": 2, "publish": 2, "notify": 2}


def test_a_retry_goes_on_with_another_version_of_the_pipeline(lab: Lab) -> None:
    done = lab.run()["run_id"]
    run = postlude.retry(done, source=other_image(lab), home=lab.home)
    assert (states(run.document), attempts(run.document)) == (DONE, {"fetch": 1, "train": 1, "publish": 2, "notify": 2})
    assert lab.do("verify", done).code == 0


def test_a_pipeline_that_cannot_take_the_runs_place_is_refused(lab: Lab) -> None:
    done = lab.run()["run_id"]
    other, narrow = ir(lab), ir(lab)
    other["pipelineInfo"]["name"] = "weekly"
    narrow["root"]["inputDefinitions"]["parameters"]["rows"] = {"parameterType": "STRING"}
    said = refusal(ConfigError, postlude.retry, done, source=other, home=lab.home)
    assert said.startswith(f"the pipeline spec: holds the pipeline 'weekly', and run {done[:8]} is one of 'nightly'. ")
    unfit = refusal(SpecError, postlude.retry, done, source=narrow, home=lab.home)
    assert unfit.startswith(f"the pipeline spec, with the parameters of run {done[:8]}, has 1 problem:")
    lone = refusal(ConfigError, postlude.retry, done, pipeline="nightly", home=lab.home)
    assert lone == "pipeline 'nightly' is chosen from a source, and none is given. Give one too."


def test_a_limit_of_a_retry_counts_from_now(lab: Lab) -> None:
    gate = lab.gate()
    with lab.running("-p", f"gate={gate}") as running, gate.open("w"):
        run = lab.show()["run_id"]
        lab.do("cancel", run)
        assert running.ended().code == 130
    late = postlude.retry(run, timeout_s=2, grace_s=0, home=lab.home)
    assert (late.state, late.tasks["exit-handler-1/train"].error.code) == ("FAILED", 4)  # type: ignore[union-attr]  # it failed


def test_an_interrupt_cancels_a_retried_run(lab: Lab) -> None:
    gate = lab.gate()
    with lab.running("-p", f"gate={gate}") as running, gate.open("w"):
        run = lab.show()["run_id"]
        lab.do("cancel", run)
        assert running.ended().code == 130
    assert interrupted(lab, RETRY, run, gate) == "KeyboardInterrupt"
    canceled = postlude.get_run(run, home=lab.home)
    assert (canceled.state, attempts(canceled.document)["notify"]) == ("CANCELED", 2)


def test_both_surfaces_refuse_in_the_same_words(lab: Lab) -> None:
    done = lab.run()["run_id"]
    refused = [
        (refusal(ConfigError, postlude.retry, done, home=lab.home), ()),
        (refusal(ConfigError, postlude.retry, done, tasks="trian", home=lab.home), ("--from", "trian")),
        (refusal(ConfigError, postlude.retry, done, tasks=[""], home=lab.home), ("--from", "")),
    ]
    for said, arguments in refused:
        assert lab.do("retry", done, *arguments).err == f"{said}\n"
    nothing, unknown, empty = (said.removeprefix(f"run {done[:8]}") for said, _ in refused)
    assert nothing.startswith(": nothing to retry: it SUCCEEDED. Use --from TASK (in Python tasks=[...]) to run a task")
    assert unknown.startswith(" has no task 'trian'. There are: exit-handler-1, exit-handler-1/fetch,")
    assert empty == f" has no task ''. Name one of its tasks; `postlude show {done[:8]}` lists them."


def test_a_run_that_has_not_ended_is_not_retried(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}") as running:
        run = lab.show()["run_id"]
        said = refusal(ConfigError, postlude.retry, run, home=lab.home)
        assert f"is RUNNING, driven by process {running.process.pid}: only a final run can be retried." in said
    said = refusal(ConfigError, postlude.retry, run, home=lab.home)
    assert said == (f"run {run[:8]} is unfinished and no engine drives it: go on with `postlude resume {run[:8]}`.")


# --- get_run ----------------------------------------------------------------------------------------------------------


def test_a_run_is_read_by_its_id_by_its_beginning_or_as_the_newest(lab: Lab) -> None:
    first, second = (postlude.run(nightly, {"rows": rows}, home=lab.home) for rows in (1, 2))
    found = [postlude.get_run(run, home=lab.home) for run in (first.run_id, first.run_id[:8], "")]
    assert [run.document for run in found] == [first.document, first.document, second.document]
    assert found[0].tasks["exit-handler-1/train"].outputs["Output"] == 2


def test_a_run_that_goes_on_is_read_as_it_stands(lab: Lab) -> None:
    gate = lab.gate()
    with lab.running("-p", f"gate={gate}") as running:
        run = postlude.get_run(home=lab.home)
        open_gate(gate)
        assert running.ended().code == 0
    assert (run.state, run.tasks["exit-handler-1/train"].state, run.failures) == ("RUNNING", "RUNNING", [])
    said = refusal(RunFailedError, run.raise_for_state)
    assert said == f"run {run.run_id} of nightly has not ended, it is RUNNING"
    assert postlude.get_run(run.run_id, home=lab.home).raise_for_state().state == "SUCCEEDED"


def test_a_run_that_is_not_there_is_not_read(lab: Lab) -> None:
    assert refusal(ConfigError, postlude.get_run, home=lab.home) == "there are no runs yet; `postlude run` starts one"
    said = refusal(ConfigError, postlude.get_run, "zz", home=lab.home)
    assert said == "no run starts with 'zz'; `postlude runs` lists them"


# --- what else a run may be told --------------------------------------------------------------------------------------


def test_a_run_has_limits(lab: Lab) -> None:
    late = postlude.run(nightly, {"gate": str(lab.gate())}, timeout_s=3, grace_s=0, home=lab.home)
    assert (task(late.document, "exit-handler-1/train")["error"]["code"], told(late.document)) == (4, "FAILED")
    slow = postlude.run(nightly, {"exit_gate": str(lab.gate("exit"))}, exit_timeout_s=2, grace_s=0, home=lab.home)
    assert (slow.state, task(slow.document, "notify")["error"]["code"]) == ("FAILED", 4)


def test_exit_tasks_may_be_left_out_on_cancel(lab: Lab) -> None:
    gate = lab.gate()
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(
            postlude.run, nightly, {"gate": str(gate)}, exit_tasks_on_cancel=False, grace_s=0, home=lab.home
        )
        with gate.open("w"):
            lab.do("cancel", postlude.get_run(home=lab.home).run_id)
            canceled = running.result(timeout=60)
    assert (canceled.state, states(canceled.document)) == ("CANCELED", {**ENDED, "notify": "CANCELED"})
