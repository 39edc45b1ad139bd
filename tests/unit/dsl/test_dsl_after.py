"""Who waits for whom when a task is told to run after a handler, with SDKs that cannot compile that."""

import re

import pytest

from postlude.dsl.after import Wait, ends
from postlude.dsl.sdk import DslError

LINES = {
    "beside": ("beside",),
    "deep": ("for-loop-3", "condition-4", "deep"),
    "inner": ("exit-handler-1", "inner"),
    "exit-handler-1": ("exit-handler-1",),
    "exit-handler-2": ("exit-handler-1", "exit-handler-2"),
}


@pytest.mark.parametrize(
    ("task", "handler", "found"),
    [
        pytest.param("beside", "exit-handler-1", ("beside", "exit-handler-1"), id="in-the-same-dag"),
        pytest.param("deep", "exit-handler-1", ("for-loop-3", "exit-handler-1"), id="the-group-around-the-task-waits"),
        pytest.param("inner", "exit-handler-2", ("inner", "exit-handler-2"), id="both-in-a-group"),
    ],
)
def test_ends(task: str, handler: str, found: tuple[str, str]) -> None:
    assert ends(Wait(task, handler), LINES) == found


def test_a_handler_in_a_group_of_its_own_cannot_be_waited_for() -> None:
    text = (
        "beside: is told to run after 'exit-handler-2', which is inside 'exit-handler-1'. "
        "Let it run after 'exit-handler-1'."
    )
    with pytest.raises(DslError, match=f"^{re.escape(text)}$"):
        ends(Wait("beside", "exit-handler-2"), LINES)
