"""The ExitHandler that may stand anywhere in a pipeline.

The SDK takes the exit task out of the tree of groups and writes it to the root at the end. Here it stays an ordinary
task of the DAG in which the handler stands, so that the SDK's compiler brings it its inputs, through whatever groups
are around it, as it does for any task. What makes it an exit task is added afterwards, in `connect.py`.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from postlude.dsl import sdk
from postlude.dsl.passage import Passage, take_from_body
from postlude.dsl.tree import handlers, place

ExitTask = Any
"""A task of the SDK: what calling a component in a pipeline gives."""


class ExitHandler(sdk.tasks_group.ExitHandler):  # type: ignore[misc]  # the SDK has no types
    """A group of tasks, and the exit task that runs once they all have ended, however they ended.

    It takes the place of `kfp.dsl.ExitHandler` and may also stand inside another one, If, Elif, Else, ParallelFor and
    sub-pipelines.

    Args:
        exit_task: The exit task; or a function without arguments that makes it when the group is complete, which may
            therefore use outputs of the group's tasks: `dsl.ExitHandler(lambda: notify(text=train_task.output))`.
        name: What the group is called in displays.

    Raises:
        DslError: The handler cannot work; the message says why.
    """

    def __init__(self, exit_task: ExitTask | Callable[[], ExitTask], name: str | None = None) -> None:
        kind = sdk.tasks_group.TasksGroupType.EXIT_HANDLER
        sdk.TasksGroup.__init__(self, group_type=kind, name=name, is_root=False)
        self.exit_task = exit_task
        self.passages: tuple[Passage, ...] = ()
        if not isinstance(exit_task, sdk.PipelineTask) and not callable(exit_task):
            raise sdk.DslError(
                f"ExitHandler: its exit_task is {exit_task!r}. Give a task, or a function that makes one, "
                "such as: lambda: notify()"
            )

    def __enter__(self) -> Self:
        if _pipeline() is None:
            raise sdk.DslError("ExitHandler: stands in no pipeline. Use it in a function decorated with @dsl.pipeline.")
        if self.tasks or self.groups:
            raise sdk.DslError(f"{self.where}: is entered a second time. Create a handler for each group of tasks.")
        super().__enter__()
        if isinstance(self.exit_task, sdk.PipelineTask):
            self._take(self.exit_task, within=_pipeline().groups[-2])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is None:
            self._finish()

    @property
    def where(self) -> str:
        """The handler as its author knows it, for messages."""
        return f"ExitHandler {self.display_name!r} ({self.name})" if self.display_name else f"ExitHandler {self.name}"

    def _finish(self) -> None:
        if not self.tasks and not self.groups:
            raise sdk.DslError(f"{self.where}: has no tasks. Put a task into it, or drop it.")
        if not isinstance(self.exit_task, sdk.PipelineTask):
            self._take(self._made(), within=_pipeline().groups[-1])
        self.passages = take_from_body(self, self.exit_task, self.where)

    def _made(self) -> ExitTask:
        made = self.exit_task()
        if isinstance(made, sdk.PipelineTask):
            return made
        raise sdk.DslError(
            f"{self.where}: the function given as exit_task returned {made!r}. Let it return a task, such as: "
            "lambda: notify()"
        )

    def _take(self, task: ExitTask, *, within: Any) -> None:
        """Make it this handler's exit task, in the DAG in which the handler stands."""
        self.exit_task = task
        for fault in self._faults(task):
            raise sdk.DslError(f"{self.where}: {fault}")
        place(task, within, _pipeline().groups[0])

    def _faults(self, task: ExitTask) -> Iterator[str]:
        others = (each for each in handlers(_pipeline().groups[0]) if each is not self)
        if other := next((each for each in others if each.exit_task is task), None):
            yield f"its exit task '{task.name}' is that of {other.name} too. Create an exit task for each."
        if task.importer_spec is not None:
            yield f"its exit task '{task.name}' is an importer. An exit task runs code: use a component."
        if task.dependent_tasks:
            yield after_others(task)


def after_others(task: ExitTask) -> str:
    """Why an exit task may not be told what to come after."""
    named = ", ".join(f"'{each}'" for each in task.dependent_tasks)
    return (
        f"its exit task '{task.name}' is told to run after {named}. An exit task runs after its own group alone: drop "
        ".after(), or pass it an output of what it must wait for."
    )


def _pipeline() -> Any:
    return sdk.Pipeline.get_default_pipeline()
