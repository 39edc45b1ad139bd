"""The write side of a run, in SQL."""

from collections.abc import Collection, Sequence
from hashlib import sha256

from postlude.ports.journal import RunRecord, Save
from postlude.spec.types import Json
from postlude.stores.conflict import already_begun, not_following
from postlude.stores.json_text import to_text
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database, Transaction
from postlude.stores.sql.rows import Row, artifact_rows, event_rows, task_rows, value_rows
from postlude.stores.sql.texts import Texts


class SqlJournal:
    """Steps in transactions (`ports.journal.Journal`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts = Texts(database.name)

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
                transaction.change_each(statements.ADD_EVENT, event_rows(save))
            if save.values:
                transaction.change_each(statements.KEEP_VALUE, value_rows(save))
            if save.removed:
                _remove_tasks(transaction, save)
            if save.tasks:
                _save_tasks(transaction, save)

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:
        """See `Journal.events`.

        Raises:
            StoreError: An entry that is wanted is missing or damaged: what follows from the others would be a false
                state.
        """
        row = {"run_id": run_id, "first": first}
        with self._database.reading(f"read the events of run '{run_id}'") as transaction:
            stored = transaction.column(statements.NEXT_EVENT, row)
            found = transaction.select(statements.EVENTS, row)
        self._refuse_gaps(run_id, [seq for seq, _ in found], range(first, stored[0] if stored else 0))
        return [self._texts.value(text, table="journal", run_id=run_id, part=f"event {seq}") for seq, text in found]

    def _refuse_gaps(self, run_id: str, found: list[int], expected: range) -> None:
        if found == list(expected):
            return
        (odd, *_) = sorted(set(found) ^ set(expected))
        fault = "is missing" if odd in expected else f"is one too many: the run has {expected.stop}"
        raise self._texts.damaged(fault, table="journal", run_id=run_id, part=f"event {odd}")

    def unfinished(self) -> list[str]:
        """See `Journal.unfinished`."""
        with self._database.reading("list the unfinished runs") as transaction:
            return transaction.column(statements.UNFINISHED_RUNS, {})

    def record(self, run_id: str) -> RunRecord:
        """See `Journal.record`.

        Raises:
            StoreError: Its pipeline is missing, or the pipeline or its settings are damaged.
        """
        with self._database.reading(f"read run '{run_id}'") as transaction:
            found = transaction.select(statements.RECORD, {"run_id": run_id})
        if not found:
            raise KeyError(run_id)
        name, pipeline, ir_digest, ir, settings, created_at = found[0]
        return RunRecord(
            run_id=run_id,
            name=name,
            pipeline=pipeline,
            ir_digest=ir_digest,
            ir=self._ir(run_id, ir_digest, ir),
            settings=self._texts.value(settings, table="runs", run_id=run_id, part="its settings"),
            created_at=created_at,
        )

    def values(self, run_id: str, digests: Collection[str]) -> dict[str, bytes]:
        """See `Journal.values`."""
        with self._database.reading(f"read values of run '{run_id}'") as transaction:
            found = {
                digest: transaction.column(statements.VALUE, {"run_id": run_id, "digest": digest}) for digest in digests
            }
        return {digest: self._content(run_id, digest, contents) for digest, contents in found.items()}

    def _content(self, run_id: str, digest: str, found: list[bytes]) -> bytes:
        if found and isinstance(found[0], bytes) and f"sha256:{sha256(found[0]).hexdigest()}" == digest:
            return found[0]
        fault = "is not what was saved" if found else "is missing"
        raise self._texts.damaged(fault, table="large_values", run_id=run_id, part=f"value '{digest}'")

    def _ir(self, run_id: str, digest: str, text: str | None) -> tuple[Json, Json]:
        part = f"pipeline '{digest}'"
        if text is None:
            raise self._texts.damaged("is missing", table="pipelines", run_id=run_id, part=part)
        match self._texts.value(text, table="pipelines", run_id=run_id, part=part):
            case [spec, platform]:
                return spec, platform
            case _:
                fault = "is no pair of a pipeline spec and a platform spec"
                raise self._texts.damaged(fault, table="pipelines", run_id=run_id, part=part)


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
    row: Row = {"run_id": save.run_id, "first": save.first, "next": save.first + len(save.events)}
    statement = statements.ADVANCE_DOCUMENTED_RUN
    if save.run is not None:
        row |= {"state": save.run.get("state"), "document": to_text(save.run)}
        statement = statements.ADVANCE_RUN
    if transaction.change(statement, row) != 1:
        stored = transaction.column(statements.NEXT_EVENT, {"run_id": save.run_id})
        raise not_following(save, stored[0] if stored else None)


def _remove_tasks(transaction: Transaction, save: Save) -> None:
    """Delete the tasks, and with them their artifacts."""
    transaction.change_each(statements.REMOVE_TASK, [{"run_id": save.run_id, "path": path} for path in save.removed])


def _save_tasks(transaction: Transaction, save: Save) -> None:
    rows = task_rows(save)
    transaction.change_each(statements.SAVE_TASK, rows)
    others = [row for row in rows if row["path"] not in save.same_artifacts]
    if others:
        _save_artifacts(transaction, save, others)


def _save_artifacts(transaction: Transaction, save: Save, tasks: Sequence[Row]) -> None:
    transaction.change_each(
        statements.FORGET_ARTIFACTS, [{"run_id": save.run_id, "path": task["path"]} for task in tasks]
    )
    artifacts = artifact_rows(save)
    if artifacts:
        transaction.change_each(statements.ADD_ARTIFACT, artifacts)
