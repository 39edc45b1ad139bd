"""One engine a run: take the run's lease, keep it, give it back. A lease is taken over only when its holder is dead."""

import contextlib
import os
import socket
import uuid
from pathlib import Path
from typing import Final

from postlude.ports.clock import Clock
from postlude.ports.journal import ConflictError
from postlude.ports.lease import Holder, Lease, Leases

EXPIRES_S: Final = 30.0
"""A holder on another machine counts as dead when it did not renew its lease for so long."""

RENEW_EVERY_S: Final = 5.0

_ENDED: Final = ("Z", "X")
"""States in /proc of processes that nobody has waited for yet."""

_START_TIME: Final = 18
"""Which field after the state it is, see proc(5)."""


class HeldError(ConflictError):
    """Another engine drives the run; the message says which, and what to do."""


class Tenancy:
    """This process's hold on runs."""

    def __init__(self, leases: Leases, clock: Clock) -> None:
        self._leases, self._clock = leases, clock
        self._me = Holder(id=str(uuid.uuid4()), host=_host(), pid=os.getpid(), born=_born(os.getpid()))

    def take(self, run_id: str) -> None:
        """Become the one that drives the run.

        Raises:
            HeldError: Its driver lives.
        """
        found = self._leases.find(run_id)
        driver = self._alive(found)
        if driver is not None:
            raise _held(run_id, driver)
        replaced = None if found is None else found.holder
        if not self._leases.take(run_id, self._me, at=self._clock.now(), replacing=replaced):
            current = self._leases.find(run_id)
            raise _held(run_id, self._me if current is None else current.holder)

    def renew(self, run_id: str) -> None:
        """Show that this process lives.

        Raises:
            HeldError: Somebody took the run over; nothing more may be done to it here.
        """
        if not self._leases.renew(run_id, self._me, at=self._clock.now()):
            found = self._leases.find(run_id)
            raise _held(run_id, self._me if found is None else found.holder)

    def release(self, run_id: str) -> None:
        """Give the run free."""
        self._leases.release(run_id, self._me)

    def driver(self, run_id: str) -> Holder | None:
        """The engine that drives the run; None where nobody does, or where who did is dead."""
        return self._alive(self._leases.find(run_id))

    def _alive(self, lease: Lease | None) -> Holder | None:
        return lease.holder if lease is not None and self._is_alive(lease) else None

    def _is_alive(self, lease: Lease) -> bool:
        if lease.holder.host == self._me.host:
            return lease.holder.pid == self._me.pid or is_process_alive(lease.holder.pid, lease.holder.born)
        return self._clock.now() - lease.renewed_at < EXPIRES_S


def is_process_alive(pid: int, born: str) -> bool:
    """Whether the process that was born then is still there; a pid may have been given to another since."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not born or _born(pid) == born


def _held(run_id: str, holder: Holder) -> HeldError:
    return HeldError(
        f"run {run_id} is driven by process {holder.pid} on {holder.host}: wait for it, "
        f"or end the run with `postlude cancel {run_id}`"
    )


def _host() -> str:
    """The machine, told apart from others of its name, and from itself before a restart."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()}/{boot}" if boot else socket.gethostname()


def _born(pid: int) -> str:
    """When a process began, in the kernel's own count; "" where the machine does not tell, or the process has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in _ENDED else fields[_START_TIME]
