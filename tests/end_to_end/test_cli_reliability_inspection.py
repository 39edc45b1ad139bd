"""What is told of stored runs, and what is cleaned up, by real processes."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from reliability_lab import FETCH, PUBLISH, TRAIN, Lab, open_gate, task


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, nightly_yaml: Path) -> Lab:
    """A home with one failed run, to look at."""
    lab = Lab(home=tmp_path_factory.mktemp("home"), pipeline=nightly_yaml)
    lab.run("-p", "data=none")
    return lab


def change(lab: Lab, statement: str, *values: object) -> None:
    """Damage what is stored."""
    with sqlite3.connect(lab.home / "postlude.db") as database:
        assert database.execute(statement, values).rowcount == 1


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_the_journal_one_line_each(failed: Lab) -> None:
    lines = failed.do("events", failed.show()["run_id"][:6]).out.splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines] == [
        f"{FETCH} attempt 1 started",
        f"{FETCH} attempt 1 succeeded",
        f"{TRAIN} attempt 1 started",
        f"{TRAIN} attempt 1 failed: 2 UNKNOWN: FileNotFoundError: no data",
        "notify attempt 1 started",
        "notify attempt 1 succeeded",
    ]


def test_events_as_json_are_one_document_a_line(failed: Lab) -> None:
    entries = [json.loads(line) for line in failed.do("events", failed.show()["run_id"], "--json").out.splitlines()]
    assert [(each["seq"], each["type"]) for each in entries][:3] == [(0, "started"), (1, "succeeded"), (2, "started")]


def test_following_a_run_ends_with_it(lab: Lab) -> None:
    gate = lab.gate()
    with lab.running("-p", f"gate={gate}") as running:
        run = lab.show()["run_id"]
        with lab.following(run, until=f"{TRAIN} attempt 1 started") as follower:
            open_gate(gate)
            out, err = follower.communicate(timeout=60)
        assert running.ended().code == 0
    assert (follower.returncode, out.splitlines()[-1][9:], err) == (0, "notify attempt 1 succeeded", "")


# --- verify -----------------------------------------------------------------------------------------------------------


def test_verify_agrees_with_what_a_run_left(failed: Lab) -> None:
    run = failed.show()["run_id"]
    verified = failed.do("verify", run)
    assert (verified.code, verified.out) == (
        0,
        f"✓ run {run[:8]} (FAILED) is what its journal says: 6 events, 5 tasks, 1 final statuses\n",
    )


def test_verify_lists_what_was_changed(lab: Lab) -> None:
    run = lab.run("-p", "data=none")["run_id"]
    lie = {**task(lab.show(), TRAIN), "state": "SUCCEEDED"}
    change(lab, "UPDATE tasks SET document = ? WHERE path = ?", json.dumps(lie), TRAIN)
    notified = task(lab.show(), "notify")
    notified["inputs"]["parameters"]["status"]["state"] = "COMPLETE"
    change(lab, "UPDATE tasks SET document = ? WHERE path = ?", json.dumps(notified), "notify")
    change(lab, "DELETE FROM tasks WHERE path = ?", PUBLISH)
    change(lab, 'UPDATE runs SET document = replace(document, \'"state":"FAILED"\', \'"state":"SUCCEEDED"\')')
    verified = lab.do("verify", run)
    assert verified.code == 1
    lines = verified.out.splitlines()
    assert lines[0].startswith(f"✗ run {run[:8]} (FAILED) differs from its journal in 5 places: ")
    assert lines[1] == '  (run): state: stored "SUCCEEDED", the journal gives "FAILED"'
    assert lines[2].startswith(f'  {PUBLISH}: stored nothing, the journal gives {{"path": "{PUBLISH}", ')
    assert lines[3:] == [
        '  exit-handler-1/train: state: stored "SUCCEEDED", the journal gives "FAILED"',
        '  notify: inputs.parameters.status.state: stored "COMPLETE", the journal gives "FAILED"',
        '  notify: payload status.state: stored "COMPLETE", the journal gives "FAILED"',
    ]
    document = lab.do("verify", run, "--json").json
    assert (document["ok"], document["differences"][0]) == (
        False,
        {"where": "(run): state", "stored": '"SUCCEEDED"', "journal": '"FAILED"'},
    )


def test_a_damaged_journal_is_named(lab: Lab) -> None:
    run = lab.run()["run_id"]
    change(lab, "UPDATE journal SET event = ? WHERE seq = 2", '{"type": "moved", "at": 0}')
    refused = lab.do("verify", run)
    assert refused.code == 2
    assert refused.err.startswith(f"run {run}: journal entry 2 cannot be read: journal entry of type 'moved'")


# --- explain ----------------------------------------------------------------------------------------------------------


def test_explain_tells_the_root_cause(failed: Lab) -> None:
    explained = failed.do("explain", failed.show()["run_id"], "publish")
    assert explained.out.splitlines() == [
        f"⊘ {PUBLISH}  task, UPSTREAM_FAILED",
        f"  Why       depends on {TRAIN} (FAILED)",
        f"            root cause: {TRAIN}: 2 UNKNOWN: FileNotFoundError: no data",
    ]


def test_explain_compares_the_cache_key_with_the_earlier_run(lab: Lab) -> None:
    first = lab.run()["run_id"]
    lab.run("-p", "rows=2")
    document = lab.do("explain", lab.show()["run_id"], FETCH, "--json").json
    cache = [each["text"] for each in document["reasons"] if each["topic"] == "Cache"]
    assert (document["path"], document["state"]) == (FETCH, "SUCCEEDED")
    assert cache[1:] == [f"differs from run {first} in parameters.rows: 1 was, 2 is"]
    lab.run("-p", "rows=2")
    again = lab.do("explain", lab.show()["run_id"], "fetch").out
    assert "its outputs come from an earlier task with this key" in again


def test_explain_of_a_task_that_is_not_there(failed: Lab) -> None:
    refused = failed.do("explain", failed.show()["run_id"], "exit-handler-1/trian")
    assert (refused.code, f"has no task 'exit-handler-1/trian'. There are: {TRAIN}" in refused.err) == (2, True)


# --- gc ---------------------------------------------------------------------------------------------------------------


def artifact(lab: Lab, run: str) -> Path:
    return Path(task(lab.show(run), PUBLISH)["outputs"]["artifacts"]["report"][0]["uri"])


def test_gc_removes_old_runs_and_keeps_the_artifacts_that_others_use(lab: Lab) -> None:
    first, second = lab.run()["run_id"], lab.run("-p", "rows=2")["run_id"]
    third = lab.run()["run_id"]  # served from the first one's cache
    shared, lonely = artifact(lab, first), artifact(lab, second)
    assert (artifact(lab, third), lonely == shared) == (shared, False)
    shown = lab.do("gc", "--keep", "1", "--json").json
    assert ([one["run_id"] for one in shown["runs"]], shown["removed"]) == ([second, first], None)
    refused = lab.do("gc", "--keep", "1")
    assert refused.out.splitlines()[0].startswith("2 final runs: ")
    assert (refused.code, refused.err) == (
        2,
        "Nothing was removed: there is nobody to ask. Say --yes to remove this.\n",
    )
    assert (lonely.exists(), lab.do("show", first).code) == (True, 0)
    removed = lab.do("gc", "--keep", "1", "--yes")
    assert (removed.code, removed.err) == (0, "")
    assert removed.out.splitlines()[-1].startswith("Removed 2 runs and freed ")
    assert (shared.exists(), lonely.exists(), lab.do("show", first).code) == (True, False, 2)
    assert [path.name for path in (lab.home / "runs").iterdir()] == [third]
    assert lab.do("gc", "--keep", "0", "--yes", "--json").json["removed"]["runs"] == 1
    assert (shared.exists(), list((lab.home / "artifacts").iterdir())) == (False, [])


def test_what_gc_removed_is_not_in_the_cache_any_more(lab: Lab) -> None:
    lab.run()
    lab.do("gc", "--keep", "0", "--yes")
    again = lab.run()
    assert (again["state"], task(again, PUBLISH)["cached"]) == ("SUCCEEDED", False)


def test_gc_without_limits_removes_no_run(lab: Lab) -> None:
    lab.run()
    assert (lab.do("gc", "--yes").out, lab.do("gc", "--older-than", "1", "--yes").out) == ("Nothing to remove.\n",) * 2


def test_gc_leaves_unfinished_runs_alone_and_the_artifacts_while_one_goes_on(lab: Lab) -> None:
    old = lab.run()["run_id"]
    kept = artifact(lab, old)
    dead = lab.killed("-p", f"gate={lab.gate('dead')}")
    with lab.running("-p", f"gate={lab.gate('living')}"):
        living = lab.show()["run_id"]
        removed = lab.do("gc", "--keep", "0", "--yes")
    assert (removed.code, removed.err) == (0, f"Artifacts are left alone while runs go on: {living[:8]}.\n")
    assert kept.exists()
    assert {one["run_id"] for one in lab.do("runs", "--json").json["runs"]} == {dead, living}
