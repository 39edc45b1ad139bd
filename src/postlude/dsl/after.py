"""`.after(handler)` for SDKs that take it and then cannot compile it: those between 2.0 and the latest ones."""

import inspect
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from postlude.dsl import sdk
from postlude.dsl.tree import apart, handlers

_SDK_CAN: Final = "ExitHandler" in inspect.unwrap(sdk.PipelineTask.after).__code__.co_names


class Wait(NamedTuple):
    """A task that waits for a handler."""

    task: str
    handler: str


def take_waits(pipeline: Any) -> tuple[Wait, ...]:
    """What waits for handlers, taken out of the pipeline; nothing where the SDK's compiler can do it."""
    if _SDK_CAN:
        return ()
    names = {handler.name for handler in handlers(pipeline.groups[0])}
    waits = [
        Wait(task.name, name) for task in pipeline.tasks.values() for name in task.dependent_tasks if name in names
    ]
    for task in pipeline.tasks.values():
        task.dependent_tasks[:] = [name for name in task.dependent_tasks if name not in names]
    return tuple(waits)


def ends(wait: Wait, line_of: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    """Who waits for whom in the DAG that both are in: the task or a group around it, and the handler.

    Raises:
        DslError: The handler is inside a group that the task is not in.
    """
    waiting, (upstream, *inside) = apart(line_of[wait.task], line_of[wait.handler])
    if inside:
        raise sdk.DslError(
            f"{wait.task}: is told to run after '{wait.handler}', which is inside '{upstream}'. "
            f"Let it run after '{upstream}'."
        )
    return waiting[0], upstream
