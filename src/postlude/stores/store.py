"""What opening a database gives: the three ports to it, and the way to close it."""

from collections.abc import Callable
from dataclasses import dataclass

from postlude.ports.journal import Cache, Catalog, Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One database seen through its ports.

    Attributes:
        close: Frees every connection; the ports are of no use afterwards. Closing twice is harmless.
    """

    journal: Journal
    catalog: Catalog
    cache: Cache
    close: Callable[[], None]
