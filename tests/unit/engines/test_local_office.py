"""A run's lease, from its first moment to its last."""

import pytest

from postlude.engines.local.clock import SystemClock
from postlude.engines.local.office import Office
from postlude.ports.journal import StoreError
from postlude.ports.lease import Holder
from postlude.stores.memory.kept import Memory
from postlude.stores.memory.lease import MemoryLeases, MemoryMailbox


class Full(MemoryLeases):
    """Leases on a disk that has become full."""

    def release(self, run_id: str, holder: Holder) -> None:
        raise StoreError(f"could not release {run_id} for {holder}")


def office() -> Office:
    memory = Memory()
    return Office(Full(memory), MemoryMailbox(memory), SystemClock())


def test_a_lease_that_cannot_be_given_back_does_not_hide_why_the_run_stopped() -> None:
    with pytest.raises(StoreError, match="could not save the step"), office().driving("run"):
        raise StoreError("could not save the step")


def test_a_lease_that_cannot_be_given_back_is_told() -> None:
    with pytest.raises(StoreError, match="could not release run"), office().driving("run"):
        pass
