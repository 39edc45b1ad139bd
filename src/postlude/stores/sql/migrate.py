"""Bringing a database to the schema this code reads, forwards only."""

from threading import Lock
from typing import Final

from sqlalchemy import Connection, inspect, text

from postlude.spec.problem import ConfigError
from postlude.stores.sql.backend import Access
from postlude.stores.sql.database import Database

NEWEST: Final = "0003"
"""The schema this code reads and writes. Revisions are four digits and count upwards."""

_VERSION: Final = text("SELECT version_num FROM alembic_version")
_REVISION_DIGITS: Final = 4
_ALEMBIC: Final = Lock()
"""Alembic keeps the migration under way in a global variable; threads may open different databases at once."""


def migrate(database: Database) -> None:
    """Make the tables, or bring them up to date. Processes that start together take turns.

    Raises:
        ConfigError: The database is newer than this code, or belongs to another program.
    """
    if _version(database) == NEWEST:
        return
    with database.engine.connect() as connection:
        connection.execution_options(access=Access.DURABLE)
        with connection.begin():
            _migrate_alone(database, connection)


def _version(database: Database) -> str | None:
    with database.engine.connect() as connection, connection.begin():
        return _version_here(connection)


def _version_here(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(_VERSION).scalar()


def _migrate_alone(database: Database, connection: Connection) -> None:
    if database.backend.exclusion:
        connection.exec_driver_sql(database.backend.exclusion)
    found = _version_here(connection)  # Another process may have been here since we looked.
    if found != NEWEST:
        _refuse_foreign(database.name, found)
        _upgrade(connection)


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


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - half a second that only a schema change pays for
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "postlude.stores.sql:migrations")
    with _ALEMBIC:
        command.upgrade(config, "head")
