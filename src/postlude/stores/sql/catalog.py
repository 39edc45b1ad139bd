"""The read side of runs, in SQL."""

from collections.abc import Sequence
from typing import Final

from postlude.spec.types import Json
from postlude.stores.run_lookup import chosen_run
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database, Transaction
from postlude.stores.sql.texts import Texts

_LAST_CHARACTER: Final = "\U0010ffff"


class SqlCatalog:
    """Runs as they stand (`ports.journal.Catalog`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts = Texts(database.name)

    def runs(self, *, limit: int = 100) -> list[Json]:
        """See `Catalog.runs`."""
        with self._database.reading("list the runs") as transaction:
            found = transaction.select(statements.NEWEST_RUNS, {"limit": limit})
        return [self._run_document(text, run_id) for run_id, text in found]

    def run(self, run_id: str) -> Json:
        """See `Catalog.run`."""
        with self._database.reading(f"read run '{run_id}'") as transaction:
            chosen = chosen_run(run_id, _matching(transaction, run_id))
            (text,) = transaction.column(statements.RUN, {"run_id": chosen})
            tasks = transaction.select(statements.TASKS, {"run_id": chosen})
        return {**self._run_document(text, chosen), "tasks": self._task_documents(tasks, chosen)}

    def _run_document(self, text: str, run_id: str) -> dict[str, Json]:
        return self._texts.document(text, table="runs", run_id=run_id, part="its document")

    def _task_documents(self, tasks: Sequence[tuple[str, str]], run_id: str) -> list[Json]:
        return [self._texts.document(text, table="tasks", run_id=run_id, part=f"task '{path}'") for path, text in tasks]


def _matching(transaction: Transaction, prefix: str) -> Sequence[str]:
    """The ids that begin so, newest first; for "" the newest alone."""
    if not prefix:
        return transaction.column(statements.NEWEST_RUN_ID, {})
    row = {"low": prefix, "high": prefix + _LAST_CHARACTER}
    return transaction.column(statements.RUN_IDS, row)
