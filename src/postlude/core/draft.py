"""A run in the middle of one step: the next run's tasks, what to look at again, and what the shell must do."""

from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

import immutables
import msgspec
from msgspec.structs import replace

from postlude.core.run_state import Run
from postlude.core.task import Command, State, Task, TaskPath


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one event made of a run.

    Attributes:
        run: The run after the event.
        changed: The tasks that are new or changed, in the order of their last change.
        removed: Paths of tasks that are no more (a retry takes away what a group will make anew).
        commands: What the shell must do next, in order.
    """

    run: Run
    changed: Sequence[Task] = ()
    removed: Sequence[TaskPath] = ()
    commands: Sequence[Command] = ()


class Look(Enum):
    """Why a path is on the agenda."""

    START = "a waiting task may start"
    ADMIT = "a loop may let in an iteration"
    CLOSE = "a group may be final"

    __hash__ = object.__hash__  # as good, since members are compared by identity, and no Python


class Draft:
    """The working copy of one step. It is made from a run, written to, and turned into a `Step`; nobody keeps it.

    Attributes:
        run: The run as it stands in the middle of the step: reads see what was written.
        at: The time of the event.
    """

    def __init__(self, run: Run, at: float) -> None:
        self._tasks = immutables.Map(run.tasks).mutate()
        self._order = run.order
        self._changed: dict[TaskPath, Task] = {}
        self._removed: dict[TaskPath, None] = {}
        self._commands: list[Command] = []
        self._agenda: deque[tuple[Look, TaskPath]] = deque()
        self.run = replace(run, tasks=cast("Mapping[TaskPath, Task]", self._tasks))
        self.at = at

    def __getitem__(self, path: TaskPath) -> Task:
        return self._tasks[path]

    def put(self, task: Task) -> Task:
        """Write a task; the newest state of a path wins."""
        path = task.path
        self._tasks[path] = task
        self._changed.pop(path, None)
        self._changed[path] = task
        if self._removed:
            self._removed.pop(path, None)
        return task

    def remove(self, path: TaskPath) -> None:
        """Take a task away."""
        del self._tasks[path]
        self._changed.pop(path, None)
        self._removed[path] = None

    def start(self, task: Task, **changes: Any) -> Task:
        """Write the task as RUNNING from now, unless it began before."""
        if task.started_order:
            return self.put(replace(task, state=State.RUNNING, **changes))
        place = self._place()
        return self.put(replace(task, state=State.RUNNING, started_at=self.at, started_order=place, **changes))

    def finish(self, task: Task, state: State, **changes: Any) -> Task:
        """Write the task as final from now."""
        place = self._place()
        started = task.started_order or place
        final = replace(task, state=state, finished_at=self.at, finished_order=place, started_order=started, **changes)
        return self.put(final)

    def command(self, command: Command) -> None:
        """Add to what the shell must do."""
        self._commands.append(command)

    def later(self, look: Look, path: TaskPath) -> None:
        """Put a path on the agenda, behind what is on it already."""
        self._agenda.append((look, path))

    def next_look(self) -> tuple[Look, TaskPath] | None:
        """Take what is next on the agenda; None where nothing is left to look at."""
        return self._agenda.popleft() if self._agenda else None

    def done(self) -> Step:
        """The step."""
        run = replace(self.run, tasks=self._tasks.finish(), order=self._order)
        return Step(
            run=run, changed=list(self._changed.values()), removed=tuple(self._removed), commands=tuple(self._commands)
        )

    def _place(self) -> int:
        self._order += 1
        return self._order
