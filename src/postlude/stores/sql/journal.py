"""The write side of a run, in SQL."""

from postlude.ports.journal import RunRecord, Save
from postlude.spec.types import Json
from postlude.stores.conflict import already_begun, not_following
from postlude.stores.json_text import from_text, to_text
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database, Transaction
from postlude.stores.sql.rows import artifact_rows, event_rows, task_rows


class SqlJournal:
    """Steps in transactions (`ports.journal.Journal`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, record: RunRecord) -> None:
        """See `Journal.begin`."""
        with self._database.writing(f"begin run '{record.run_id}'", durable=True) as transaction:
            _keep_pipeline(transaction, record)
            row = {
                "run_id": record.run_id,
                "name": record.name,
                "pipeline": record.pipeline,
                "ir_digest": record.ir_digest,
                "settings": to_text(record.settings),
                "created_at": record.created_at,
            }
            if transaction.change(statements.BEGIN_RUN, row) != 1:
                raise already_begun(record.run_id)

    def append(self, save: Save) -> None:
        """See `Journal.append`."""
        doing = f"save event {save.first} of run '{save.run_id}'"
        with self._database.writing(doing, durable=save.durable) as transaction:
            _advance_run(transaction, save)
            if save.events:
                transaction.change(statements.ADD_EVENT, event_rows(save))
            if save.tasks:
                _save_tasks(transaction, save)

    def events(self, run_id: str) -> list[Json]:
        """See `Journal.events`."""
        with self._database.reading(f"read the events of run '{run_id}'") as transaction:
            texts = transaction.column(statements.EVENTS, {"run_id": run_id})
        return [from_text(text) for text in texts]

    def record(self, run_id: str) -> RunRecord:
        """See `Journal.record`."""
        with self._database.reading(f"read run '{run_id}'") as transaction:
            found = transaction.select(statements.RECORD, {"run_id": run_id})
        if not found:
            raise KeyError(run_id)
        name, pipeline, ir_digest, ir, settings, created_at = found[0]
        spec, platform = from_text(ir)
        return RunRecord(
            run_id=run_id,
            name=name,
            pipeline=pipeline,
            ir_digest=ir_digest,
            ir=(spec, platform),
            settings=from_text(settings),
            created_at=created_at,
        )


def _keep_pipeline(transaction: Transaction, record: RunRecord) -> None:
    """Store the IR unless it is there: writing a large one as text costs milliseconds."""
    if not transaction.select(statements.HAS_PIPELINE, {"digest": record.ir_digest}):
        row = {
            "digest": record.ir_digest,
            "name": record.pipeline,
            "ir": to_text(record.ir),
            "created_at": record.created_at,
        }
        transaction.change(statements.ADD_PIPELINE, row)


def _advance_run(transaction: Transaction, save: Save) -> None:
    """Write the run's document, provided the step is the next one. This also locks the run until the step is stored."""
    row = {
        "run_id": save.run_id,
        "first": save.first,
        "next": save.first + len(save.events),
        "state": save.run.get("state"),
        "document": to_text(save.run),
    }
    if transaction.change(statements.ADVANCE_RUN, row) != 1:
        stored = transaction.column(statements.NEXT_EVENT, {"run_id": save.run_id})
        raise not_following(save, stored[0] if stored else None)


def _save_tasks(transaction: Transaction, save: Save) -> None:
    rows = task_rows(save)
    transaction.change(statements.SAVE_TASK, rows)
    transaction.change(statements.FORGET_ARTIFACTS, [{"run_id": save.run_id, "path": row["path"]} for row in rows])
    artifacts = artifact_rows(save)
    if artifacts:
        transaction.change(statements.ADD_ARTIFACT, artifacts)
