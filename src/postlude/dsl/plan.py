"""What is special about the pipeline that is being compiled."""

from typing import Any, Final

import msgspec

from postlude.dsl.after import Wait


class Plan(msgspec.Struct, frozen=True):
    """What the SDK's compiler does not know of a pipeline.

    Attributes:
        handlers: Its exit handlers.
        regardless: Groups that start whatever their upstreams ended with.
        waits: What waits for handlers, where the SDK's compiler cannot do that.
    """

    handlers: tuple[Any, ...] = ()
    regardless: tuple[Any, ...] = ()
    waits: tuple[Wait, ...] = ()

    def ends_with(self, task: Any) -> bool:
        """Whether the task is an exit task."""
        return any(handler.exit_task is task for handler in self.handlers)


NOTHING: Final = Plan()
"""The plan for a pipeline that is the SDK's own business."""
