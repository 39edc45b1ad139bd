"""The loop's body: take events, advance the run, save, and only then act."""

from collections.abc import Callable, Sequence

from postlude.core.draft import Step
from postlude.core.run import advance, begin
from postlude.core.run_state import Run, Settings
from postlude.core.task import Command, Event, Kind, Task, TaskPath
from postlude.ports.journal import Journal, RunRecord, Save
from postlude.runtime.document import TaskFacts, exit_of, run_document, task_document
from postlude.runtime.record import encode_event, encode_settings
from postlude.spec.types import Json, Pipeline

Watcher = Callable[[Run, Sequence[Task]], None]
"""Told after every step: the run, and the tasks that changed."""


class Runner:
    """Drives one run through its events. Not for several threads.

    Attributes:
        run: The run as it stands.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        settings: Settings,
        *,
        journal: Journal,
        perform: Callable[[Command], None],
        log_of: Callable[[Task], str | None],
        watch: Watcher | None = None,
    ) -> None:
        self._journal, self._perform, self._log_of, self._watch = journal, perform, log_of, watch
        self._next = 0
        self._record(pipeline, settings)
        step = begin(pipeline, settings)
        self.run = step.run
        self._accept([], [step])

    def take(self, events: Sequence[Event]) -> None:
        """Apply events in order, save what they changed in one transaction, and do what follows from them.

        No events change nothing, and nothing is saved.
        """
        if not events:
            return
        steps: list[Step] = []
        for event in events:
            steps.append(advance(self.run, event))
            self.run = steps[-1].run
        self._accept(events, steps)

    def _record(self, pipeline: Pipeline, settings: Settings) -> None:
        record = RunRecord(
            run_id=settings.run_id,
            name=settings.name,
            pipeline=pipeline.name,
            ir_digest=pipeline.digest,
            ir=pipeline.source,
            settings=encode_settings(settings),
            created_at=settings.created_at,
        )
        self._journal.begin(record)

    def _accept(self, events: Sequence[Event], steps: Sequence[Step]) -> None:
        changed: dict[TaskPath, Task] = {task.path: task for step in steps for task in step.changed}
        self._save(events, list(changed.values()))
        for step in steps:
            for command in step.commands:
                self._perform(command)
        if self._watch is not None:
            self._watch(self.run, list(changed.values()))

    def _save(self, events: Sequence[Event], changed: Sequence[Task]) -> None:
        self._journal.append(
            Save(
                run_id=self.run.run_id,
                events=[encode_event(event) for event in events],
                first=self._next,
                run=run_document(self.run),
                tasks=[self._document(task) for task in changed if task.path],
                durable=any(_must_last(task) for task in changed),
            )
        )
        self._next += len(events)

    def _document(self, task: Task) -> Json:
        return task_document(task, TaskFacts(exit_of=exit_of(self.run, task), log=self._log_of(task)))


def _must_last(task: Task) -> bool:
    """Whether the change must survive a power cut: a group's verdict, which exit tasks are told, and the run's own."""
    return task.state.is_final and task.kind is Kind.GROUP
