"""Runs that are resumed, canceled, stopped and retried, by real processes."""

import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from reliability_lab import FETCH, PUBLISH, TRAIN, Lab, Running, attempts, open_gate, states, task, told

from postlude.wiring.stores import open_stored

DONE = {"fetch": "SUCCEEDED", "train": "SUCCEEDED", "publish": "SUCCEEDED", "notify": "SUCCEEDED"}
ENDED = {"fetch": "SUCCEEDED", "train": "CANCELED", "publish": "CANCELED", "notify": "SUCCEEDED"}


# --- resume -----------------------------------------------------------------------------------------------------------


def test_a_killed_run_is_resumed_as_if_it_had_run_through(lab: Lab, tmp_path: Path) -> None:
    gate = lab.gate()
    run = lab.killed("-p", f"gate={gate}", "-p", f"data={tmp_path}")
    gate.unlink()
    gate.write_text("open")
    resumed = lab.do("resume", run[:8], "--json")
    assert (resumed.code, resumed.err, states(resumed.json), told(resumed.json)) == (0, "", DONE, "COMPLETE")
    assert attempts(resumed.json) == {"fetch": 1, "train": 2, "publish": 1, "notify": 1}
    assert task(resumed.json, TRAIN)["history"][0]["error"] == {
        "code": 14,
        "message": "the engine was lost while the attempt ran",
    }
    assert resumed.json == lab.show(run)


def test_a_final_run_is_shown_as_it_is(lab: Lab) -> None:
    document = lab.run("-p", "data=none")
    resumed = lab.do("resume", document["run_id"], "--json")
    assert (resumed.code, resumed.json) == (1, document)


def test_without_run_every_run_that_nobody_drives_is_resumed_oldest_first(lab: Lab, tmp_path: Path) -> None:
    dead, data, living = lab.gate("dead"), tmp_path / "data", lab.gate("living")
    runs = [lab.killed("-p", f"gate={dead}", "-p", f"data={data}"), lab.killed("-p", f"gate={dead}")]
    dead.unlink()
    dead.write_text("open")
    with lab.running("-p", f"gate={living}") as running:
        resumed = lab.do("resume", "--json")
        open_gate(living)
        assert running.ended().code == 0
    ended = {one["run_id"]: one["state"] for one in resumed.json}
    assert list(ended.items()) == [(runs[0], "FAILED"), (runs[1], "SUCCEEDED")]
    assert resumed.code == 1
    assert resumed.err.endswith(f"is left alone: process {running.process.pid} on {_host()} drives it.\n")


def _host() -> str:
    return Path("/proc/sys/kernel/hostname").read_text().strip()


def test_resuming_shows_events_and_the_verdict_of_each_run(lab: Lab) -> None:
    gate = lab.gate()
    run = lab.killed("-p", f"gate={gate}")
    gate.unlink()
    gate.write_text("open")
    lines = lab.do("resume").out.splitlines()
    assert lines[0] == f"Run {run[:8]}:"
    assert any(f"{TRAIN} RUNNING attempt 2" in line for line in lines)
    assert any(line.startswith("✓ SUCCEEDED  nightly in") for line in lines)
    again = lab.do("resume")
    assert (again.code, again.out) == (
        0,
        "Nothing to resume: no run of this home is unfinished and without an engine.\n",
    )
    assert lab.do("resume", "--json").json == []


def test_a_run_that_was_stored_and_no_more_is_found_and_resumed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killing:
        killing.setenv("POSTLUDE_KILL_AT", "begun")
        assert lab.do("run", lab.pipeline).code == -signal.SIGKILL
    (run,) = open_stored(lab.home).journal.unfinished()
    assert lab.do("show", run).code == 2
    assert lab.do("events", run[:8]).out == ""
    resumed = lab.do("resume", run[:8], "--json")
    assert (resumed.code, states(resumed.json), attempts(resumed.json)["train"]) == (0, DONE, 1)


def test_a_run_that_is_driven_is_not_resumed(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}") as running:
        run = lab.show()["run_id"]
        refused = lab.do("resume", run)
    assert (refused.code, refused.out) == (2, "")
    assert f"run {run} is driven by process {running.process.pid} on" in refused.err


def test_a_run_that_does_not_exist_is_not_resumed(lab: Lab) -> None:
    refused = lab.do("resume", "zz")
    assert (refused.code, refused.err) == (2, "no run starts with 'zz'; `postlude runs` lists them\n")


# --- cancel and stop --------------------------------------------------------------------------------------------------


