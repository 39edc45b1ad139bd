"""What the SQL stores owe when what they stand on fails: damaged rows, a full disk, a database that goes away."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from behind_the_store import name, open_engine, watching_connections
from msgspec.structs import replace
from postgres_server import Server

from postlude.ports.journal import RunRecord, Save, StoreError
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.sql import open_store
from postlude.stores.store import Store

RECORD = RunRecord(
    run_id="r", name="n", pipeline="p", ir_digest="d", ir=({}, None), settings={}, created_at=1700000000.0
)
TASK: Json = {"path": "t", "order": 1, "outputs": {"artifacts": {"a": [{"uri": "/what?"}]}}}


def save(first: int, *tasks: Json) -> Save:
    run = {"run_id": "r", "state": "RUNNING", "step": first}
    return Save(run_id="r", events=[first], first=first, run=run, tasks=tasks, durable=True)


def filled(url: str, steps: int = 3) -> Store:
    """An open store with one run in it."""
    store = open_store(url)
    store.journal.begin(RECORD)
    for first in range(steps):
        store.journal.append(save(first, TASK))
    store.cache.keep("k", {}, run_id="r", path="t", at=1.0)
    store.mailbox.post("r", "stop")
    return store


def change(url: str, statement: str) -> None:
    """Change the database behind the store's back."""
    with open_engine(url) as engine, engine.begin() as connection:
        connection.execute(sa.text(statement))


# --- damaged rows -----------------------------------------------------------------------------------------------------

RESTORE = "restore the database from a backup, or run the pipeline again"
NO_CACHE = "restore the database from a backup, or run with --no-cache"

Read = Callable[[Store], object]


def events(store: Store) -> object:
    return store.journal.events("r")


def later_events(store: Store) -> object:
    return store.journal.events("r", first=2)


def events_to_come(store: Store) -> object:
    return store.journal.events("r", first=3)


def record(store: Store) -> object:
    return store.journal.record("r")


def show(store: Store) -> object:
    return store.catalog.run("")


def listing(store: Store) -> object:
    return store.catalog.runs()


def cached(store: Store) -> object:
    return store.cache.find("k")


def collected(store: Store) -> object:
    return store.mailbox.collect("r")


def used(store: Store) -> object:
    return store.upkeep.used_artifacts()


