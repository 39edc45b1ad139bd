"""Outputs of earlier tasks, in SQL."""

from postlude.spec.types import Json
from postlude.stores.json_text import to_text
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database
from postlude.stores.sql.texts import Texts


class SqlCache:
    """Outputs by fingerprint (`ports.journal.Cache`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts = Texts(database.name)

    def find(self, key: str) -> Json | None:
        """See `Cache.find`."""
        with self._database.reading("look into the cache") as transaction:
            found = transaction.select(statements.FIND_OUTPUTS, {"key": key})
        if not found:
            return None
        run_id, text = found[0]
        return self._texts.value(text, table="cache", run_id=run_id, part=f"key '{key}'")

    def keep(self, key: str, outputs: Json, *, run_id: str, path: str, at: float) -> None:
        """See `Cache.keep`."""
        row = {"key": key, "outputs": to_text(outputs), "run_id": run_id, "path": path, "at": at}
        with self._database.writing(f"cache the outputs of '{path}'", durable=False) as transaction:
            transaction.change(statements.KEEP_OUTPUTS, row)
