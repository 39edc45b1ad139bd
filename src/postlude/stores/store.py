"""What opening a database gives: the ports to it, and the way to close it."""

from collections.abc import Callable

import msgspec

from postlude.ports.journal import Cache, Catalog, Journal
from postlude.ports.lease import Leases, Mailbox
from postlude.ports.upkeep import Upkeep


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """One database seen through its ports.

    Attributes:
        close: Frees every connection; the ports are of no use afterwards. Closing twice is harmless.
    """

    journal: Journal
    catalog: Catalog
    cache: Cache
    leases: Leases
    mailbox: Mailbox
    upkeep: Upkeep
    close: Callable[[], None]