def test_cancel_ends_a_run_of_another_process_and_waits_for_it(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}") as running:
        run = lab.show()["run_id"]
        canceled = lab.do("cancel", run[:8], "--wait")
        assert running.ended().code == 130
    assert (canceled.code, states(lab.show(run)), told(lab.show(run))) == (0, ENDED, "CANCELED")
    assert canceled.err == (
        f"Run {run[:8]} is asked to cancel; exit tasks still run. "
        f"It is driven by process {running.process.pid} on {_host()}.\n"
    )
    lines = canceled.out.splitlines()
    assert lines[0].endswith("(run) cancel requested")
    assert any(line.startswith("■ CANCELED  nightly in") for line in lines)


def test_cancel_without_exit_tasks(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}") as running:
        lab.do("cancel", lab.show()["run_id"], "--no-exit-tasks")
        assert running.ended().code == 130
    assert states(lab.show()) == {**ENDED, "notify": "CANCELED"}


def test_a_run_may_be_begun_so_that_its_exit_tasks_do_not_run_on_cancel(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}", "--no-exit-tasks-on-cancel") as running:
        lab.do("cancel", lab.show()["run_id"])
        assert running.ended().code == 130
    assert states(lab.show()) == {**ENDED, "notify": "CANCELED"}


def test_force_stops_exit_tasks_that_run(lab: Lab) -> None:
    with lab.running("-p", f"exit_gate={lab.gate()}", until="notify RUNNING") as running:
        forced = lab.do("cancel", lab.show()["run_id"], "--force")
        assert running.ended().code == 130
    assert (states(lab.show()), "exit tasks included" in forced.err) == ({**DONE, "notify": "CANCELED"}, True)


def test_stop_lets_running_tasks_finish_and_starts_nothing_new(lab: Lab) -> None:
    gate = lab.gate()
    with lab.running("-p", f"gate={gate}") as running:
        run = lab.show()["run_id"]
        stopped = lab.do("stop", run)
        with lab.following(run, until="stop requested"):
            open_gate(gate)
        assert running.ended().code == 130
    assert "is asked to stop; running tasks may finish, exit tasks still run." in stopped.err
    assert (states(lab.show()), told(lab.show())) == ({**DONE, "publish": "CANCELED"}, "CANCELED")


@pytest.mark.parametrize("command", ["cancel", "stop"])
def test_a_request_to_a_run_without_engine_waits_for_resume(lab: Lab, command: str) -> None:
    run = lab.killed("-p", f"gate={lab.gate()}")
    asked = lab.do(command, run)
    assert asked.code == 0
    assert asked.err.endswith(f"No engine drives it now: `postlude resume {run[:8]}` will carry the request out.\n")
    resumed = lab.do("resume", run, "--json")
    assert (resumed.code, states(resumed.json), attempts(resumed.json)["train"]) == (130, ENDED, 1)


def test_there_is_nothing_to_wait_for_without_an_engine(lab: Lab) -> None:
    run = lab.killed("-p", f"gate={lab.gate()}")
    asked = lab.do("cancel", run, "--wait")
    assert (asked.code, asked.err.count(f"`postlude resume {run[:8]}`")) == (2, 1)


@pytest.mark.parametrize("command", ["cancel", "stop"])
def test_a_final_run_is_not_ended_again(lab: Lab, command: str) -> None:
    run = lab.run()["run_id"]
    refused = lab.do(command, run)
    assert (refused.code, refused.err) == (
        2,
        f"run {run[:8]} is SUCCEEDED, which is final: there is nothing left to end.\n",
    )


# --- limits -----------------------------------------------------------------------------------------------------------


def test_timeout_fails_what_runs_and_exit_tasks_are_outside_it(lab: Lab) -> None:
    document = lab.run("-p", f"gate={lab.gate()}", "--timeout", "2", "--grace", "0")
    assert (document["state"], task(document, TRAIN)["error"]["code"], told(document)) == ("FAILED", 4, "FAILED")


def test_exit_timeout_ends_exit_tasks(lab: Lab) -> None:
    document = lab.run("-p", f"exit_gate={lab.gate()}", "--exit-timeout", "2", "--grace", "0")
    assert (document["state"], task(document, "notify")["error"]["code"]) == ("FAILED", 4)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--timeout", "0", "0"), ("--timeout", "inf", "inf"), ("--grace", "-1", "-1"), ("--exit-timeout", "nan", "nan")],
)
def test_lengths_of_time_are_finite_numbers(lab: Lab, option: str, value: str, said: str) -> None:
    refused = lab.do("run", lab.pipeline, option, value)
    assert (refused.code, f"Invalid value for '{option}': {said}" in refused.err) == (2, True)


# --- retry ------------------------------------------------------------------------------------------------------------


def test_retry_runs_what_failed_again_and_keeps_the_rest(lab: Lab, tmp_path: Path) -> None:
    failed = lab.run("-p", f"data={tmp_path / 'data'}")
    assert (failed["state"], told(failed), attempts(failed)["publish"]) == ("FAILED", "FAILED", 0)
    (tmp_path / "data").touch()
    retried = lab.do("retry", failed["run_id"], lab.pipeline, "--json")
    assert (retried.code, states(retried.json), told(retried.json)) == (0, DONE, "COMPLETE")
    assert attempts(retried.json) == {"fetch": 1, "train": 2, "publish": 1, "notify": 2}
    assert lab.do("verify", failed["run_id"]).code == 0


