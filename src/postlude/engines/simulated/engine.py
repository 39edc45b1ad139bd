"""The simulated engine: a whole run in virtual time, with no thread, process, file or database.

A discrete-event simulation over the state machine that real runs have. What the core asks for is put on a timeline; the
time jumps to what happens next; what happens is told to the core. A pipeline and a scenario give one run, always the
same.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import (
    CancelRequested,
    Command,
    DeadlinePassed,
    Event,
    Failed,
    Outputs,
    SetDeadline,
    Start,
    Started,
    Succeeded,
    TaskError,
    TaskPath,
    Terminate,
)
from postlude.engines.simulated.attempt import Stage
from postlude.engines.simulated.samples import Samples
from postlude.engines.simulated.scenario import Scenario
from postlude.engines.simulated.timeline import Rank, Timeline
from postlude.ports.executor import Ending, Exit
from postlude.runtime.attempt import error_of
from postlude.spec.paths import covers
from postlude.spec.types import Json, Pipeline

BEGIN_AT: Final = 946_684_800.0
"""When every simulation begins: 2000-01-01T00:00:00Z."""
RUN_ID: Final = "00000000-0000-0000-0000-000000000000"

_Key = tuple[TaskPath, int]
_Happening = Callable[[], Event | None]
"""What happens, when its time has come; None where it no longer matters."""

_STOPPED: Final = error_of(Exit(ending=Ending.TERMINATED, code=-15, message="terminated on request"))


def simulate(pipeline: Pipeline, arguments: Mapping[str, Json], scenario: Scenario, *, name: str = "") -> Run:
    """The run, at its end.

    Args:
        pipeline: What to simulate.
        arguments: Its input parameters, already checked.
        scenario: What to assume.
        name: What the run is called; the pipeline's name where empty.
    """
    return _Course(pipeline, _settings(pipeline, arguments, scenario, name), scenario).to_its_end()


def _settings(pipeline: Pipeline, arguments: Mapping[str, Json], scenario: Scenario, name: str) -> Settings:
    return Settings(
        run_id=RUN_ID,
        name=name or pipeline.display_name or pipeline.name,
        created_at=BEGIN_AT,
        arguments=arguments,
        failure_policy=scenario.failure_policy,
        status_words=scenario.status_words,
        timeout_s=pipeline.timeout_s if scenario.timeout_s is None else scenario.timeout_s,
        exit_timeout_s=scenario.exit_timeout_s,
        pipeline_root="sim://",
        workspace="/sim/workspace" if pipeline.workspace else "",
    )


class _Course:
    """One run on its way."""

    def __init__(self, pipeline: Pipeline, settings: Settings, scenario: Scenario) -> None:
        self._scenario = scenario
        self._workers = float("inf") if scenario.workers is None else scenario.workers
        self._stage = Stage(scenario, Samples(pipeline))
        self._timeline: Timeline[_Happening] = Timeline(settings.created_at)
        self._ready: deque[Start] = deque()
        self._dropped: set[_Key] = set()
        self._active: set[_Key] = set()
        self._canceled = False
        step = begin(pipeline, settings)
        self._run = step.run
        self._obey(step.commands)

    def to_its_end(self) -> Run:
        """The run, once it is final."""
        while not self._run.state.is_final:
            if not self._begin_attempts():
                self._take([event for happens in self._timeline.next() if (event := happens()) is not None])
        return self._run

    def _take(self, events: Sequence[Event]) -> None:
        commands: list[Command] = []
        for event in events:
            step = advance(self._run, event)
            self._run = step.run
            commands.extend(step.commands)
        self._obey(commands)

    # --- what the core asks for ---------------------------------------------------------------------------------------

    def _obey(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Start():
                    self._wait(command)
                case Terminate(path=path, attempt=attempt):
                    self._stop((path, attempt))
                case SetDeadline(path=path, at=at):
                    self._at(at, Rank.DEADLINE, partial(DeadlinePassed, path=path, at=at))

    def _wait(self, start: Start) -> None:
        if start.wait_s <= 0:
            self._ready.append(start)
        else:
            self._at(self._timeline.now + start.wait_s, Rank.DUE, partial(self._due, start))

    def _due(self, start: Start) -> None:
        self._ready.append(start)

    def _stop(self, key: _Key) -> None:
        """Stop what runs, which then ends at once; forget what waits."""
        if key not in self._active:
            self._dropped.add(key)
            return
        assert _STOPPED is not None  # noqa: S101 - being stopped is no success
        self._end(key, 0.0, _STOPPED)

    def _at(self, at: float, rank: Rank, happens: _Happening) -> None:
        self._timeline.add(at, rank, happens)

    # --- attempts -----------------------------------------------------------------------------------------------------

    def _begin_attempts(self) -> bool:
        """Begin as many attempts as there are free workers; whether there were any."""
        starts = list(self._startable())
        at = self._timeline.now
        self._take([Started(path=start.path, attempt=start.attempt, at=at) for start in starts])
        for start in starts:
            performed = self._stage.perform(self._run, self._run.tasks[start.path])
            self._end((start.path, start.attempt), performed.after_s, performed.result)
            self._cancel_if_asked(start.path)
        return bool(starts)

    def _startable(self) -> Iterator[Start]:
        while self._ready and len(self._active) < self._workers:
            start = self._ready.popleft()
            key = (start.path, start.attempt)
            if key in self._dropped:
                self._dropped.discard(key)
            else:
                self._active.add(key)
                yield start

    def _end(self, key: _Key, after_s: float, result: Outputs | TaskError) -> None:
        at = self._timeline.now + after_s
        self._at(at, Rank.END, partial(self._ended, key, at, result))

    def _ended(self, key: _Key, at: float, result: Outputs | TaskError) -> Event | None:
        if key not in self._active:
            return None
        self._active.discard(key)
        path, attempt = key
        if isinstance(result, TaskError):
            return Failed(path=path, attempt=attempt, at=at, error=result)
        return Succeeded(path=path, attempt=attempt, at=at, outputs=result)

    def _cancel_if_asked(self, path: TaskPath) -> None:
        wanted = self._scenario.cancel_at
        if not wanted or self._canceled or not covers(wanted, path):
            return
        self._canceled = True
        at, exit_tasks = self._timeline.now, self._scenario.exit_tasks_on_cancel
        self._at(at, Rank.CANCEL, partial(CancelRequested, at=at, exit_tasks=exit_tasks))
