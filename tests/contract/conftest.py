"""The stores that the contracts are held against: in memory, SQLite, and a real PostgreSQL server of the tests' own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from postgres_server import Server, running_server

from postlude.stores.memory import open_memory_store
from postlude.stores.sql import open_store
from postlude.stores.store import Store


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'postlude.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    openers: dict[str, Callable[[], Store]] = {
        "memory": open_memory_store,
        "sqlite": lambda: open_store(request.getfixturevalue("sqlite_url")),
        "postgres": lambda: open_store(request.getfixturevalue("postgres").new_database()),
    }
    with closing(openers[request.param]()) as opened:
        yield opened
