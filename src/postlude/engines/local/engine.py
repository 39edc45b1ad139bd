"""The embedded engine: runs a whole pipeline on this machine, in this process and its children."""

import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from postlude.core.run_state import FailurePolicy, Run, Settings, StatusWords
from postlude.core.task import (
    CancelRequested,
    Command,
    Event,
    FinishRun,
    Start,
    Started,
    Task,
    TaskPath,
    Terminate,
)
from postlude.engines.local.schedule import Schedule
from postlude.ports.journal import Catalog, Journal
from postlude.runtime.attempt import Bench, log_path, perform_attempt
from postlude.runtime.runner import Runner, Watcher
from postlude.spec.types import Json, Pipeline

Inbox = queue.SimpleQueue[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where runs keep their files.

    Attributes:
        directory: The private directory of an attempt, by run id, path and attempt.
        artifacts: Where the output artifacts of an attempt go: an absolute path or a URL prefix; likewise.
        workspace: The run's workspace, by run id.
        root: What pipelines are told is their pipeline root.
    """

    directory: Callable[[str, TaskPath, int], Path]
    artifacts: Callable[[str, TaskPath, int], str]
    workspace: Callable[[str], Path]
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How runs are driven.

    Attributes:
        workers: Attempts at a time.
        grace_s: Seconds between SIGTERM and SIGKILL when an attempt is stopped.
    """

    workers: int
    failure_policy: FailurePolicy = FailurePolicy.SLOW
    status_words: StatusWords = StatusWords.KFP
    grace_s: float = 10.0


class LocalEngine:
    """Runs pipelines, one at a time. A context manager: leaving it kills whatever still runs."""

    def __init__(self, *, bench: Bench, journal: Journal, catalog: Catalog, layout: Layout, policy: Policy) -> None:
        self._bench, self._journal, self._catalog, self._layout, self._policy = bench, journal, catalog, layout, policy
        self._pool = ThreadPoolExecutor(max_workers=policy.workers, thread_name_prefix="attempt")
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill whatever still runs and free everything."""
        self._bench.executor.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def cancel(self, *, force: bool = False) -> None:
        """Ask the run to end: running tasks are stopped, exit tasks run (R8). Safe in threads and signal handlers.

        Args:
            force: Stop exit tasks too.
        """
        self._inbox.put(CancelRequested(at=self._bench.clock.now(), force=force))

    def run(
        self, pipeline: Pipeline, arguments: Mapping[str, Json], *, name: str = "", watch: Watcher | None = None
    ) -> Json:
        """Run a pipeline to its end.

        Args:
            pipeline: What to run.
            arguments: Its input parameters, already checked.
            name: What people call the run; the pipeline's name where empty.
            watch: Told after every step, on this thread.

        Returns:
            The run document, `postlude.run/v1`.

        Raises:
            StoreError: The database could not take a step; nothing that followed from it was done.
        """
        settings = self._settings(pipeline, arguments, name)
        try:
            self._drive(pipeline, settings, watch)
        finally:
            for path, attempt in self._active:
                self._terminate(path, attempt)
            self._clear()
        return self._catalog.run(settings.run_id)

    def _drive(self, pipeline: Pipeline, settings: Settings, watch: Watcher | None) -> None:
        self._run_id = settings.run_id
        runner = Runner(
            pipeline, settings, journal=self._journal, perform=self._perform, log_of=self._log_of, watch=watch
        )
        while not runner.run.state.is_final:
            runner.take(self._dispatch(runner.run) or self._gather())

    def _clear(self) -> None:
        """Forget the last run: its paths, and news that still comes of it, are none of the next one's."""
        self._inbox: Inbox = queue.SimpleQueue()
        self._schedule = Schedule(time.monotonic)
        self._active: set[tuple[TaskPath, int]] = set()
        self._run_id = ""

    def _settings(self, pipeline: Pipeline, arguments: Mapping[str, Json], name: str) -> Settings:
        run_id = self._bench.clock.new_run_id()
        workspace = self._layout.workspace(run_id)
        if pipeline.workspace:
            workspace.mkdir(parents=True, exist_ok=True)
        return Settings(
            run_id=run_id,
            name=name or pipeline.display_name or pipeline.name,
            created_at=self._bench.clock.now(),
            arguments=arguments,
            failure_policy=self._policy.failure_policy,
            status_words=self._policy.status_words,
            pipeline_root=self._layout.root,
            workspace=str(workspace) if pipeline.workspace else "",
        )

    # --- acting -------------------------------------------------------------------------------------------------------

    def _perform(self, command: Command) -> None:
        match command:
            case Start():
                self._schedule.add(command)
            case Terminate(path=path, attempt=attempt):
                self._terminate(path, attempt)
            case FinishRun():
                pass

    def _terminate(self, path: TaskPath, attempt: int) -> None:
        if (path, attempt) in self._active:
            self._bench.executor.terminate(self._run_id, path, attempt, grace_s=self._policy.grace_s)
        else:
            self._schedule.drop(path, attempt)

    def _dispatch(self, run: Run) -> list[Event]:
        """Begin as many attempts as there are free workers; the events of their start."""
        begun: list[Event] = []
        while len(self._active) < self._policy.workers and (start := self._schedule.pop()) is not None:
            self._active.add((start.path, start.attempt))
            begun.append(Started(path=start.path, attempt=start.attempt, at=self._bench.clock.now()))
            self._pool.submit(self._attempt, run, run.tasks[start.path], self._inbox)
        return begun

    def _attempt(self, run: Run, task: Task, inbox: Inbox) -> None:
        """On a worker thread: one attempt, reported to the inbox of its run."""
        place = (run.run_id, task.path, task.attempt)
        inbox.put(
            perform_attempt(
                self._bench,
                run,
                task,
                directory=self._layout.directory(*place),
                artifacts=self._layout.artifacts(*place),
            )
        )

    def _gather(self) -> list[Event]:
        """Wait for something to happen; everything that has."""
        events: list[Event] = []
        try:
            events.append(self._inbox.get(timeout=self._wait_s()))
            while True:
                events.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        for event in events:
            if not isinstance(event, CancelRequested):
                self._active.discard((event.path, event.attempt))
        return events

    def _wait_s(self) -> float | None:
        """Seconds until an attempt can begin; None where that takes an event: a worker that becomes free, say."""
        return self._schedule.wait_s() if len(self._active) < self._policy.workers else None

    def _log_of(self, task: Task) -> str | None:
        if not task.kind.is_leaf or not task.attempt:
            return None
        log = log_path(self._layout.directory(self._run_id, task.path, task.attempt))
        return str(log) if log.exists() or not task.state.is_final else None
