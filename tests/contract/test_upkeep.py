"""What every store owes to those who clean up."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Barrier

import psycopg
import pytest
import sqlalchemy as sa
from behind_the_store import open_engine
from msgspec.structs import replace
from postgres_server import Server

from postlude.core.task import State
from postlude.ports.journal import ConflictError, RunRecord, Save, StoreError
from postlude.ports.lease import Holder
from postlude.spec.types import Json
from postlude.stores.sql import open_store
from postlude.stores.store import Store

HOLDER = Holder(id="engine", host="h", pid=1)
TABLES_OF_A_RUN = ("pipelines", "runs", "journal", "tasks", "artifacts", "leases", "messages", "large_values")


def record(run_id: str, digest: str = "d") -> RunRecord:
    return RunRecord(
        run_id=run_id, name="n", pipeline="p", ir_digest=digest, ir=({"of": digest}, None), settings={}, created_at=1.0
    )


def step(run_id: str, first: int, state: str, tasks: Sequence[Json] = ()) -> Save:
    return Save(run_id=run_id, events=["e"], first=first, run={"run_id": run_id, "state": state}, tasks=tasks)


def task(path: str, *, takes: Sequence[str] = (), gives: Sequence[str] = ()) -> Json:
    sides = {"inputs": takes, "outputs": gives}
    described = {side: {"artifacts": {"a": [{"uri": uri} for uri in uris]}} for side, uris in sides.items()}
    return {"path": path, "order": 1, "state": "SUCCEEDED", **described}


def make_run(store: Store, run_id: str, *, state: str = "SUCCEEDED", tasks: Sequence[Json] = ()) -> None:
    store.journal.begin(record(run_id))
    store.journal.append(step(run_id, 0, state, tasks))


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELED"])
def test_a_final_run_is_removed_with_all_that_is_its_own(store: Store, state: str) -> None:
    make_run(store, "old", state=state, tasks=[task("t", gives=["/a"])])
    make_run(store, "new")
    store.journal.append(replace(step("old", 1, state), values={"sha256:00": b"large"}))
    store.leases.take("old", HOLDER, at=1.0)
    store.mailbox.post("old", "stop")
    store.upkeep.remove_run("old")
    with pytest.raises(KeyError):
        store.journal.record("old")
    with pytest.raises(StoreError, match="run 'old', value 'sha256:00': is missing"):
        store.journal.values("old", ["sha256:00"])
    left = (
        [run["run_id"] for run in store.catalog.runs()],
        store.journal.events("old"),
        store.leases.find("old"),
        store.mailbox.collect("old"),
        store.upkeep.used_artifacts(),
    )
    assert left == (["new"], [], None, [], set())


def test_nothing_of_the_last_run_is_left_in_the_tables(database_url: str) -> None:
    with closing(open_store(database_url)) as store:
        make_run(store, "r", tasks=[task("t", takes=["/a"], gives=["/b"])])
        store.journal.append(replace(step("r", 1, "SUCCEEDED"), values={"sha256:00": b"large"}))
        store.leases.take("r", HOLDER, at=1.0)
        store.mailbox.post("r", "stop")
        before = counts(database_url)
        store.upkeep.remove_run("r")
    assert (set(before.values()) & {0}, counts(database_url)) == (set(), dict.fromkeys(TABLES_OF_A_RUN, 0))


def counts(url: str) -> dict[str, int]:
    with open_engine(url) as engine, engine.connect() as connection:
        counting = {name: sa.select(sa.func.count()).select_from(sa.table(name)) for name in TABLES_OF_A_RUN}
        return {name: connection.execute(query).scalar_one() for name, query in counting.items()}


def test_what_other_runs_have_stays(store: Store) -> None:
    for run_id in ("a", "ab"):
        make_run(store, run_id, tasks=[task("t")])
        store.leases.take(run_id, HOLDER, at=1.0)
        store.mailbox.post(run_id, run_id)
    before = store.catalog.run("ab")
    store.upkeep.remove_run("a")
    left = (
        store.catalog.run("ab"),
        store.journal.record("ab"),
        store.journal.events("ab"),
        store.mailbox.collect("ab"),
    )
    assert left == (before, record("ab"), ["e"], ["ab"])
    assert store.leases.find("ab") is not None


def test_removing_a_run_that_is_not_there_does_nothing(store: Store) -> None:
    make_run(store, "r")
    store.upkeep.remove_run("q")
    assert store.catalog.run("")["run_id"] == "r"


@pytest.mark.parametrize("state", [None, *(state.value for state in State if not state.is_final)])
def test_a_run_that_is_not_final_is_not_removed(store: Store, state: str | None) -> None:
    store.journal.begin(record("r"))
    if state is not None:
        store.journal.append(step("r", 0, state))
    refusal = f"run 'r' is {state or 'not started'} and cannot be removed; resume it or cancel it, and remove it then"
    with pytest.raises(ConflictError) as refused:
        store.upkeep.remove_run("r")
    assert (str(refused.value), store.journal.record("r")) == (refusal, record("r"))


def test_a_run_that_is_gone_on_with_is_either_removed_or_kept_whole(store: Store) -> None:
    for number in range(10):
        run_id = f"r{number}"
        make_run(store, run_id, tasks=[task("t")])
        again = step(run_id, 1, "RUNNING")
        outcomes = race(partial(store.upkeep.remove_run, run_id), partial(store.journal.append, again))
        removed = run_id not in [run["run_id"] for run in store.catalog.runs()]
        assert (outcomes, len(store.journal.events(run_id))) == (
            (["done", "refused"], 0) if removed else (["refused", "done"], 2)
        )


def test_a_pipeline_stays_while_a_run_of_it_begins(store: Store) -> None:
    store.journal.begin(record("r0"))
    for number in range(20):
        old, new = f"r{number}", f"r{number + 1}"
        store.journal.append(step(old, 0, "SUCCEEDED"))
        outcomes = race(partial(store.upkeep.remove_run, old), partial(store.journal.begin, record(new)))
        assert (outcomes, store.journal.record(new)) == (["done", "done"], record(new))


def wait_until_somebody_waits(url: str) -> None:
    """Until another connection to the database waits for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(waiting).fetchall():
            pass


