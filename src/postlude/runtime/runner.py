"""The loop's body: take events, advance the run, save, and only then act."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Self

import msgspec
from msgspec.structs import replace

from postlude.core.draft import Step
from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import Command, Event, Kind, Task, TaskPath
from postlude.ports.journal import Journal, RunRecord, Save
from postlude.runtime.checkpoint import Point, reached
from postlude.runtime.document import (
    TaskFacts,
    exit_of,
    has_same_artifacts,
    is_documented_alike,
    run_document,
    task_document,
)
from postlude.runtime.record import encode_event, encode_settings
from postlude.runtime.recover import lost, owed, recover
from postlude.runtime.values import Values
from postlude.spec.types import Json, Pipeline

Follow = Callable[[Run], Sequence[Event]]
"""Gives what follows at once from what was noted, such as the start of attempts; nothing, where nothing does."""

Watcher = Callable[[Run, Sequence[Task]], None]
"""Told after every step: the run, and the tasks whose documents changed."""


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner acts with.

    Attributes:
        perform: Does what a command says, or sees to it that it is done.
        note: Told of a command before it is saved; nothing may be done yet.
        log_of: The log file of a task's latest attempt, None where there is none.
        watch: Told after every step; None where nobody wants to know.
        remove_leftovers: Ends what is left of a run's attempts that were lost with their engine.
    """

    journal: Journal
    perform: Callable[[Command], None]
    log_of: Callable[[Task], str | None]
    note: Callable[[Command], None] = lambda _command: None
    watch: Watcher | None = None
    remove_leftovers: Callable[[str], object] = lambda _run_id: None


class Runner:
    """Drives one run through its events. Not for several threads.

    Attributes:
        run: The run as it stands.
    """

    def __init__(self, run: Run, shell: Shell, *, next_event: int, values: Values) -> None:
        self.run = run
        self._values = values
        self._shell = shell
        self._next = next_event

    @classmethod
    def begin(cls, pipeline: Pipeline, settings: Settings, shell: Shell) -> Self:
        """Store a new run and take its first step."""
        shell.journal.begin(_record(pipeline, settings))
        reached(Point.BEGUN)
        step = begin(pipeline, settings)
        runner = cls(step.run, shell, next_event=0, values=Values())
        runner._note([step])
        runner._accept([], [step], {})
        return runner

    @classmethod
    def resume(cls, run_id: str, shell: Shell, *, at: float) -> Self:
        """Go on with a stored run whose engine is gone: what was under way is lost, what was asked for is done.

        A run that is final stays as it is, until it is retried.
        """
        found = recover(shell.journal, run_id)
        runner = cls(found.run, shell, next_event=found.next, values=found.values)
        if not found.next:  # it may have been begun and no more: then even its first document is owed
            runner._save([], list(runner.run.tasks.values()))
        for command in owed(found.run, at):
            shell.note(command)
            shell.perform(command)
        gone = lost(found.run, at)
        if gone:
            shell.remove_leftovers(run_id)
        runner.take(gone)
        return runner

    def take(self, events: Sequence[Event], follow: Follow = lambda _run: ()) -> bool:
        """Apply events in order, save what they changed in one transaction, and do what follows from them.

        No events change nothing, and nothing is saved.

        Args:
            events: What happened.
            follow: Asked for more after that, until there is none: events that are saved in the same transaction.

        Returns:
            Whether `follow` was asked until there was none. A verdict is saved before anything begins that may be told
            of it: then it was not, and is to be asked again.
        """
        taken, steps, before = list[Event](), list[Step](), self.run.tasks
        judged = False
        while events or (not judged and (events := follow(self.run))):
            moved = [self._advanced(event) for event in events]
            self._note(moved)
            judged = judged or any(_is_verdict(task) for step in moved for task in step.changed)
            taken, steps, events = [*taken, *events], [*steps, *moved], ()
        if taken:
            self._accept(taken, steps, before)
        return not judged

    def _advanced(self, event: Event) -> Step:
        step = advance(self.run, event)
        self.run = step.run
        return step

    def _note(self, steps: Sequence[Step]) -> None:
        for step in steps:
            for command in step.commands:
                self._shell.note(command)

    def _accept(self, events: Sequence[Event], steps: Sequence[Step], before: Mapping[TaskPath, Task]) -> None:
        reached(Point.DECIDED)
        now = self.run.tasks
        touched = {task.path: task for step in steps for task in step.changed}
        gone = {path: None for step in steps for path in step.removed if path not in now}
        if gone:
            touched = {path: task for path, task in touched.items() if path in now}
        changed = [task for path, task in touched.items() if not is_documented_alike(before.get(path), task)]
        same = {task.path for task in changed if has_same_artifacts(before.get(task.path), task)}
        self._save(events, changed, removed=list(gone), same_artifacts=same)
        reached(Point.SAVED)
        for step in steps:
            for command in step.commands:
                self._shell.perform(command)
                reached(Point.PERFORMED)
        if self._shell.watch is not None:
            self._shell.watch(self.run, changed)

    def _save(
        self,
        events: Sequence[Event],
        changed: Sequence[Task],
        *,
        removed: Sequence[TaskPath] = (),
        same_artifacts: AbstractSet[TaskPath] = frozenset(),
    ) -> None:
        root = any(not task.path for task in changed)
        save = Save(
            run_id=self.run.run_id,
            events=[encode_event(event, self._values) for event in events],
            first=self._next,
            run=run_document(self.run, self._values.shown) if root else None,
            tasks=[self._document(task) for task in changed if task.path],
            same_artifacts=same_artifacts,
            removed=removed,
            durable=any(_must_last(task) for task in changed),
        )
        values = self._values.unsaved()
        self._shell.journal.append(replace(save, values=values) if values else save)
        self._next += len(events)

    def _document(self, task: Task) -> Json:
        facts = TaskFacts(exit_of=exit_of(self.run, task), log=self._shell.log_of(task), shown=self._values.shown)
        return task_document(task, facts)


def _record(pipeline: Pipeline, settings: Settings) -> RunRecord:
    return RunRecord(
        run_id=settings.run_id,
        name=settings.name,
        pipeline=pipeline.name,
        ir_digest=pipeline.digest,
        ir=pipeline.source,
        settings=encode_settings(settings),
        created_at=settings.created_at,
    )


def _is_verdict(task: Task) -> bool:
    """Whether exit tasks may be told of this: of a single iteration none is."""
    return _must_last(task) and task.index is None


def _must_last(task: Task) -> bool:
    """Whether the change must survive a power cut: a group's verdict, which exit tasks are told, and the run's own."""
    return task.state.is_final and task.kind in (Kind.GROUP, Kind.LOOP)
