"""What other processes may ask of the engine that drives a run, as messages."""

import msgspec

from postlude.core.task import CancelRequested
from postlude.spec.types import Json


def cancel_message(*, force: bool = False, exit_tasks: bool = True, let_finish: bool = False) -> Json:
    """The message that asks for the end of a run; see `CancelRequested`."""
    return {"request": "cancel", "force": force, "exit_tasks": exit_tasks, "let_finish": let_finish}


def read_request(message: Json, at: float) -> CancelRequested:
    """The event that a message asks for.

    Raises:
        msgspec.ValidationError: Nobody writes such messages.
    """
    fields = {key: value for key, value in message.items() if key != "request"}
    return msgspec.convert({**fields, "at": at}, CancelRequested)
