"""Bringing a database to the schema this code reads, forwards only."""

from threading import Lock
from typing import TYPE_CHECKING, Final

from postlude.spec.problem import ConfigError
from postlude.spec.types import NOTHING
from postlude.stores.sql.database import Access, Database, Statement, Transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

NEWEST: Final = "0003"
"""The schema this code reads and writes. Revisions are four digits and count upwards."""

_VERSION: Final = Statement("SELECT version_num FROM alembic_version")
_STAMP: Final = Statement("INSERT INTO alembic_version (version_num) VALUES (:version)")
_REVISION_DIGITS: Final = 4
_ALEMBIC: Final = Lock()
"""Alembic keeps the migration under way in a global variable; threads may open different databases at once."""


def migrate(database: Database) -> None:
    """Make the tables, or bring them up to date. Processes that start together take turns.

    Raises:
        ConfigError: The database is newer than this code, or belongs to another program.
    """
    with database.opened(Access.READ) as transaction:
        found = _version(database, transaction)
    if found == NEWEST or _made_afresh(database):
        return
    with database.migrating() as (connection, transaction):
        found = _version(database, transaction)  # Another process may have been here since we looked.
        if found != NEWEST:
            _refuse_foreign(database.name, found)
            _upgrade(connection)


def _version(database: Database, transaction: Transaction) -> str | None:
    if not transaction.select(database.version_table, NOTHING):
        return None
    versions = transaction.column(_VERSION, NOTHING)
    return str(versions[0]) if versions else None


def _made_afresh(database: Database) -> bool:
    """Make the newest schema at once in a database without any, which saves the import of Alembic."""
    if not database.fresh_schema:
        return False
    with database.opened(Access.DURABLE) as transaction:
        if transaction.select(database.any_table, NOTHING):
            return False
        for statement in database.fresh_schema:
            transaction.change(statement, NOTHING)
        transaction.change(_STAMP, {"version": NEWEST})
    return True


def _refuse_foreign(name: str, found: str | None) -> None:
    if found is None:
        return
    if not (found.isdecimal() and len(found) == _REVISION_DIGITS):
        raise ConfigError(
            f"{name} belongs to another program (its schema is '{found}'): give Postlude its own database"
        )
    if found > NEWEST:
        raise ConfigError(
            f"{name} was written by a newer Postlude (schema {found}, and this one knows {NEWEST}): "
            "upgrade Postlude, or use another home"
        )


def _upgrade(connection: "Connection") -> None:
    from alembic import command  # noqa: PLC0415 - half a second that only a schema change pays for
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "postlude.stores.sql:migrations")
    with _ALEMBIC:
        command.upgrade(config, "head")