@pytest.mark.parametrize(
    ("statement", "read", "text"),
    [
        pytest.param(
            "UPDATE journal SET event = '{' WHERE seq = 1",
            events,
            f"table 'journal', run 'r', event 1: is no JSON: '{{'; {RESTORE}",
            id="event-that-is-no-json",
        ),
        pytest.param(
            "DELETE FROM journal WHERE seq = 1",
            events,
            f"table 'journal', run 'r', event 1: is missing; {RESTORE}",
            id="event-missing-in-the-middle",
        ),
        pytest.param(
            "DELETE FROM journal WHERE seq = 2",
            events,
            f"table 'journal', run 'r', event 2: is missing; {RESTORE}",
            id="event-missing-at-the-end",
        ),
        pytest.param(
            "INSERT INTO journal VALUES ('r', 3, '0')",
            events,
            f"table 'journal', run 'r', event 3: is one too many: the run has 3; {RESTORE}",
            id="event-that-nobody-saved",
        ),
        pytest.param(
            "DELETE FROM journal WHERE seq = 2",
            later_events,
            f"table 'journal', run 'r', event 2: is missing; {RESTORE}",
            id="event-missing-among-the-later-ones",
        ),
        pytest.param(
            "INSERT INTO journal VALUES ('r', 3, '0')",
            events_to_come,
            f"table 'journal', run 'r', event 3: is one too many: the run has 3; {RESTORE}",
            id="event-that-nobody-saved-among-those-to-come",
        ),
        pytest.param(
            "UPDATE runs SET settings = 'x'",
            record,
            f"table 'runs', run 'r', its settings: is no JSON: 'x'; {RESTORE}",
            id="settings",
        ),
        pytest.param(
            "UPDATE runs SET settings = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
            record,
            f"table 'runs', run 'r', its settings: is no JSON: '{'x' * 39}...; {RESTORE}",
            id="only-the-beginning-of-a-long-text-is-said",
        ),
        pytest.param(
            "UPDATE pipelines SET ir = ''",
            record,
            f"table 'pipelines', run 'r', pipeline 'd': is no JSON: ''; {RESTORE}",
            id="pipeline",
        ),
        pytest.param(
            "UPDATE pipelines SET ir = '{}'",
            record,
            "table 'pipelines', run 'r', pipeline 'd': is no pair of a pipeline spec and a platform spec; " + RESTORE,
            id="pipeline-that-is-no-pair",
        ),
        pytest.param(
            "UPDATE runs SET document = 'cut off'",
            listing,
            f"table 'runs', run 'r', its document: is no JSON: 'cut off'; {RESTORE}",
            id="listed-run",
        ),
        pytest.param(
            "UPDATE runs SET document = '[1]'",
            show,
            f"table 'runs', run 'r', its document: is no JSON object: '[1]'; {RESTORE}",
            id="shown-run",
        ),
        pytest.param(
            "UPDATE tasks SET document = 'null'",
            show,
            f"table 'tasks', run 'r', task 't': is no JSON object: 'null'; {RESTORE}",
            id="task",
        ),
        pytest.param(
            "UPDATE cache SET outputs = '{'",
            cached,
            f"table 'cache', run 'r', key 'k': is no JSON: '{{'; {NO_CACHE}",
            id="cached-outputs",
        ),
        pytest.param(
            "UPDATE cache SET outputs = '{'",
            used,
            f"table 'cache', run 'r', key 'k': is no JSON: '{{'; {NO_CACHE}",
            id="artifacts-of-cached-outputs",
        ),
        pytest.param(
            "UPDATE tasks SET document = '{'",
            used,
            f"table 'tasks', run 'r', task 't': is no JSON: '{{'; {RESTORE}",
            id="artifacts-of-a-task",
        ),
        pytest.param(
            "UPDATE messages SET message = '{'",
            collected,
            f"table 'messages', run 'r', message 1: is no JSON: '{{'; {RESTORE}",
            id="message",
        ),
    ],
)
def test_a_damaged_row_is_refused_with_its_place(database_url: str, statement: str, read: Read, text: str) -> None:
    with closing(filled(database_url)) as store:
        change(database_url, statement)
        with pytest.raises(StoreError) as refused:
            read(store)
    assert str(refused.value) == f"{name(database_url)}: {text}"


def test_events_that_are_not_wanted_are_not_read(database_url: str) -> None:
    with closing(filled(database_url)) as store:
        change(database_url, "UPDATE journal SET event = '{' WHERE seq = 0")
        assert len(store.journal.events("r", first=1)) == 2


@pytest.mark.parametrize(
    "statement", ["UPDATE large_values SET content = 'text'", "UPDATE large_values SET content = ''"]
)
def test_a_large_value_that_is_not_what_was_saved_is_refused(database_url: str, statement: str) -> None:
    digest = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
    with closing(filled(database_url)) as store:
        store.journal.append(replace(save(3), values={digest: b"x"}))
        change(database_url, statement)
        with pytest.raises(StoreError) as refused:
            store.journal.values("r", [digest])
    fault = f"table 'large_values', run 'r', value '{digest}': is not what was saved; {RESTORE}"
    assert str(refused.value) == f"{name(database_url)}: {fault}"


def test_a_run_whose_pipeline_is_missing_is_refused(sqlite_url: str) -> None:
    with closing(filled(sqlite_url)) as store:
        change(sqlite_url, "DELETE FROM pipelines")
        with pytest.raises(StoreError) as refused:
            store.journal.record("r")
    assert str(refused.value) == f"{name(sqlite_url)}: table 'pipelines', run 'r', pipeline 'd': is missing; {RESTORE}"


def test_the_other_runs_of_a_database_with_a_damaged_one_are_read(database_url: str) -> None:
    with closing(filled(database_url)) as store:
        store.journal.begin(replace(RECORD, run_id="s"))
        change(database_url, "UPDATE runs SET document = '{', settings = '{' WHERE run_id = 'r'")
        assert (store.journal.record("s").run_id, store.journal.unfinished()) == ("s", ["r", "s"])


