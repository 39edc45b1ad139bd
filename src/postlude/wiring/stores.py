"""What is stored in a home, for commands that look into it or clean it up."""

import os
from pathlib import Path

from postlude.engines.local.clock import SystemClock
from postlude.ports.journal import Catalog
from postlude.runtime.lease import Tenancy
from postlude.stores.home import Home, database_url, open_home
from postlude.stores.sql.store import open_store
from postlude.stores.store import Store


def open_store_of(home: Home) -> Store:
    """The store of an open home.

    Raises:
        ConfigError: The database cannot be used.
    """
    return open_store(database_url(home, os.environ))


def open_stored(home: Path | None = None) -> Store:
    """Everything that is stored in a home.

    Raises:
        ConfigError: The home or the database cannot be used.
    """
    return open_store_of(open_home(home))


def open_catalog(home: Path | None = None) -> Catalog:
    """The runs of a home, to read.

    Raises:
        ConfigError: The home or the database cannot be used.
    """
    return open_stored(home).catalog


def tenancy(store: Store) -> Tenancy:
    """Who drives which run, as this process sees it."""
    return Tenancy(store.leases, SystemClock())
