"""Runs pipelines that something happens to on the way: a cancel, a signal, the death of their engine."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Result
from msgspec.structs import replace

import postlude
from postlude.api.source import load_source
from postlude.core.run_state import Run
from postlude.core.task import Task
from postlude.engines.local.engine import LocalEngine
from postlude.runtime.checkpoint import VARIABLE
from postlude.runtime.document import run_document
from postlude.runtime.recover import recover
from postlude.spec.types import Json
from postlude.stores.store import Store
from postlude.wiring import RunOptions, open_engine
from postlude.wiring.stores import open_stored

Act = Callable[[LocalEngine], object]
When = Callable[[Task], bool]
LONG_S = 120


def is_in(path: str, state: str) -> When:
    """When the task at `path` comes to a state."""
    return lambda task: (task.path, task.state.value) == (path, state)


def waits_to_retry(path: str) -> When:
    """When the task at `path` waits for its second attempt."""
    return lambda task: task.path == path and task.state.value == "PENDING" and task.attempt == 2


def cancel(engine: LocalEngine) -> None:
    engine.cancel()


def force(engine: LocalEngine) -> None:
    engine.cancel(force=True)


@dataclass(frozen=True)
class Conductor:
    """Runs in one home, with real processes and what the conductor does to them."""

    home: Path

    def run(
        self,
        source: Any,
        arguments: Mapping[str, Any] | None = None,
        *,
        when: Sequence[tuple[When, Act]] = (),
        at_word: tuple[Path, Act] | None = None,
        **options: Any,
    ) -> Result:
        """Run a pipeline; each act is done once.

        Args:
            source: A pipeline function, or IR.
            arguments: Its parameters.
            when: Acts to do as soon as a task is as the condition says.
            at_word: A FIFO, which is made here, and what to do once a task's process writes to it.
            options: See `RunOptions`.
        """
        with open_engine(self.options(**options)) as engine, _listening(engine, at_word):
            pipeline = load_source(source)
            return Result(postlude.Run(engine.run(pipeline, arguments or {}, watch=_watching(engine, when))))

    def resume(self, **options: Any) -> Result:
        """Go on with the one unfinished run, or the newest where there is none."""
        with open_engine(self.options(**options)) as engine:
            return Result(postlude.Run(engine.resume(self.run_id())))

    def retry(self, run_id: str, **options: Any) -> Result:
        with open_engine(self.options()) as engine:
            return Result(postlude.Run(engine.retry(run_id, **options)))

    def options(self, **options: Any) -> RunOptions:
        plain = RunOptions(home=self.home, workers=2, containers="host", cache=False, grace_s=10.0)
        return replace(plain, **options)

    # --- in a process of its own --------------------------------------------------------------------------------------

    def start(self, source: Path, arguments: Mapping[str, Any], *options: str, kill_at: str = "") -> "Process":
        """`postlude run` as a process, which kills itself at the crash point given."""
        given = [text for name, value in arguments.items() for text in ("-p", f"{name}={value}")]
        home = ["--home", str(self.home), "--containers", "host", "--no-cache", "--json"]
        argv = [sys.executable, "-m", "postlude", "run", str(source), *given, *home, *options]
        environment = {**os.environ, **({VARIABLE: kill_at} if kill_at else {})}
        return Process(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment))

    def killed(self, source: Path, arguments: Mapping[str, Any], *options: str, kill_at: str) -> None:
        """Run a pipeline in a process that is killed at a crash point."""
        with self.start(source, arguments, *options, kill_at=kill_at).popen as popen:
            assert popen.wait(LONG_S) == -signal.SIGKILL

    # --- what is stored -----------------------------------------------------------------------------------------------

    def store(self) -> Store:
        return open_stored(self.home)

    def run_id(self) -> str:
        """The unfinished run, or the newest."""
        with closing(self.store()) as store:
            unfinished = store.journal.unfinished()
            return unfinished[0] if unfinished else store.catalog.run("")["run_id"]

    def stored(self) -> Result:
        """The run as it is stored now."""
        with closing(self.store()) as store:
            return Result(postlude.Run(store.catalog.run(self.run_id())))

    def replayed(self) -> Json:
        """The run's document, made afresh from its journal."""
        with closing(self.store()) as store:
            return run_document(recover(store.journal, self.run_id()).run)


@dataclass(frozen=True)
class Process:
    """A `postlude` command under way."""

    popen: subprocess.Popen[str]

    def send(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it printed."""
        with self.popen:
            output, _ = self.popen.communicate(timeout=LONG_S)
        return self.popen.returncode, output


@contextmanager
def _listening(engine: LocalEngine, at_word: tuple[Path, Act] | None) -> Iterator[None]:
    if at_word is not None:
        fifo, act = at_word
        os.mkfifo(fifo)
        threading.Thread(target=lambda: (fifo.read_text(), act(engine)), daemon=True).start()
    yield


def _watching(engine: LocalEngine, when: Sequence[tuple[When, Act]]) -> Callable[[Run, Sequence[Task]], None]:
    pending = list(when)

    def watch(_run: Run, changed: Sequence[Task]) -> None:
        for entry in list(pending):
            if any(entry[0](task) for task in changed):
                pending.remove(entry)
                entry[1](engine)

    return watch