def test_text_that_is_no_text_is_refused(sqlite_url: str) -> None:
    with closing(filled(sqlite_url)) as store:
        change(sqlite_url, "UPDATE journal SET event = CAST(x'ff22' AS TEXT) WHERE seq = 1")
        with pytest.raises(StoreError) as refused:
            store.journal.events("r")
    text = str(refused.value)
    assert text.startswith(
        f"{name(sqlite_url)}: could not read the events of run 'r': Could not decode to UTF-8 column"
    )
    assert text.endswith("; restore it from a backup, or move it away to start afresh")


def test_a_damaged_file_is_refused(sqlite_url: str) -> None:
    filled(sqlite_url).close()
    file = Path(name(sqlite_url))
    with closing(open_store(sqlite_url)) as store:
        with file.open("r+b") as damaged:
            damaged.seek(4096)
            damaged.write(b"\xff" * (file.stat().st_size - 4096))
        with pytest.raises(StoreError) as refused:
            store.journal.events("r")
    remedy = "restore it from a backup, or move it away to start afresh"
    fault = "could not read the events of run 'r': database disk image is malformed"
    assert str(refused.value) == f"{file}: {fault}; {remedy}"


def test_a_damaged_file_is_not_opened(sqlite_url: str) -> None:
    filled(sqlite_url).close()
    file = Path(name(sqlite_url))
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192)
    with pytest.raises(ConfigError) as refused:
        open_store(sqlite_url)
    fault = f"{file}: cannot be opened: database disk image is malformed"
    assert str(refused.value) == f"{fault}; make it a writable file, move it away to start afresh, or use another home"


# --- a database that goes away ----------------------------------------------------------------------------------------


@contextmanager
def file_gone(file: Path) -> Iterator[None]:
    """The home is elsewhere for as long as the block."""
    away = file.parent.with_name("away")
    file.parent.rename(away)
    try:
        yield
    finally:
        away.rename(file.parent)


@contextmanager
def server_gone(server: Server) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def refusal_of_step_1(store: Store, gone: AbstractContextManager[None]) -> str:
    """What is said when a step is saved while the database is gone. The step can be saved once it is back."""
    with gone, pytest.raises(StoreError) as failed:
        store.journal.append(save(1, TASK))
    before = store.journal.events("r")
    store.journal.append(save(1, TASK))
    assert (before, store.journal.events("r"), store.catalog.run("r")["step"]) == ([0], [0, 1], 1)
    return str(failed.value)


def test_a_step_fails_while_the_file_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "postlude.db"
    file.parent.mkdir()
    with closing(filled(f"sqlite:///{file}", steps=1)) as store:
        said = refusal_of_step_1(store, file_gone(file))
    text = "could not save event 1 of run 'r': the file is gone: No such file or directory"
    remedy = "check that it is there, that it can be reached and that its disk has room"
    assert said == f"{file}: {text}; {remedy}"


def test_a_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "postlude.db"
    with closing(filled(f"sqlite:///{file}")) as store:
        file.unlink()
        for _ in range(2):
            with pytest.raises(StoreError, match="the file is gone"):
                store.journal.events("r")
        with ThreadPoolExecutor(3) as threads:
            tried = [threads.submit(store.journal.append, save(3)) for _ in range(6)]
        assert {type(one.exception()) for one in tried} == {StoreError}
    assert list(tmp_path.glob("*.db")) == []


def test_a_file_put_back_from_a_backup_is_used(tmp_path: Path) -> None:
    file, backup = tmp_path / "postlude.db", tmp_path / "backup.db"
    filled(f"sqlite:///{file}", steps=1).close()
    shutil.copy(file, backup)
    with closing(open_store(f"sqlite:///{file}")) as store:
        store.journal.append(save(1))
        for path in tmp_path.glob("postlude.db*"):
            path.unlink()
        shutil.copy(backup, file)
        assert store.journal.events("r") == [0]
        store.journal.append(save(1))
    with closing(open_store(f"sqlite:///{file}")) as store:
        assert store.journal.events("r") == [0, 1]


def test_a_step_fails_while_the_server_is_gone(postgres: Server) -> None:
    url = postgres.new_database()
    with closing(filled(url, steps=1)) as store:
        said = refusal_of_step_1(store, server_gone(postgres))
    assert said.startswith(f"{name(url)}: could not save event 1 of run 'r': connection ")
    assert said.endswith("; check that it is there, that it can be reached and that its disk has room")


