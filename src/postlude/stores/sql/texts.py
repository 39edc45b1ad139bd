"""Stored JSON texts as values. One that somebody or something has damaged is refused with its place."""

from collections.abc import Mapping
from typing import Final

from postlude.ports.journal import StoreError
from postlude.spec.types import Json
from postlude.stores.json_text import from_text

_RESTORE: Final = "restore the database from a backup, or run the pipeline again"
_REMEDIES: Final[Mapping[str, str]] = {"cache": "restore the database from a backup, or run with --no-cache"}
_SHOWN: Final = 40


class Texts:
    """The texts of one database.

    Every method takes the text's place: its table, its run, and which of the run's rows or values it is.
    """

    def __init__(self, database: str) -> None:
        self._database = database

    def value(self, text: str, *, table: str, run_id: str, part: str) -> Json:
        """The JSON value that a text holds.

        Raises:
            StoreError: It is no JSON.
        """
        try:
            return from_text(text)
        except (ValueError, TypeError):
            raise self.damaged(f"is no JSON: {_excerpt(text)}", table=table, run_id=run_id, part=part) from None

    def document(self, text: str, *, table: str, run_id: str, part: str) -> dict[str, Json]:
        """The JSON object that a text holds.

        Raises:
            StoreError: It is no JSON object.
        """
        value = self.value(text, table=table, run_id=run_id, part=part)
        if not isinstance(value, dict):
            raise self.damaged(f"is no JSON object: {_excerpt(text)}", table=table, run_id=run_id, part=part)
        return value

    def damaged(self, found: str, *, table: str, run_id: str, part: str) -> StoreError:
        """The refusal of a row that cannot be what was written.

        Args:
            found: What is wrong with it: "is missing".
            table: Where it is stored.
            run_id: Whose it is.
            part: Which of the run's rows or values: "event 3".
        """
        remedy = _REMEDIES.get(table, _RESTORE)
        return StoreError(f"{self._database}: table '{table}', run '{run_id}', {part}: {found}; {remedy}")


def _excerpt(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
