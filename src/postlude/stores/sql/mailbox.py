"""Messages for the drivers of runs, in SQL."""

from postlude.spec.types import Json
from postlude.stores.json_text import to_text
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database
from postlude.stores.sql.texts import Texts


class SqlMailbox:
    """Messages, each given once (`ports.lease.Mailbox`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts = Texts(database.name)

    def post(self, run_id: str, message: Json) -> None:
        """See `Mailbox.post`."""
        row = {"run_id": run_id, "message": to_text(message)}
        with self._database.writing(f"leave a message for run '{run_id}'", durable=True) as transaction:
            transaction.change(statements.POST_MESSAGE, row)

    def collect(self, run_id: str) -> list[Json]:
        """See `Mailbox.collect`."""
        return self._take(run_id) if self._has_messages(run_id) else []

    def _has_messages(self, run_id: str) -> bool:
        with self._database.reading(f"look for messages for run '{run_id}'") as transaction:
            return bool(transaction.select(statements.HAS_MESSAGE, {"run_id": run_id}))

    def _take(self, run_id: str) -> list[Json]:
        """Take the messages that are visible now, by their numbers: one that is still being left stays."""
        with self._database.writing(f"take the messages for run '{run_id}'", durable=True) as transaction:
            found = transaction.select(statements.MESSAGES_TO_TAKE, {"run_id": run_id})
            messages = [
                self._texts.value(text, table="messages", run_id=run_id, part=f"message {number}")
                for number, text in found
            ]
            if found:
                transaction.change_each(statements.TAKE_MESSAGE, [{"number": number} for number, _ in found])
        return messages
