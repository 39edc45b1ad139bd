"""For tests of pipelines, stores and engines: a clock to turn by hand, faults to order, functions for components.

The executor that runs nothing is `postlude.executors.fake.FakeExecutor`, the store without a disk
`postlude.stores.memory.open_memory_store`.
"""

from postlude.runtime.faults import Fault
from postlude.testing.artifact import Artifact
from postlude.testing.clock import ManualClock
from postlude.testing.faults import FailingJournal
from postlude.testing.faulty_executor import FaultyExecutor
from postlude.testing.replacing_executor import ReplacingExecutor
from postlude.testing.stand_ins import Call, StandIn, StandIns

__all__ = [
    "Artifact",
    "Call",
    "FailingJournal",
    "Fault",
    "FaultyExecutor",
    "ManualClock",
    "ReplacingExecutor",
    "StandIn",
    "StandIns",
]
