"""The local engine's dealings with other processes: it holds the run's lease and opens its letters."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from postlude.core.task import CancelRequested
from postlude.ports.clock import Clock
from postlude.ports.journal import StoreError
from postlude.ports.lease import Leases, Mailbox
from postlude.runtime.lease import RENEW_EVERY_S, Tenancy
from postlude.runtime.requests import read_request

_LOOK_EVERY_S: Final = 0.25


class Office:
    """Keeps a run's lease alive and reads the requests of other processes, a few times a second."""

    wait_s = _LOOK_EVERY_S
    """How long the engine may sleep before it asks again."""

    def __init__(self, leases: Leases, mailbox: Mailbox, clock: Clock) -> None:
        self._tenancy = Tenancy(leases, clock)
        self._mailbox = mailbox
        self._looked = self._renewed = 0.0

    @contextmanager
    def driving(self, run_id: str) -> Iterator[None]:
        """Hold the run.

        Raises:
            HeldError: Its engine lives.
        """
        self._tenancy.take(run_id)
        self._looked = self._renewed = 0.0
        try:
            yield
        except BaseException:
            with suppress(StoreError):  # a lease that stays is taken over; why the run stopped is what people must hear
                self._tenancy.release(run_id)
            raise
        self._tenancy.release(run_id)

    def requests(self, run_id: str, at: float) -> Sequence[CancelRequested]:
        """What was asked for since the last look.

        Raises:
            HeldError: Somebody took the run over.
        """
        if at - self._renewed >= RENEW_EVERY_S:
            self._renewed = at
            self._tenancy.renew(run_id)
        if at - self._looked < _LOOK_EVERY_S:
            return ()
        self._looked = at
        return [read_request(message, at) for message in self._mailbox.collect(run_id)]
