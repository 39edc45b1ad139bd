"""Two engines never drive one run, and other processes can speak to the one that does."""

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from components import ok, report
from conductor import LONG_S, Conductor, Process, is_in
from interrupted import hang, waits_for
from kfp import compiler, dsl

from postlude.runtime.lease import HeldError
from postlude.runtime.requests import cancel_message


@dsl.pipeline(name="waits")
def waits(ready: str, gate: str) -> None:
    with dsl.ExitHandler(report()):
        waits_for(ready=ready, gate=gate)


@dsl.pipeline(name="hangs")
def hangs(ready: str) -> None:
    with dsl.ExitHandler(report()):
        ok().after(hang(ready=ready))


class Stage:
    """A run whose one task says when it runs, and goes on when it is told."""

    def __init__(self, directory: Path) -> None:
        self.conductor = Conductor(home=directory / "home")
        self._ready, self._gate = directory / "ready", directory / "gate"
        self._source = directory / "pipeline.yaml"
        compiler.Compiler().compile(waits, str(self._source))
        for fifo in (self._ready, self._gate):
            os.mkfifo(fifo)

    def start(self) -> Process:
        return self.conductor.start(self._source, {"ready": self._ready, "gate": self._gate})

    def resume(self, *run: str) -> subprocess.Popen[str]:
        home = ["--home", str(self.conductor.home), "--json"]
        argv = [sys.executable, "-m", "postlude", "resume", *run, *home]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def await_task(self) -> None:
        assert self._ready.read_text() == "running"

    def let_go(self) -> None:
        self._gate.write_text("go")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def crashed(stage: Stage) -> int:
    """The pid of an engine that was killed while its task ran."""
    process = stage.start()
    stage.await_task()
    process.send(signal.SIGKILL)
    assert process.end()[0] == -signal.SIGKILL
    return process.popen.pid


def test_a_run_whose_engine_lives_is_not_resumed(stage: Stage) -> None:
    process = stage.start()
    stage.await_task()
    run_id = stage.conductor.run_id()
    with pytest.raises(HeldError) as refused:
        stage.conductor.resume()
    with stage.resume(run_id) as other:
        _, said = other.communicate(timeout=LONG_S)
    stage.let_go()
    code, output = process.end()

    pid = process.popen.pid
    assert str(refused.value).startswith(f"run {run_id} is driven by process {pid} on ")
    assert str(refused.value).endswith(f"wait for it, or end the run with `postlude cancel {run_id}`")
    assert (other.returncode, f"is driven by process {pid} on " in said) == (2, True)
    tasks = {task["path"]: task["attempts"] for task in json.loads(output)["tasks"] if task["kind"] == "task"}
    assert (code, tasks) == (0, {"exit-handler-1/waits-for": 1, "report": 1})


def test_the_lease_of_a_dead_engine_is_taken_over(stage: Stage) -> None:
    pid = crashed(stage)
    run_id = stage.conductor.run_id()
    with closing(stage.conductor.store()) as store:
        lease = store.leases.find(run_id)
    assert lease is not None
    assert lease.holder.pid == pid

    with stage.resume() as process:
        stage.await_task()
        stage.let_go()
        output, _ = process.communicate(timeout=LONG_S)

    (document,) = json.loads(output)
    assert (process.returncode, document["run_id"], document["state"]) == (0, run_id, "SUCCEEDED")
    with closing(stage.conductor.store()) as store:
        assert store.leases.find(run_id) is None


def test_of_two_that_resume_at_once_one_wins(stage: Stage) -> None:
    crashed(stage)
    run_id = stage.conductor.run_id()
    both = [stage.resume(run_id), stage.resume(run_id)]
    loser = _first_to_end(both)
    stage.await_task()
    stage.let_go()
    outputs = [process.communicate(timeout=LONG_S) for process in both]

    winner = 1 - loser
    assert both[loser].returncode == 2
    assert f"run {run_id} is driven by process {both[winner].pid} on " in outputs[loser][1]
    document = json.loads(outputs[winner][0])
    attempts = {task["path"]: task["attempts"] for task in document["tasks"] if task["kind"] == "task"}
    assert (both[winner].returncode, attempts) == (0, {"exit-handler-1/waits-for": 2, "report": 1})


def _first_to_end(processes: list[subprocess.Popen[str]]) -> int:
    """The position of the process that ends first; the others still run."""
    ends = [os.pidfd_open(process.pid) for process in processes]
    try:
        (ended, *others), _, _ = select.select(ends, [], [], LONG_S)
        assert not others
        return ends.index(ended)
    finally:
        for end in ends:
            os.close(end)


def _posted(conductor: Conductor, **request: bool) -> None:
    with closing(conductor.store()) as store:
        store.mailbox.post(conductor.run_id(), cancel_message(**request))


def test_G1_another_process_cancels(tmp_path: Path) -> None:
    conductor, ready = Conductor(home=tmp_path / "home"), tmp_path / "ready"
    result = conductor.run(hangs, {"ready": str(ready)}, at_word=(ready, lambda _: _posted(conductor)))

    assert result.states_of("exit-handler-1/hang", "exit-handler-1/ok", "report") == ["CANCELED"] * 2 + ["SUCCEEDED"]
    assert result.verdict() == ("CANCELED", 1, "the run was canceled", "exit-handler-1")
    assert result.state == "CANCELED"


def test_R8_a_stopped_run_starts_nothing_new_and_lets_running_tasks_finish(tmp_path: Path) -> None:
    @dsl.pipeline(name="stopped")
    def pipeline(ready: str, gate: str) -> None:
        with dsl.ExitHandler(report()):
            ok().after(waits_for(ready=ready, gate=gate))

    conductor, ready, gate = Conductor(home=tmp_path / "home"), tmp_path / "ready", tmp_path / "gate"
    os.mkfifo(gate)
    result = conductor.run(
        pipeline,
        {"ready": str(ready), "gate": str(gate)},
        at_word=(ready, lambda _: _posted(conductor, let_finish=True)),
        when=[(is_in("exit-handler-1/ok", "CANCELED"), lambda _: gate.write_text("go"))],
    )

    assert result.states_of("exit-handler-1/waits-for", "exit-handler-1/ok", "report") == [
        "SUCCEEDED",
        "CANCELED",
        "SUCCEEDED",
    ]
    assert result.verdict() == ("CANCELED", 1, "the run was canceled", "exit-handler-1")
    assert result.state == "CANCELED"
