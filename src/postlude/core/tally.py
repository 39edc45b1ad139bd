"""How the tasks below a group ended: counts, and the failures that everybody asks for."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from postlude.core.run_state import Run, children
from postlude.core.task import State, Tally, Task, TaskPath

KEPT_FAILURES: Final = 50
"""So many failed tasks are listed for a group; the rest is a count. Ten thousand would fit no program's arguments."""


def tally(run: Run, task: Task) -> Tally:
    """How the tasks below a task ended so far, itself included where it is a leaf or was never entered.

    What inner groups know already is not looked for again.
    """
    if task.tally is not None:
        return task.tally
    found = _Found()
    stack = [task]
    while stack:
        one = stack.pop()
        if one.tally is None:
            found.look_at(one)
            stack.extend(reversed([run.tasks[path] for path in children(one)]))
        else:
            found.take_over(run, one.tally)
    return found.tally


@dataclass(slots=True)
class _Found:
    """What a walk through the tasks has found."""

    states: Counter[State] = field(default_factory=Counter)
    failures: list[tuple[int, TaskPath]] = field(default_factory=list)
    failed: int = 0
    not_started: TaskPath | None = None

    @property
    def tally(self) -> Tally:
        earliest = sorted(self.failures)[:KEPT_FAILURES]
        return Tally(
            states=dict(self.states),
            failures=tuple(path for _, path in earliest),
            failed=self.failed,
            not_started=self.not_started,
        )

    def look_at(self, task: Task) -> None:
        """Count one task. A failure is its own if it is a leaf's, or that of a group that could not be entered."""
        if task.kind.is_leaf:
            self.states[task.state] += 1
        if task.entered:
            return
        if task.state is State.FAILED:
            self.failures.append((task.finished_order, task.path))
            self.failed += 1
        elif task.state is State.UPSTREAM_FAILED and self.not_started is None:
            self.not_started = task.path

    def take_over(self, run: Run, inner: Tally) -> None:
        self.states.update(inner.states)
        self.failures += [(run.tasks[path].finished_order, path) for path in inner.failures]
        self.failed += inner.failed
        self.not_started = self.not_started or inner.not_started
