"""An executor that runs nothing: each attempt does what a script says."""

from postlude.executors.fake.behaviour import (
    OUT_OF_MEMORY,
    Behaviour,
    Fail,
    Hold,
    NotStart,
    Script,
    Succeed,
    TimeOut,
    Vanish,
    by_path,
)
from postlude.executors.fake.executor import FakeExecutor

__all__ = [
    "OUT_OF_MEMORY",
    "Behaviour",
    "Fail",
    "FakeExecutor",
    "Hold",
    "NotStart",
    "Script",
    "Succeed",
    "TimeOut",
    "Vanish",
    "by_path",
]
