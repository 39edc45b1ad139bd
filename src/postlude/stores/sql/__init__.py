"""Runs in SQLite (one machine) or PostgreSQL (several): one schema, the same promises."""

from postlude.stores.sql.store import open_store

__all__ = ["open_store"]
