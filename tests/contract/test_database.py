"""What the SQL stores owe beyond the ports: opening, upgrading, durability, lineage, and several processes at once."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from behind_the_store import open_engine, watching_connections
from msgspec.structs import replace

from postlude.ports.journal import RunRecord, Save
from postlude.ports.lease import Holder, Lease
from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.stores.sql import open_store
from postlude.stores.sql.database import Statement
from postlude.stores.sql.migrate import NEWEST, migrate
from postlude.stores.sql.schema import METADATA
from postlude.stores.sql.sqlite import SqliteDatabase
from postlude.stores.sql.store import open_database

DATA = Path(__file__).parent.parent / "data"
WRITER = Path(__file__).parent / "writer_process.py"
LONG_S = 60
RECORD = RunRecord(
    run_id="r", name="n", pipeline="p", ir_digest="d", ir=({}, None), settings={}, created_at=1700000000.0
)
MODEL: Json = {"name": "model", "uri": "/a/model", "type": "system.Model", "digest": "sha256:00", "metadata": {}}


def save(first: int, *tasks: Json, durable: bool = False) -> Save:
    return Save(run_id="r", events=[first], first=first, run={"state": "RUNNING"}, tasks=tasks, durable=durable)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with open_engine(url) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


# --- opening ----------------------------------------------------------------------------------------------------------


def test_the_migrations_make_the_schema_that_the_code_declares(database_url: str) -> None:
    open_store(database_url).close()
    with open_engine(database_url) as engine, engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_new_file_is_what_the_migrations_would_have_made(tmp_path: Path) -> None:
    fresh, migrated = SqliteDatabase(str(tmp_path / "fresh.db")), SqliteDatabase(str(tmp_path / "migrated.db"))
    migrated.fresh_schema = ()
    for database in (fresh, migrated):
        migrate(database)
        database.close()
    assert schema_of(fresh) == schema_of(migrated)


def schema_of(database: SqliteDatabase) -> dict[str, str]:
    """What SQLite has written down of each table and index, however its spaces are set; and the stamp."""
    with closing(sqlite3.connect(database.name)) as connection:
        found = connection.execute("SELECT name, coalesce(sql, '') FROM sqlite_master").fetchall()
        (stamp,) = connection.execute("SELECT group_concat(version_num) FROM alembic_version").fetchone()
    return {name: re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split())) for name, sql in found} | {"stamp": stamp}


def test_a_new_file_is_made_without_the_migration_machinery(sqlite_url: str) -> None:
    program = (
        "import sys; from postlude.stores.sql import open_store; open_store(sys.argv[1]).close();"
        "print(sorted({'alembic', 'sqlalchemy'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url], capture_output=True, text=True, timeout=LONG_S, check=True
    )
    assert done.stdout == "[]\n"
    assert rows(sqlite_url, "SELECT version_num FROM alembic_version") == [(NEWEST,)]


def test_a_file_with_tables_of_its_own_is_migrated_beside_them(sqlite_url: str) -> None:
    with closing(sqlite3.connect(file_of(sqlite_url))) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with closing(open_store(sqlite_url)) as store:
        store.journal.begin(RECORD)
    assert rows(sqlite_url, "SELECT count(*) FROM notes") == [(0,)]


def test_the_newest_revision_is_the_one_the_code_names(database_url: str) -> None:
    open_store(database_url).close()
    assert rows(database_url, "SELECT version_num FROM alembic_version") == [(NEWEST,)]


def test_what_was_stored_is_there_when_the_database_is_opened_again(database_url: str) -> None:
    with closing(open_store(database_url)) as store:
        store.journal.begin(RECORD)
    with closing(open_store(database_url)) as store:
        assert store.journal.record("r") == RECORD


def test_an_up_to_date_database_opens_without_the_migration_machinery(sqlite_url: str) -> None:
    open_store(sqlite_url).close()
    program = (
        "import sys; from postlude.stores.sql import open_store; open_store(sys.argv[1]).close();"
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url], capture_output=True, text=True, timeout=LONG_S, check=True
    )
    assert done.stdout == "False\n"


@pytest.fixture(params=["0001", "0002", "0003"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a database that a release wrote."""
    return Path(shutil.copy(DATA / f"revision_{request.param}.db", tmp_path / "postlude.db"))