def test_a_server_that_goes_away_in_the_middle_of_a_step_leaves_nothing_of_it(postgres: Server) -> None:
    url = postgres.new_database()

    def cut_off(connection: sa.Connection) -> None:
        (number,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [number])

    @contextmanager
    def cutting_off() -> Iterator[None]:
        sa.event.listen(sa.Engine, "commit", cut_off)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "commit", cut_off)

    with closing(filled(url, steps=1)) as store:
        said = refusal_of_step_1(store, cutting_off())
    assert said.startswith(f"{name(url)}: could not save event 1 of run 'r': ")
    assert said.endswith("; check that it is there, that it can be reached and that its disk has room")


def test_a_server_that_went_away_between_steps_is_not_noticed(postgres: Server) -> None:
    url = postgres.new_database()
    with closing(filled(url, steps=1)) as store:
        with psycopg.connect(url, autocommit=True) as other:
            cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            other.execute(f"{cut} WHERE datname = current_database() AND pid <> pg_backend_pid()")
        store.journal.append(save(1))
        assert store.journal.events("r") == [0, 1]


# --- a full disk ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where a database may be, and a way to have the disk full for as long as a block."""

    directory: Path
    full: Callable[[], AbstractContextManager[None]]


@contextmanager
def mounted(directory: Path) -> Iterator[Disk | None]:
    """A disk of one megabyte; None where the machine lets us mount none."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield Disk(directory=directory, full=lambda: filled_up(directory / "filler"))
    finally:
        if subprocess.run(["umount", str(directory)], check=False).returncode:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
            pytest.fail("a closed store keeps a file open")


@contextmanager
def filled_up(filler: Path) -> Iterator[None]:
    with filler.open("wb", buffering=0) as full, suppress(OSError):
        while True:
            full.write(b"\0" * 4096)
    yield
    filler.unlink()


@contextmanager
def limited(directory: Path) -> Iterator[Disk]:
    """A disk that is full as far as SQLite can tell: its files may not grow."""
    connections: list[sqlite3.Connection] = []

    @contextmanager
    def full() -> Iterator[None]:
        limit(1)
        yield
        limit(2**30)

    def limit(pages: int) -> None:
        for connection in connections:
            connection.execute(f"PRAGMA max_page_count = {pages}")

    with watching_connections(connections.append):
        yield Disk(directory=directory, full=full)


@pytest.fixture(params=["mounted", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with ExitStack() as stack:
        small = stack.enter_context(mounted(tmp_path)) if request.param == "mounted" else None
        yield small or stack.enter_context(limited(tmp_path))


def test_a_full_disk_fails_the_step_whole_and_the_step_follows_when_there_is_room(disk: Disk) -> None:
    file = disk.directory / "postlude.db"
    large = {**TASK, "log": "x" * 400_000}
    with closing(filled(f"sqlite:///{file}", steps=1)) as store:
        before = store.catalog.run("r")
        with disk.full():
            with pytest.raises(StoreError) as failed:
                store.journal.append(save(1, large))
            left = (store.journal.events("r"), store.catalog.run("r"))
        store.journal.append(save(1, large))
    with closing(open_store(f"sqlite:///{file}")) as store:
        after = (store.journal.events("r"), store.catalog.run("r")["tasks"][0]["log"])
    text = "could not save event 1 of run 'r': database or disk is full; free some space on its disk"
    assert (str(failed.value), left, after) == (f"{file}: {text}", ([0], before), ([0, 1], large["log"]))


def test_a_run_begins_whole_or_not_at_all_on_a_full_disk(disk: Disk) -> None:
    file = disk.directory / "postlude.db"
    large = replace(RECORD, run_id="s", ir_digest="e", settings={"x": "x" * 400_000})
    with closing(filled(f"sqlite:///{file}", steps=1)) as store:
        with disk.full(), pytest.raises(StoreError, match="could not begin run 's': database or disk is full"):
            store.journal.begin(large)
        assert store.journal.unfinished() == ["r"]
        store.journal.begin(large)
        assert store.journal.record("s") == large
