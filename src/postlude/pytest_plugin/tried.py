"""A run that a test made, and what a test asks of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from postlude.api.result import Run, TaskRun
from postlude.pytest_plugin.names import Meant, Names, UnknownTaskError
from postlude.pytest_plugin.show import tree_and_verdict
from postlude.pytest_plugin.told import Told, tellings
from postlude.spec.paths import covers
from postlude.testing.stand_ins import Call, StandIns

_SUCCEEDED: Final = "SUCCEEDED"
_FAILED: Final = "FAILED"


class TriedRun(Run, frozen=True, kw_only=True):
    """A finished run, real or simulated, with what tests ask for.

    A task is named as in `PostludeFixture.run`: by its path, its name, the name of its component, or the component.

    Attributes:
        names: The tasks of the pipeline.
        stand_ins: Who took the place of components.
        simulated: Whether no component ran.
        made_up: Of a simulation a sentence for each condition or loop that a made-up value decided.
        without_effect: A sentence for each fault that never happened.
    """

    names: Names
    stand_ins: StandIns
    simulated: bool = False
    made_up: Sequence[str] = ()
    without_effect: Sequence[str] = ()

    def __str__(self) -> str:
        """The run as a tree, and the verdict: root cause, log, what exit tasks were told."""
        return tree_and_verdict(self.document)

    # --- what came of it ---

    @property
    def states(self) -> Mapping[str, str]:
        """The final state of every task and group by path, in the order of their start."""
        return {path: task.state for path, task in self.tasks.items()}

    @property
    def exit_order(self) -> Sequence[str]:
        """The paths of the exit tasks that came to run, in the order of their start."""
        exits = (task for task in self.tasks.values() if task.document["exit_of"])
        return [task.path for task in exits if task.document["started_at"]]

    def task(self, which: Any) -> TaskRun:
        """The task or group that is meant.

        Raises:
            LookupError: There is none, or more than one; the message says which there are.
        """
        tasks = self.tasks
        if isinstance(which, str) and which in tasks:
            return tasks[which]
        found = [task for path, task in tasks.items() if _means(self._meant(which), path)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise LookupError(f"{_shown(which)}: the run came to no such task.\n{self}")
        paths = ", ".join(task.path for task in found)
        raise LookupError(f"{_shown(which)} means {len(found)} tasks: {paths}. Give the path of one.")

    def told(self, which: Any) -> Told:
        """The final status that a task received.

        Raises:
            LookupError: It received none, or several; the message says why.
        """
        task = self.task(which)
        found = list(tellings(task.inputs))
        if len(found) == 1:
            return found[0]
        if found:
            raise LookupError(f"{task.path} was told of {len(found)} things. Read them from its inputs.")
        why = "it takes no final status" if task.attempts or task.state == _SUCCEEDED else f"it is {task.state}"
        raise LookupError(f"{task.path} was told nothing: {why}.\n{self}")

    def calls(self, which: Any) -> Sequence[Call]:
        """The calls of the function that took a task's place: one for each attempt, in the order of their start.

        Raises:
            LookupError: No function was to take its place; the message says for which tasks there was one.
        """
        meant = self._meant(which)
        if not any(self.stand_ins.of(path) or _covered(self.stand_ins, path) for path in meant.paths):
            replaced = ", ".join(self.stand_ins.paths) or "none"
            raise LookupError(f"{_shown(which)}: no function takes its place. Replaced: {replaced}.")
        return [call for call in self.stand_ins.calls if _means(meant, call.path)]

    # --- checks that explain themselves ---

    def assert_succeeded(self) -> None:
        """See that the run SUCCEEDED.

        Raises:
            AssertionError: It did not; the message has the tree and the root cause.
        """
        __tracebackhide__ = True
        if self.state != _SUCCEEDED:
            raise AssertionError(f"the run is {self.state}\n{self}")

    def assert_failed(self, *tasks: Any) -> None:
        """See that the run FAILED, and that these tasks, if any are named, are those that failed by themselves.

        Raises:
            AssertionError: It did not, or others did; the message has the tree and the root cause.
        """
        __tracebackhide__ = True
        if self.state != _FAILED:
            raise AssertionError(f"the run is {self.state}, not FAILED\n{self}")
        failed = {task.path for task in self.failures}
        wanted = {path for which in tasks for path in self._failures_meant(which, failed)}
        if tasks and failed != wanted:
            said = f"failed by themselves: {_listed(failed)}; expected: {_listed(wanted)}"
            raise AssertionError(f"{said}\n{self}")

    # --- how it is done ---

    def _meant(self, which: Any) -> Meant:
        try:
            return self.names.find(which)
        except UnknownTaskError as error:
            raise LookupError(f"{_shown(which)}: {error}") from None

    def _failures_meant(self, which: Any, failed: set[str]) -> Sequence[str]:
        """The failed tasks that are meant; where none of them failed, the tasks that should have."""
        meant = self._meant(which)
        return [path for path in failed if _means(meant, path)] or meant.paths


def _means(meant: Meant, path: str) -> bool:
    return any(covers(one, path) for one in meant.paths)


def _covered(stand_ins: StandIns, path: str) -> bool:
    """Whether somebody stands in for some iteration of the task at a path with "[*]"."""
    return any(covers(path, one) for one in stand_ins.paths)


def _listed(paths: set[str]) -> str:
    return ", ".join(sorted(paths)) or "none"


def _shown(which: Any) -> str:
    return which if isinstance(which, str) else str(getattr(which, "name", repr(which)))