def test_a_run_begins_anew_with_a_pipeline_that_is_being_removed(postgres: Server) -> None:
    url = postgres.new_database()
    with closing(open_store(url)) as store, ThreadPoolExecutor(1) as thread:
        make_run(store, "old")
        with psycopg.connect(url) as remover:
            remover.execute("DELETE FROM runs")
            remover.execute("DELETE FROM pipelines")
            beginning = thread.submit(store.journal.begin, record("new"))
            wait_until_somebody_waits(url)
        beginning.result()
        assert store.journal.record("new") == record("new")


def test_a_pipeline_whose_next_run_is_being_begun_is_not_removed(postgres: Server) -> None:
    url = postgres.new_database()
    with closing(open_store(url)) as store, ThreadPoolExecutor(1) as thread:
        make_run(store, "old")
        with psycopg.connect(url) as beginner:
            beginner.execute(
                "INSERT INTO runs (run_id, name, pipeline, ir_digest, settings, created_at, next_event)"
                " SELECT 'new', name, pipeline, ir_digest, settings, created_at, 0 FROM runs"
            )
            removing = thread.submit(store.upkeep.remove_run, "old")
            wait_until_somebody_waits(url)
        removing.result()
        assert (store.journal.record("new"), store.journal.unfinished()) == (record("new"), ["new"])


def race(*calls: Callable[[], None]) -> list[str]:
    """How each of the calls ended that were made at once: "done" or "refused"."""
    barrier = Barrier(len(calls))

    def made(call: Callable[[], None]) -> str:
        barrier.wait()
        try:
            call()
        except ConflictError:
            return "refused"
        return "done"

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(made, calls))


# --- cache entries and artifacts --------------------------------------------------------------------------------------


def test_cached_outputs_outlive_their_run_until_they_are_removed(store: Store) -> None:
    make_run(store, "r", tasks=[task("t", gives=["/a"])])
    store.cache.keep("one", {"artifacts": {"a": [{"uri": "/a"}]}}, run_id="r", path="t", at=1.0)
    store.cache.keep("two", {"parameters": {}}, run_id="r", path="u", at=1.0)
    store.cache.keep("other", "kept", run_id="s", path="t", at=1.0)
    store.upkeep.remove_run("r")
    used = store.upkeep.used_artifacts()
    removed = [store.upkeep.remove_cached("r") for _ in range(2)]
    found = [store.cache.find(key) for key in ("one", "two", "other")]
    assert (used, removed, found, store.upkeep.used_artifacts()) == ({"/a"}, [2, 0], [None, None, "kept"], set())


def test_an_entry_is_its_newest_runs(store: Store) -> None:
    store.cache.keep("k", "first", run_id="r", path="t", at=1.0)
    store.cache.keep("k", "second", run_id="s", path="t", at=2.0)
    assert (store.upkeep.remove_cached("r"), store.cache.find("k")) == (0, "second")


def test_every_artifact_that_something_refers_to_is_used(store: Store) -> None:
    make_run(store, "r", state="RUNNING", tasks=[task("t", takes=["/in/1", "/in/2"], gives=["/out"])])
    make_run(store, "s", tasks=[task("t", takes=["/out"]), {"path": "u", "order": 2, "inputs": {}, "outputs": None}])
    store.cache.keep("task", {"artifacts": {"a": [{"uri": "/cached"}, {"name": "x"}]}}, run_id="q", path="t", at=1.0)
    store.cache.keep("import-1", {"name": "a", "uri": "/imported"}, run_id="q", path="i", at=1.0)
    assert store.upkeep.used_artifacts() == {"/in/1", "/in/2", "/out", "/cached", "/imported"}


@pytest.mark.parametrize("uri", ["/what?", "/half\ud800", "/nul\0", "/\N{REPLACEMENT CHARACTER}", "/100%/_", "s3://é"])
def test_a_strange_uri_is_used_as_the_author_wrote_it(store: Store, uri: str) -> None:
    make_run(store, "r", tasks=[task("t", gives=[uri, "/plain"])])
    assert store.upkeep.used_artifacts() == {uri, "/plain"}


def test_an_artifact_without_a_uri_is_none(store: Store) -> None:
    make_run(store, "r", tasks=[task("t", gives=[""])])
    assert store.upkeep.used_artifacts() == set()
