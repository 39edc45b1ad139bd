"""Runs in memory, for simulations, tests and whoever wants no database: gone when the process ends."""

from postlude.stores.memory.store import open_memory_store

__all__ = ["open_memory_store"]