TABLES_OF_0001 = [METADATA.tables[name] for name in ("pipelines", "runs", "journal", "tasks", "artifacts", "cache")]


def contents(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table that the first release had, as its columns were then: none was added since."""
    with open_engine(f"sqlite:///{file}") as engine, engine.connect() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(sa.select(table))) for table in TABLES_OF_0001
        }


def test_a_database_of_every_release_opens(kept: Path) -> None:
    with closing(open_store(f"sqlite:///{kept}")) as store:
        record, events = store.journal.record("kept"), store.journal.events("kept")
        (task,), entry = store.catalog.run("kept")["tasks"], store.cache.find("key")
    assert (record.name, record.pipeline, record.ir) == (
        "nightly",
        "train",
        ({"pipelineInfo": {"name": "train"}}, None),
    )
    assert events == [{"type": "started", "path": "fetch"}, {"type": "succeeded", "path": "fetch"}]
    assert entry is not None
    assert (task["path"], task["state"], entry["parameters"]) == ("fetch", "SUCCEEDED", {"rows": 3})


def test_an_upgrade_keeps_every_row(kept: Path) -> None:
    before = contents(kept)
    open_store(f"sqlite:///{kept}").close()
    assert all(before[table] for table in ("pipelines", "runs", "journal", "tasks", "cache"))
    assert (contents(kept), rows(f"sqlite:///{kept}", "SELECT version_num FROM alembic_version")) == (
        before,
        [(NEWEST,)],
    )


def test_an_upgraded_database_has_the_schema_of_a_new_one(kept: Path) -> None:
    open_store(f"sqlite:///{kept}").close()
    with open_engine(f"sqlite:///{kept}") as engine, engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_upgraded_database_is_worked_with(kept: Path) -> None:
    with closing(open_store(f"sqlite:///{kept}")) as store:
        store.journal.append(Save(run_id="kept", events=["retry"], first=2, run={"state": "RUNNING"}, tasks=[]))
        store.mailbox.post("kept", "stop")
        taken = store.leases.take("kept", Holder(id="e", host="h", pid=1), at=1.0)
        found = (
            store.journal.unfinished()[0],
            taken,
            store.mailbox.collect("kept"),
            store.upkeep.remove_cached("kept"),
        )
    assert found == ("kept", True, ["stop"], 1)


def test_leases_and_messages_of_the_second_release_are_read(tmp_path: Path) -> None:
    file = shutil.copy(DATA / "revision_0002.db", tmp_path / "postlude.db")
    with closing(open_store(f"sqlite:///{file}")) as store:
        lease, messages = store.leases.find("driven"), store.mailbox.collect("driven")
        found = (store.journal.unfinished(), store.upkeep.used_artifacts())
    holder = Holder(id="engine", host="machine", pid=42, born="7")
    assert (lease, messages) == (Lease(holder=holder, renewed_at=1763900002.0), [{"type": "cancel", "force": False}])
    assert found == (["driven"], {"/home/artifacts/kept/fetch/1/data"})


def test_large_values_of_the_third_release_are_read(tmp_path: Path) -> None:
    file = shutil.copy(DATA / "revision_0003.db", tmp_path / "postlude.db")
    content = b"large" * 1000
    digest = f"sha256:{sha256(content).hexdigest()}"
    with closing(open_store(f"sqlite:///{file}")) as store:
        assert store.journal.values("kept", [digest]) == {digest: content}


def test_processes_that_start_together_make_the_tables_once(database_url: str) -> None:
    program = (
        "import sys, alembic.command; from postlude.stores.sql import open_store;"
        "print('ready', flush=True); sys.stdin.read(); open_store(sys.argv[1]).close()"
    )
    with ExitStack() as ended:
        starting = [
            ended.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program, database_url],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        for process in starting:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in starting:
            assert process.stdin is not None
            process.stdin.close()
        said = [process.stderr.read() for process in starting if process.stderr is not None]
    assert said == ["", "", ""]


def test_threads_may_open_different_databases_at_once(tmp_path: Path) -> None:
    barrier = Barrier(4)

    def first_start(number: int) -> str:
        barrier.wait()
        with closing(open_store(f"sqlite:///{tmp_path / str(number)}.db")) as store:
            store.journal.begin(RECORD)
            return store.journal.record("r").run_id

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(first_start, range(4))) == ["r", "r", "r", "r"]


def test_connections_to_a_new_file_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    barrier = Barrier(4)

    def connect(url: str) -> str:
        barrier.wait()
        with closing(open_database(url)) as database, database.reading("ask") as transaction:
            return str(transaction.column(Statement("PRAGMA journal_mode"), {})[0])

    with ThreadPoolExecutor(4) as threads:
        for number in range(100):
            assert list(threads.map(connect, [f"sqlite:///{tmp_path / str(number)}.db"] * 4)) == ["wal"] * 4


@pytest.mark.parametrize(
    ("version", "text"),
    [
        pytest.param(
            "9999",
            f"was written by a newer Postlude (schema 9999, and this one knows {NEWEST}): "
            "upgrade Postlude, or use another home",
            id="newer",
        ),
        pytest.param(
            "ae1027a6acf",
            "belongs to another program (its schema is 'ae1027a6acf'): give Postlude its own database",
            id="foreign",
        ),
    ],
)
def test_a_database_of_another_schema_is_left_alone(database_url: str, version: str, text: str) -> None:
    with open_engine(database_url) as engine, engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
    with pytest.raises(ConfigError) as refused:
        open_store(database_url)
    assert str(refused.value).endswith(text)
    assert rows(database_url, "SELECT version_num FROM alembic_version") == [(version,)]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "postlude.db"
    file.write_text("this is no database, whatever its name says " * 100)
    with pytest.raises(ConfigError) as refused:
        open_store(f"sqlite:///{file}")
    remedy = "make it a writable file, move it away to start afresh, or use another home"
    assert str(refused.value) == f"{file}: cannot be opened: file is not a database; {remedy}"
    assert file.read_text().startswith("this is no database")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        open_store(f"sqlite:///{tmp_path}")
    remedy = "make it a writable file, move it away to start afresh, or use another home"
    assert str(refused.value) == f"{tmp_path}: cannot be opened: unable to open database file; {remedy}"


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(ConfigError) as refused:
        open_store("postgres://me:secret@/runs?host=/nonexistent")
    text = str(refused.value)
    assert text.startswith("postgresql://me:***@/runs?host=%2Fnonexistent: cannot be opened: ")
    assert text.endswith("; check that the server runs and that the URL names its host, user, password and database")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    text = r"^PostgreSQL needs psycopg, which is not installed: pip install 'postlude\[postgres\]'$"
    with pytest.raises(ConfigError, match=text):
        open_store("postgresql:///runs")


WANTED = "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        pytest.param("runs.db", f"the database URL is not one: {WANTED}", id="no-url"),
        pytest.param(
            "mysql://h/d", f"the database URL names 'mysql', which Postlude does not speak: {WANTED}", id="other"
        ),
        pytest.param("sqlite:///", f"the database URL sqlite:/// names no file: {WANTED}", id="no-file"),
        pytest.param("sqlite:///:memory:", f"the database URL sqlite:///:memory: names no file: {WANTED}", id="memory"),
        pytest.param(
            "postgresql://h", f"the database URL postgresql://h names no database: {WANTED}", id="no-database"
        ),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_store(url)
    assert str(refused.value) == text


def test_a_path_may_hold_the_marks_of_a_url(tmp_path: Path) -> None:
    file = tmp_path / "what?100%25 #1.db"
    open_store(f"sqlite:///{file}").close()
    assert file.exists()


# --- what is written --------------------------------------------------------------------------------------------------


def test_artifacts_are_listed_with_the_tasks_they_go_into_and_come_out_of(database_url: str) -> None:
    strange = {"uri": "/a\0b\ud800"}
    train = {
        "path": "train",
        "order": 1,
        "inputs": {"parameters": {}, "artifacts": {"data": [{"uri": "/a/1"}, {"uri": "/a/2"}]}},
        "outputs": {"parameters": {}, "artifacts": {"model": [MODEL], "odd": [strange]}},
    }
    with closing(open_store(database_url)) as store:
        store.journal.begin(RECORD)
        store.journal.append(save(0, train))
        kept = store.catalog.run("r")["tasks"][0]["outputs"]["artifacts"]["odd"]
    found = rows(
        database_url,
        "SELECT path, direction, name, position, uri, digest, schema_title FROM artifacts"
        " ORDER BY direction, name, position",
    )
    assert (found, kept) == (
        [
            ("train", "in", "data", 0, "/a/1", "", ""),
            ("train", "in", "data", 1, "/a/2", "", ""),
            ("train", "out", "model", 0, "/a/model", "sha256:00", "system.Model"),
            ("train", "out", "odd", 0, "/a\ufffdb?", "", ""),
        ],
        [strange],
    )


def test_artifacts_that_a_task_no_longer_has_are_forgotten(database_url: str) -> None:
    with closing(open_store(database_url)) as store:
        store.journal.begin(RECORD)
        store.journal.append(save(0, {"path": "t", "order": 1, "outputs": {"artifacts": {"m": [MODEL]}}}))
        store.journal.append(save(1, {"path": "t", "order": 1, "outputs": {"artifacts": {}}}))
    assert rows(database_url, "SELECT * FROM artifacts") == []


def test_artifacts_that_stayed_as_they_were_are_left_alone(database_url: str) -> None:
    one, other = ({"path": path, "order": 1, "outputs": {"artifacts": {"m": [MODEL]}}} for path in ("one", "other"))
    with closing(open_store(database_url)) as store:
        store.journal.begin(RECORD)
        store.journal.append(save(0, one, other))
        later = save(1, {**one, "state": "FAILED"}, {**other, "outputs": {"artifacts": {}}})
        store.journal.append(replace(later, same_artifacts={"one"}))
    assert rows(database_url, "SELECT path, name FROM artifacts") == [("one", "m")]


def test_columns_worth_querying_repeat_the_document(database_url: str) -> None:
    task = {"path": "t", "order": 3, "kind": "task", "state": "FAILED", "attempts": 2}
    with closing(open_store(database_url)) as store:
        store.journal.begin(RECORD)
        store.journal.append(save(0, task))
    assert rows(database_url, 'SELECT run_id, path, "order", kind, state, attempts FROM tasks') == [
        ("r", "t", 3, "task", "FAILED", 2)
    ]
    assert rows(database_url, "SELECT name, state, next_event FROM runs") == [("n", "RUNNING", 1)]


@pytest.mark.parametrize(
    ("durable", "expected"),
    [
        pytest.param(True, {"sqlite": "2", "postgresql": "on"}, id="waits-for-the-disk"),
        pytest.param(False, {"sqlite": "1", "postgresql": "off"}, id="does-not-wait"),
    ],
)
def test_only_a_durable_step_waits_for_the_disk(database_url: str, *, durable: bool, expected: dict[str, str]) -> None:
    ask = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}
    seen: dict[str, str] = {}

    def at_commit(connection: sa.Connection) -> None:
        seen["postgresql"] = str(connection.exec_driver_sql(ask["postgresql"]).scalar())

    connections: list[sqlite3.Connection] = []
    with watching_connections(connections.append), closing(open_store(database_url)) as store:
        store.journal.begin(RECORD)
        store.journal.append(save(0, durable=not durable))
        sa.event.listen(sa.Engine, "commit", at_commit)
        try:
            store.journal.append(save(1, durable=durable))
        finally:
            sa.event.remove(sa.Engine, "commit", at_commit)
        for connection in connections:  # One, which keeps what its last transaction was told.
            seen["sqlite"] = str(*connection.execute(ask["sqlite"]).fetchone())
    kind = database_url.partition(":")[0]
    assert seen == {kind: expected[kind]}


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_looking_into_an_empty_mailbox_is_one_indexed_select(sqlite_url: str) -> None:
    sent: list[str] = []

    connections: list[sqlite3.Connection] = []
    with watching_connections(connections.append), closing(open_store(sqlite_url)) as store:
        store.mailbox.post("other", "stop")
        for connection in connections:
            connection.set_trace_callback(sent.append)
        assert store.mailbox.collect("r") == []
        opening, query, ending = sent
    ((*_, plan),) = rows(sqlite_url, f"EXPLAIN QUERY PLAN {query}")
    assert (opening, ending) == ("BEGIN", "COMMIT")
    assert plan == "SEARCH messages USING COVERING INDEX messages_by_run (run_id=?)"


def test_looking_into_an_empty_mailbox_waits_for_no_writer(sqlite_url: str) -> None:
    with closing(open_store(sqlite_url)) as store, closing(sqlite3.connect(file_of(sqlite_url))) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert store.mailbox.collect("r") == []


# --- several processes ------------------------------------------------------------------------------------------------


def start_writer(url: str, run_id: str, steps: int) -> subprocess.Popen[str]:
    """A process that saves steps of its own run and says each number once it is stored."""
    command = [sys.executable, str(WRITER), url, run_id, str(steps)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def assert_whole(url: str, run_id: str, *, at_least: int) -> None:
    """A prefix of the steps is stored, and the last of them completely."""
    with closing(open_store(url)) as store:
        events, run = store.journal.events(run_id), store.catalog.run(run_id)
    stored = len(events)
    assert stored >= at_least
    assert events == list(range(stored))
    tasks = [{"path": path, "step": stored - 1} for path in ("a", "b")]
    assert run == {"run_id": run_id, "step": stored - 1, "tasks": tasks}


def test_two_processes_write_while_a_third_reads(database_url: str) -> None:
    with closing(open_store(database_url)) as reader:
        writers = {run_id: start_writer(database_url, run_id, 200) for run_id in ("one", "two")}
        for run_id, writer in writers.items():
            assert writer.stdout is not None
            for line in writer.stdout:
                run = reader.catalog.run(run_id)
                assert run["step"] >= int(line)
                assert {task["step"] for task in run["tasks"]} == {run["step"]}
            assert writer.wait(LONG_S) == 0
    for run_id in writers:
        assert_whole(database_url, run_id, at_least=200)


@pytest.mark.parametrize("stored", [1, 10, 57])
def test_a_killed_writer_leaves_whole_steps_only(database_url: str, stored: int) -> None:
    writer = start_writer(database_url, "killed", 1_000_000)
    assert writer.stdout is not None
    for _ in range(stored):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    said = stored + len(writer.stdout.read().splitlines())
    assert writer.wait(LONG_S) == -signal.SIGKILL
    assert_whole(database_url, "killed", at_least=said)
    with closing(open_store(database_url)) as store:
        store.journal.append(
            Save(run_id="killed", events=["resumed"], first=len(store.journal.events("killed")), run={}, tasks=[])
        )
        assert store.journal.events("killed")[-1] == "resumed"


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_the_kept_databases_are_as_their_releases_wrote_them(revision: str) -> None:
    file = f"file:{DATA / f'revision_{revision}.db'}?mode=ro&immutable=1"
    with closing(sqlite3.connect(file, uri=True)) as connection:
        found = connection.execute(
            "SELECT version_num, document FROM alembic_version, runs WHERE run_id = 'kept'"
        ).fetchall()
    assert [(version, json.loads(document)["state"]) for version, document in found] == [(revision, "SUCCEEDED")]
