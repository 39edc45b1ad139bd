"""What nobody pays for unless they use it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        pytest.param("postlude.stores", "sqlalchemy", id="the-room"),
        pytest.param("postlude.stores.memory", "sqlalchemy", id="memory"),
        pytest.param("postlude.stores.home", "sqlalchemy", id="home"),
        pytest.param("postlude.stores.artifacts.local", "sqlalchemy", id="artifacts"),
        pytest.param("postlude.stores.sql", "alembic", id="sql-without-alembic"),
        pytest.param("postlude.stores.sql", "psycopg", id="sql-without-postgresql"),
    ],
)
def test_importing_a_store_does_not_import(module: str, absent: str) -> None:
    program = f"import sys, {module}; print({absent!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
