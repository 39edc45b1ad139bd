"""The embedded engine: runs whole pipelines on this machine, in this process and its children."""

import os
import queue
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from postlude.core.run_state import Run, Settings
from postlude.core.task import (
    CancelRequested,
    Command,
    DeadlinePassed,
    Event,
    Failed,
    FinishRun,
    PipelineRevised,
    RetryRequested,
    SetDeadline,
    Start,
    Succeeded,
    Task,
    TaskPath,
    Terminate,
)
from postlude.engines.local.crew import Crew, Inbox, News
from postlude.engines.local.deadlines import Deadlines
from postlude.engines.local.layout import Layout
from postlude.engines.local.office import Office
from postlude.engines.local.policy import Policy
from postlude.engines.local.turnstile import Turnstile
from postlude.ports.journal import Catalog, Journal
from postlude.runtime.attempt import LOG_NAME, Bench
from postlude.runtime.checkpoint import Point, reached
from postlude.runtime.runner import Runner, Shell, Watcher
from postlude.spec.types import Json, Pipeline


class LocalEngine:
    """Runs pipelines, one at a time. A context manager: leaving it kills whatever still runs."""

    def __init__(
        self, *, bench: Bench, journal: Journal, catalog: Catalog, layout: Layout, policy: Policy, office: Office
    ) -> None:
        self._bench, self._journal, self._catalog, self._layout = bench, journal, catalog, layout
        self._policy, self._office = policy, office
        self._crew = Crew(bench, layout, workers=policy.workers)
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
        self._crew.close()

    def cancel(self, *, force: bool = False) -> None:
        """Ask the run to end: running tasks are stopped, exit tasks run (R8). Safe in threads and signal handlers.

        Args:
            force: Stop exit tasks too.
        """
        exit_tasks = self._policy.exit_tasks_on_cancel
        self._inbox.put(CancelRequested(at=self._bench.clock.now(), force=force, exit_tasks=exit_tasks))

    # --- runs ---------------------------------------------------------------------------------------------------------

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
        return self._driven(settings.run_id, lambda: Runner.begin(pipeline, settings, self._shell(watch)))

    def resume(self, run_id: str, *, watch: Watcher | None = None) -> Json:
        """Go on with a run whose engine is gone, to its end; a final run is given as it is.

        Raises:
            HeldError: The run's engine lives.
            StoreError: There is no such run, or the database cannot be used.
        """
        return self._driven(run_id, lambda: self._resumed(run_id, watch))

    def retry(
        self,
        run_id: str,
        *,
        tasks: Sequence[TaskPath] = (),
        timeout_s: float | None = None,
        pipeline: Pipeline | None = None,
        watch: Watcher | None = None,
    ) -> Json:
        """Reopen what did not succeed in a final run, and the tasks named with all that follows them (R13).

        Args:
            run_id: The run.
            tasks: Paths of tasks that run again, whatever their state.
            timeout_s: The run's new time limit, in seconds from now; None for none.
            pipeline: What takes the place of the run's own pipeline; None keeps that.
            watch: Told after every step, on this thread.

        Raises:
            HeldError: The run's engine lives.
            StoreError: There is no such run, or the database cannot be used.
        """

        def reopened() -> Runner:
            runner = self._resumed(run_id, watch)
            at, chosen = self._bench.clock.now(), tuple(tasks)
            if pipeline is None:
                runner.take([RetryRequested(at=at, tasks=chosen, timeout_s=timeout_s)])
            else:
                runner.take([PipelineRevised(at=at, pipeline=pipeline, tasks=chosen, timeout_s=timeout_s)])
            return runner

        return self._driven(run_id, reopened)

    def _resumed(self, run_id: str, watch: Watcher | None) -> Runner:
        """The run as its last engine left it, with what was asked of that engine since; nothing has begun yet."""
        runner = Runner.resume(run_id, self._shell(watch), at=self._bench.clock.now())
        runner.take(self._asked_for())
        return runner

    def _driven(self, run_id: str, make: Callable[[], Runner]) -> Json:
        """Drive a run to its end, as the only engine that does."""
        self._run_id = run_id
        with self._office.driving(run_id):
            try:
                self._drive(make())
                reached(Point.FINISHED)
            finally:
                for path, attempt in self._turnstile.inside():
                    self._terminate(path, attempt)
                self._clear()
        return self._catalog.run(run_id)

    def _drive(self, runner: Runner) -> None:
        events: Sequence[Event] = ()
        while not runner.run.state.is_final:
            if runner.take(events, self._admit):
                self._begin_attempts(runner.run)
                events = self._gather()
            else:
                events = ()

    def _clear(self) -> None:
        """Forget the last run: its paths, and news that still comes of it, are none of the next one's."""
        self._inbox: Inbox = queue.SimpleQueue()
        self._turnstile = Turnstile(self._policy)
        self._deadlines = Deadlines(self._bench.clock.now)
        self._run_id = ""

    def _shell(self, watch: Watcher | None) -> Shell:
        return Shell(
            journal=self._journal,
            note=self._note,
            perform=self._perform,
            log_of=self._log_of,
            watch=watch,
            remove_leftovers=self._bench.executor.remove_leftovers,
        )

    def _settings(self, pipeline: Pipeline, arguments: Mapping[str, Json], name: str) -> Settings:
        root = self._layout.chosen_root(pipeline) or self._layout.root
        run_id, policy = self._bench.clock.new_run_id(), self._policy
        workspace = self._layout.workspace(run_id)
        if pipeline.workspace:
            workspace.mkdir(parents=True, exist_ok=True)
        return Settings(
            run_id=run_id,
            name=name or pipeline.display_name or pipeline.name,
            created_at=self._bench.clock.now(),
            arguments=arguments,
            failure_policy=policy.failure_policy,
            status_words=policy.status_words,
            timeout_s=pipeline.timeout_s if policy.timeout_s is None else policy.timeout_s,
            exit_timeout_s=policy.exit_timeout_s,
            pipeline_root=root,
            workspace=str(workspace) if pipeline.workspace else "",
            run_url=policy.run_url.replace("{run_id}", run_id),
        )

    # --- acting -------------------------------------------------------------------------------------------------------

    def _note(self, command: Command) -> None:
        """Put down what is to be done, which is forgotten again if the journal refuses."""
        match command:
            case Start():
                self._turnstile.add(command)
            case Terminate(path=path, attempt=attempt):
                self._turnstile.drop(path, attempt)
            case SetDeadline():
                self._deadlines.add(command)
            case FinishRun():
                pass

    def _perform(self, command: Command) -> None:
        if isinstance(command, Terminate):
            self._terminate(command.path, command.attempt)

    def _terminate(self, path: TaskPath, attempt: int) -> None:
        if self._turnstile.is_in(path, attempt):
            self._crew.terminate(self._run_id, path, attempt, grace_s=self._policy.grace_s)

    def _admit(self, run: Run) -> Sequence[Event]:
        return self._turnstile.admit(run, self._bench.clock.now())

    def _begin_attempts(self, run: Run) -> None:
        for start in self._turnstile.let_in():
            reached(Point.STARTING)
            devices = self._turnstile.devices(start.path, start.attempt)
            self._crew.begin(run, run.tasks[start.path], devices, self._inbox)

    def _gather(self) -> list[Event]:
        """Wait for something to happen; everything that has."""
        events = self._reported()
        for event in events:
            if isinstance(event, Succeeded | Failed):
                self._turnstile.leave(event.path, event.attempt)
        return [*events, *self._asked_for()]

    def _reported(self) -> list[Event]:
        news: list[News] = []
        with suppress(queue.Empty):
            news.append(self._inbox.get(timeout=self._wait_s()))
            while True:
                news.append(self._inbox.get_nowait())
        return [one() if callable(one) else one for one in news]

    def _asked_for(self) -> list[Event]:
        """What other processes and the clock ask for."""
        at = self._bench.clock.now()
        deadlines = [DeadlinePassed(path=deadline.path, at=at) for deadline in self._deadlines.passed()]
        requests = [self._as_allowed(request) for request in self._office.requests(self._run_id, at)]
        return [*requests, *deadlines]

    def _as_allowed(self, request: CancelRequested) -> CancelRequested:
        return replace(request, exit_tasks=request.exit_tasks and self._policy.exit_tasks_on_cancel)

    def _wait_s(self) -> float:
        """Seconds until somebody must be looked after, if nothing happens before."""
        waits = [self._office.wait_s, self._deadlines.wait_s(), self._turnstile.wait_s()]
        return min(wait for wait in waits if wait is not None)

    def _log_of(self, task: Task) -> str | None:
        if not task.kind.is_leaf or not task.attempt:
            return None
        log = f"{self._layout.directory(self._run_id, task.path, task.attempt)}/{LOG_NAME}"
        exists = os.path.exists  # of every task: a path object costs more than the call
        return log if not task.state.is_final or exists(log) else None
