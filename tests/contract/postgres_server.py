"""A PostgreSQL server that the tests start for themselves."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_LONG_S = 120
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A PostgreSQL server that answers on a socket only."""

    sockets: Path

    def new_database(self) -> str:
        """A URL of a fresh and empty database."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            (number,) = connection.execute("SELECT count(*) FROM pg_database").fetchone() or (0,)
            name = f"test_{number}"
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, database: str) -> str:
        return f"postgresql://postlude@/{database}?host={self.sockets}"


@contextmanager
def running_server() -> Iterator[Server]:
    """A server that runs as long as the block."""
    programs = _programs()
    account = _account()
    # Short on purpose: the path of a socket may have 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        yield from _served(programs, directory, account)
    finally:
        shutil.rmtree(directory)


def _served(programs: Path, directory: Path, account: str | None) -> Iterator[Server]:
    if account is not None:
        shutil.chown(directory, account)
    data = directory / "data"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, *arguments],
            cwd=directory,
            user=account,
            extra_groups=None if account is None else [],
            stdin=subprocess.DEVNULL,
            stdout=(directory / "output").open("ab"),
            stderr=subprocess.STDOUT,
            timeout=_LONG_S,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {(directory / 'output').read_text()}")

    run("initdb", "--pgdata", str(data), "--auth", "trust", "--username", "postlude", "--no-sync", "--encoding", "UTF8")
    options = f"-c listen_addresses= -c unix_socket_directories={directory} -c fsync=off"
    run("pg_ctl", "start", "--wait", "--pgdata", str(data), "--log", str(directory / "log"), "--options", options)
    try:
        yield Server(sockets=directory)
    finally:
        run("pg_ctl", "stop", "--wait", "--mode", "immediate", "--pgdata", str(data))


def _programs() -> Path:
    """Where the server's programs are: the newest version that Debian has installed, or the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which("initdb")
    if found is None:
        pytest.fail("these tests start a PostgreSQL server, and there is no initdb: apt-get install postgresql")
    return Path(found).resolve().parent


def _account() -> str | None:
    """Whom the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)
