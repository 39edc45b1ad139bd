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
    """A PostgreSQL server that answers on a socket only.

    Attributes:
        directory: Everything of it: its data, its log and its socket.
        programs: Where initdb and pg_ctl are.
        account: Whom it runs as; None for whoever runs the tests.
    """

    directory: Path
    programs: Path
    account: str | None

    def new_database(self) -> str:
        """A URL of a fresh and empty database."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            (number,) = connection.execute("SELECT count(*) FROM pg_database").fetchone() or (0,)
            name = f"test_{number}"
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, database: str) -> str:
        return f"postgresql://postlude@/{database}?host={self.directory}"

    def make(self) -> None:
        """Make the server's files."""
        how = ("--auth", "trust", "--username", "postlude", "--no-sync", "--encoding", "UTF8")
        self._run("initdb", "--pgdata", str(self._data), *how)

    def start(self, *, fsync: bool = False) -> None:
        """Start it; it answers afterwards."""
        flushing = "on" if fsync else "off"
        options = f"-c listen_addresses= -c unix_socket_directories={self.directory} -c fsync={flushing}"
        where = ("--pgdata", str(self._data), "--log", str(self.directory / "log"))
        self._run("pg_ctl", "start", "--wait", *where, "--options", options)

    def stop(self) -> None:
        """Stop it with no regard for its clients."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate", "--pgdata", str(self._data))

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _run(self, program: str, *arguments: str) -> None:
        output = self.directory / "output"
        with output.open("ab") as kept:
            done = subprocess.run(
                [self.programs / program, *arguments],
                cwd=self.directory,
                user=self.account,
                extra_groups=None if self.account is None else [],
                stdin=subprocess.DEVNULL,
                stdout=kept,
                stderr=subprocess.STDOUT,
                timeout=_LONG_S,
                check=False,
            )
        if done.returncode:
            pytest.fail(f"{program} failed: {output.read_text()}")


@contextmanager
def running_server(*, fsync: bool = False) -> Iterator[Server]:
    """A server that runs as long as the block; `fsync` says whether it flushes to the disk, as one in use does."""
    # Short on purpose: the path of a socket may have 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = Server(directory=directory, programs=_programs(), account=_account())
    try:
        if server.account is not None:
            shutil.chown(directory, server.account)
        server.make()
        server.start(fsync=fsync)
        yield server
        server.stop()
    finally:
        shutil.rmtree(directory)


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
