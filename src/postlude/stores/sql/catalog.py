"""The read side of runs, in SQL."""

from collections.abc import Sequence
from typing import Final

from postlude.spec.types import Json
from postlude.stores.json_text import from_text
from postlude.stores.run_lookup import chosen_run
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database, Transaction

_LAST_CHARACTER: Final = "\U0010ffff"


class SqlCatalog:
    """Runs as they stand (`ports.journal.Catalog`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def runs(self, *, limit: int = 100) -> list[Json]:
        """See `Catalog.runs`."""
        with self._database.reading("list the runs") as transaction:
            texts = transaction.column(statements.NEWEST_RUNS, {"limit": limit})
        return [from_text(text) for text in texts]

    def run(self, run_id: str) -> Json:
        """See `Catalog.run`."""
        with self._database.reading(f"read run '{run_id}'") as transaction:
            row = {"run_id": chosen_run(run_id, _matching(transaction, run_id))}
            (document,) = transaction.column(statements.RUN, row)
            tasks = transaction.column(statements.TASKS, row)
        return {**from_text(document), "tasks": [from_text(task) for task in tasks]}


def _matching(transaction: Transaction, prefix: str) -> Sequence[str]:
    """The ids that begin so, newest first; for "" the newest alone."""
    if not prefix:
        return transaction.column(statements.NEWEST_RUN_ID, {})
    row = {"low": prefix, "high": prefix + _LAST_CHARACTER}
    return transaction.column(statements.RUN_IDS, row)
