"""Removing old runs, in SQL."""

from postlude.stores.conflict import not_final
from postlude.stores.lineage import uris_of_entry, uris_of_task
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database, Transaction
from postlude.stores.sql.rows import REPLACED
from postlude.stores.sql.texts import Texts


class SqlUpkeep:
    """Removing what nobody needs (`ports.upkeep.Upkeep`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts = Texts(database.name)

    def remove_run(self, run_id: str) -> None:
        """See `Upkeep.remove_run`. The pipeline goes with its last run."""
        row = {"run_id": run_id}
        with self._database.writing(f"remove run '{run_id}'", durable=True) as transaction:
            found = transaction.select(statements.RUN_STATE, row)
            if not found:
                return
            state, digest = found[0]
            if transaction.change(statements.REMOVE_FINAL_RUN, row) != 1:
                raise not_final(run_id, state)
            transaction.change(statements.REMOVE_LEASE, row)
            transaction.change(statements.REMOVE_MESSAGES, row)
            _remove_unused_pipeline(transaction, digest)

    def remove_cached(self, run_id: str) -> int:
        """See `Upkeep.remove_cached`."""
        with self._database.writing(f"remove what run '{run_id}' cached", durable=True) as transaction:
            return transaction.change(statements.REMOVE_OUTPUTS, {"run_id": run_id})

    def used_artifacts(self) -> set[str]:
        """See `Upkeep.used_artifacts`."""
        with self._database.reading("list the artifacts in use") as transaction:
            uris = set(transaction.column(statements.PLAIN_URIS, REPLACED))
            tasks = transaction.select(statements.TASKS_WITH_OTHER_URIS, REPLACED)
            entries = transaction.select(statements.ALL_OUTPUTS, {})
        for run_id, path, text in tasks:
            uris |= uris_of_task(self._texts.document(text, table="tasks", run_id=run_id, part=f"task '{path}'"))
        for key, run_id, text in entries:
            uris |= uris_of_entry(self._texts.value(text, table="cache", run_id=run_id, part=f"key '{key}'"))
        return uris


def _remove_unused_pipeline(transaction: Transaction, digest: str) -> None:
    """Remove the IR that no run refers to. Locked first, so that a run that begins meanwhile is seen, or waits."""
    row = {"digest": digest}
    transaction.select(statements.LOCK_PIPELINE, row)
    transaction.change(statements.REMOVE_UNUSED_PIPELINE, row)
