"""Run by Alembic: applies the steps within the transaction that the caller has opened and will commit."""

from alembic import context

from postlude.stores.sql.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
