"""What performs chosen attempts of a simulation: the functions that stand in for components, on files of their own."""

from collections.abc import Callable
from pathlib import Path

from postlude.core.run_state import Run
from postlude.core.task import Failed, Outputs, Succeeded, Task, TaskError
from postlude.executors.fake import FakeExecutor
from postlude.runtime.attempt import Bench, Berth, perform_attempt
from postlude.stores.artifacts.anywhere import open_artifacts
from postlude.stores.home import Home
from postlude.testing.clock import ManualClock
from postlude.testing.replacing_executor import ReplacingExecutor
from postlude.testing.stand_ins import StandIns


def performing(stand_ins: StandIns, directory: Path) -> Callable[[Run, Task], Outputs | TaskError | None]:
    """Performs the attempts of tasks that have a stand-in as a real run does, and no others.

    Args:
        stand_ins: Who takes the place of which task.
        directory: Where it keeps files; nobody else does.
    """
    home, clock = Home(root=directory), ManualClock()
    executor = ReplacingExecutor(FakeExecutor, stand_ins, now=clock.now)
    bench = Bench(executor=executor, artifacts=open_artifacts(home.cache), clock=clock)

    def perform(run: Run, task: Task) -> Outputs | TaskError | None:
        if stand_ins.of(task.path) is None:
            return None
        place = (run.run_id, task.path, task.attempt)
        berth = Berth(directory=home.task_directory(*place), artifacts=home.artifact_place(*place))
        event = perform_attempt(bench, run, task, berth)
        assert isinstance(event, Succeeded | Failed)  # noqa: S101 - an attempt ends in no other way
        return event.outputs if isinstance(event, Succeeded) else event.error

    return perform
