"""Runs of the command line that stop where a test wants them to: a task waits for its gate to be opened."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from kfp import dsl

from postlude.cli.main import postlude
from postlude.spec.types import Json


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def fetch(rows: int) -> int:
    return rows


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def train(rows: int, gate: str, data: str) -> int:
    from pathlib import Path

    if gate:
        Path(gate).read_text()
    if data and not Path(data).exists():
        raise FileNotFoundError("no data")
    return rows * 2


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def publish(rows: int, report: dsl.Output[dsl.Artifact]):
    from pathlib import Path

    Path(report.path).write_text(f"{rows} rows")


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def notify(gate: str, status: dsl.PipelineTaskFinalStatus) -> str:
    from pathlib import Path

    if gate:
        Path(gate).read_text()
    return status.state


@dsl.pipeline(name="nightly")
def nightly(rows: int = 1, gate: str = "", data: str = "", exit_gate: str = ""):
    with dsl.ExitHandler(notify(gate=exit_gate)):
        fetched = fetch(rows=rows)
        trained = train(rows=fetched.output, gate=gate, data=data).set_caching_options(enable_caching=False)
        publish(rows=trained.output)


_DRIVING = ("run", "resume", "retry")

FETCH, TRAIN, PUBLISH = "exit-handler-1/fetch", "exit-handler-1/train", "exit-handler-1/publish"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        return json.loads(self.out)


@dataclass(frozen=True)
class Lab:
    """A home, and the commands that work on it."""

    home: Path
    pipeline: Path

    def argv(self, command: str, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "postlude", command, *map(str, arguments), "--home", str(self.home)]

    def do(self, command: str, *arguments: object) -> Done:
        """A command, to its end: as a process of its own where it drives runs."""
        return self._process(command, *arguments) if command in _DRIVING else self._here(command, *arguments)

    def _process(self, command: str, *arguments: object) -> Done:
        argv = self.argv(command, *arguments)
        ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def _here(self, command: str, *arguments: object) -> Done:
        ended = CliRunner().invoke(postlude, [*self.argv(command, *arguments)[3:]])
        return Done(ended.exit_code, ended.stdout, ended.stderr)

    def run(self, *arguments: object) -> Json:
        """A run that has ended, as its document."""
        return self.do("run", self.pipeline, "--json", *arguments).json

    def show(self, run: str = "") -> Json:
        return self.do("show", run, "--json").json if run else self.do("show", "--json").json

    def gate(self, name: str = "gate") -> Path:
        """A gate that is shut: whoever reads it waits until somebody opens it."""
        path = self.home.parent / name
        os.mkfifo(path)
        return path

    @contextmanager
    def running(self, *arguments: object, until: str = f"{TRAIN} RUNNING") -> Iterator["Running"]:
        """A run that has come so far that it printed the text."""
        argv = self.argv("run", self.pipeline, *arguments)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                running = Running(process)
                running.wait_for(until)
                yield running
            finally:
                process.kill()

    @contextmanager
    def following(self, run: str, *, until: str) -> Iterator[subprocess.Popen[str]]:
        """While something happens that is to come after the journal said this."""
        argv = self.argv("events", run, "--follow")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            Running(process).wait_for(until)
            yield process
            process.wait(timeout=60)

    def killed(self, *arguments: object, until: str = f"{TRAIN} RUNNING") -> str:
        """The id of a run whose engine was killed once it had printed the text."""
        with self.running(*arguments, until=until) as running:
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(timeout=60)
        return self.do("runs", "--json", "--limit", "1").json["runs"][0]["run_id"]


@dataclass(frozen=True)
class Running:
    """A run that goes on."""

    process: subprocess.Popen[str]

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        assert self.process.stderr is not None
        raise AssertionError(f"the run ended without {text!r}: {self.process.stderr.read()}")

    def ended(self) -> Done:
        out, err = self.process.communicate(timeout=60)
        return Done(self.process.returncode, out, err)


def open_gate(gate: Path) -> None:
    """Let in whoever waits at the gate."""
    gate.write_text("")


def task(document: Json, path: str) -> Json:
    return next(each for each in document["tasks"] if each["path"] == path)


def states(document: Json) -> dict[str, str]:
    return {each["path"].rpartition("/")[2]: each["state"] for each in document["tasks"] if each["kind"] == "task"}


def attempts(document: Json) -> dict[str, int]:
    return {each["path"].rpartition("/")[2]: each["attempts"] for each in document["tasks"] if each["kind"] == "task"}


def told(document: Json) -> str:
    """What the process of the exit task read as its group's state."""
    return task(document, "notify")["outputs"]["parameters"]["Output"]
