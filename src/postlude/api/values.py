"""Large values of runs, read again from where the runs are kept."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from postlude.runtime.values import read_value
from postlude.spec.types import Json
from postlude.stores.home import open_home
from postlude.wiring.stores import open_stored


def fetching(home: Path | None, run_id: str) -> Callable[[str], Json]:
    """Reads values of a run by their digests.

    The store is opened for each: a run is an ordinary value, which nobody closes, and may have none that is large.

    Args:
        home: Where the run is kept; None for POSTLUDE_HOME, else the user's data directory.
        run_id: The run.

    Returns:
        A function that raises `StoreError` where the value is gone.
    """
    root = open_home(home).root  # now, since the variable may change before anybody asks for a value

    def fetch(digest: str) -> Json:
        with closing(open_stored(root)) as store:
            return read_value(store.journal.values(run_id, [digest])[digest])

    return fetch
