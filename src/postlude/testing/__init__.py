"""For tests of pipelines, of stores and of engines: a clock to turn by hand, and faults to order.

The executor that runs nothing is `postlude.executors.fake.FakeExecutor`, the store without a disk
`postlude.stores.memory.open_memory_store`.
"""

from postlude.runtime.faults import Fault
from postlude.testing.clock import ManualClock
from postlude.testing.faults import FailingJournal
from postlude.testing.faulty_executor import FaultyExecutor

__all__ = ["FailingJournal", "Fault", "FaultyExecutor", "ManualClock"]