def test_retry_shows_events_and_the_verdict(lab: Lab) -> None:
    run = lab.run("-p", "data=none")["run_id"]
    retried = lab.do("retry", run)
    assert (retried.code, f"{TRAIN} FAILED" in retried.out, FETCH in retried.out) == (1, True, False)
    assert "✗ FAILED  nightly in" in retried.out


def test_from_runs_a_task_again_with_what_follows_it(lab: Lab) -> None:
    run = lab.run()["run_id"]
    retried = lab.do("retry", run, "--from", "train", "--no-cache", "--json")
    assert (retried.code, attempts(retried.json)) == (0, {"fetch": 1, "train": 2, "publish": 2, "notify": 2})


def test_what_cannot_be_retried(lab: Lab) -> None:
    run = lab.run()["run_id"]
    nothing = lab.do("retry", run)
    assert (nothing.code, "nothing to retry: it SUCCEEDED. Use --from TASK" in nothing.err) == (2, True)
    unknown = lab.do("retry", run, "--from", "exit-handler-1/trian")
    assert (unknown.code, f"has no task 'exit-handler-1/trian'. There are: {TRAIN}" in unknown.err) == (2, True)


def test_a_run_that_is_not_final_is_not_retried(lab: Lab) -> None:
    with lab.running("-p", f"gate={lab.gate()}") as running:
        run = lab.show()["run_id"]
        refused = lab.do("retry", run)
        assert f"is RUNNING, driven by process {running.process.pid}: only a final run can be retried." in refused.err
    refused = lab.do("retry", run)
    assert (refused.code, f"go on with `postlude resume {run[:8]}`" in refused.err) == (2, True)


def changed(lab: Lab, *, name: str = "nightly", image: str = "python:3.12") -> Path:
    """The pipeline with another image for `publish`, and perhaps another name."""
    documents = list(yaml.safe_load_all(lab.pipeline.read_text()))
    documents[0]["deploymentSpec"]["executors"]["exec-publish"]["container"]["image"] = image
    documents[0]["pipelineInfo"]["name"] = name
    target = lab.home.parent / "changed.yaml"
    target.write_text(yaml.safe_dump_all(documents))
    return target


def test_a_changed_source_is_refused_with_a_diff(lab: Lab) -> None:
    run, source = lab.run("-p", "data=none")["run_id"], changed(lab)
    refused = lab.do("retry", run, source)
    assert refused.code == 2
    assert refused.err.startswith(f"{source}: is not the pipeline that run {run[:8]} ran:\n  --- the run's pipeline\n")
    changes = [line.split() for line in refused.err.splitlines()]
    assert ["-", "image:", "python:3.11"] in changes
    assert ["+", "image:", "python:3.12"] in changes
    assert refused.err.endswith(f"or say `--with {source}` to go on with this one in its place.\n")


def test_with_goes_on_with_a_changed_pipeline(lab: Lab) -> None:
    run, source = lab.run()["run_id"], changed(lab)
    retried = lab.do("retry", run, "--with", source, "--json")
    assert (retried.code, states(retried.json)) == (0, DONE)
    assert attempts(retried.json) == {"fetch": 1, "train": 1, "publish": 2, "notify": 2}
    assert lab.do("verify", run).code == 0
    again = lab.do("retry", run, source)
    assert "nothing to retry" in again.err
    assert task(lab.show(run), PUBLISH)["state"] == "SUCCEEDED"


def test_another_pipeline_does_not_take_its_place(lab: Lab) -> None:
    run, source = lab.run("-p", "data=none")["run_id"], changed(lab, name="weekly")
    refused = lab.do("retry", run, "--with", source)
    said = f"{source}: holds the pipeline 'weekly', and run {run[:8]} is one of 'nightly'."
    advice = "Give a version of 'nightly', or start a new run with `postlude run`."
    assert (refused.code, refused.err) == (2, f"{said} {advice}\n")


def test_a_signal_ends_the_run_at_hand_and_leaves_the_others(lab: Lab) -> None:
    gate = lab.gate()
    runs = [lab.killed("-p", f"gate={gate}") for _ in range(2)]
    argv = [*lab.argv("resume"), "--grace", "0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        resuming = Running(process)
        resuming.wait_for(f"{TRAIN} RUNNING attempt 2")
        process.send_signal(signal.SIGINT)
        ended = resuming.ended()
    assert (ended.code, ended.err.splitlines()[-1]) == (130, f"Left for another `postlude resume`: {runs[1][:8]}.")
    assert [lab.show(run)["state"] for run in runs] == ["CANCELED", "RUNNING"]
