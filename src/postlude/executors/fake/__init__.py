"""An executor that runs nothing: each attempt does what a script says."""

from postlude.executors.fake.executor import FakeExecutor
from postlude.ports.behaviour import (
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
