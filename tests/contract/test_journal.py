"""What every store owes: the same tests for memory, SQLite and PostgreSQL."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

import pytest
from msgspec.structs import replace

from postlude.ports.journal import ConflictError, RunRecord, Save, StoreError
from postlude.spec.types import Json
from postlude.stores.store import Store

RECORD = RunRecord(
    run_id="ab-1",
    name="nightly",
    pipeline="train",
    ir_digest="d1",
    ir=({"root": {"dag": {}}}, {"platforms": {"b": 1, "a": 2}}),
    settings={"arguments": {"x": None, "y": [1, 2.5, "é\0"]}},
    created_at=1700000000.25,
)
RUN: Json = {"schema": "postlude.run/v1", "run_id": "ab-1", "state": "RUNNING", "outputs": {"z": 1, "a": 2}}
TRAIN: Json = {"path": "train", "order": 2, "kind": "task", "state": "PENDING", "attempts": 0}
FETCH: Json = {"path": "fetch", "order": 1, "kind": "task", "state": "RUNNING", "attempts": 1}


def without_order(task: Json) -> Json:
    return {key: value for key, value in task.items() if key != "order"}


def step(
    first: int, *, run_id: str = "ab-1", events: int = 1, tasks: Sequence[Json] = (), durable: bool = False
) -> Save:
    return Save(
        run_id=run_id,
        events=[{"number": first + number} for number in range(events)],
        first=first,
        run={**RUN, "run_id": run_id},
        tasks=tasks,
        durable=durable,
    )


def begin(store: Store, *run_ids: str) -> None:
    for run_id in run_ids:
        store.journal.begin(replace(RECORD, run_id=run_id))
        store.journal.append(step(0, run_id=run_id))


# --- journal ----------------------------------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_begun(store: Store) -> None:
    store.journal.begin(RECORD)
    assert store.journal.record("ab-1") == RECORD


def test_runs_of_one_pipeline_each_keep_its_ir(store: Store) -> None:
    store.journal.begin(RECORD)
    store.journal.begin(replace(RECORD, run_id="ab-2"))
    assert store.journal.record("ab-2").ir == RECORD.ir


def test_a_run_that_was_not_begun_has_no_record(store: Store) -> None:
    with pytest.raises(KeyError, match="'ab-9'"):
        store.journal.record("ab-9")


def test_a_second_run_under_one_id_is_refused_and_changes_nothing(store: Store) -> None:
    store.journal.begin(RECORD)
    with pytest.raises(ConflictError, match=r"^run 'ab-1' exists already; begin a run under a fresh id$"):
        store.journal.begin(replace(RECORD, name="other", ir_digest="d2"))
    assert store.journal.record("ab-1") == RECORD


def test_events_come_back_in_the_order_they_were_saved(store: Store) -> None:
    store.journal.begin(RECORD)
    for save in (step(0, events=3), step(3, events=0), step(3, events=9, durable=True), step(12)):
        store.journal.append(save)
    assert store.journal.events("ab-1") == [{"number": number} for number in range(13)]


@pytest.mark.parametrize(
    ("first", "numbers"),
    [
        pytest.param(0, [0, 1, 2, 3, 4], id="all"),
        pytest.param(3, [3, 4], id="the-rest"),
        pytest.param(5, [], id="what-is-next"),
        pytest.param(9, [], id="what-comes-later"),
    ],
)
def test_events_are_read_from_the_first_that_is_wanted(store: Store, first: int, numbers: list[int]) -> None:
    begin(store, "ab-1")
    store.journal.append(step(1, events=4))
    assert store.journal.events("ab-1", first=first) == [{"number": number} for number in numbers]


def test_a_step_without_a_run_document_leaves_the_one_before(store: Store) -> None:
    begin(store, "ab-1")
    store.journal.append(replace(step(1, tasks=[FETCH]), run=None))
    assert store.catalog.run("ab-1") == {**RUN, "tasks": [without_order(FETCH)]}
    assert (len(store.journal.events("ab-1")), store.journal.unfinished()) == (2, ["ab-1"])


def test_a_step_without_a_run_document_is_refused_out_of_sequence_too(store: Store) -> None:
    begin(store, "ab-1")
    with pytest.raises(ConflictError, match=r"^run 'ab-1' has 1 events, and event 2 cannot follow them: "):
        store.journal.append(replace(step(2), run=None))
    assert len(store.journal.events("ab-1")) == 1


def test_an_unknown_run_has_no_events(store: Store) -> None:
    assert (store.journal.events("ab-9"), store.journal.events("ab-9", first=3)) == ([], [])


@pytest.mark.parametrize("first", [pytest.param(1, id="written-before"), pytest.param(3, id="leaves-a-gap")])
def test_a_step_out_of_sequence_is_refused_whole(store: Store, first: int) -> None:
    store.journal.begin(RECORD)
    store.journal.append(step(0, events=2, tasks=[FETCH]))
    before = store.catalog.run("ab-1")
    refusal = (
        f"run 'ab-1' has 2 events, and event {first} cannot follow them: "
        "another writer drives this run; stop one of the two"
    )
    with pytest.raises(ConflictError) as refused:
        store.journal.append(replace(step(first, tasks=[TRAIN]), run={"state": "FAILED"}))
    assert (str(refused.value), store.catalog.run("ab-1"), len(store.journal.events("ab-1"))) == (refusal, before, 2)


def test_a_step_of_a_run_that_was_not_begun_is_refused(store: Store) -> None:
    with pytest.raises(ConflictError, match=r"^run 'ab-1' was not begun; begin it before its first step$"):
        store.journal.append(step(0))


def test_of_two_writers_at_the_same_event_one_is_refused(store: Store) -> None:
    begin(store, "ab-1")
    barrier = Barrier(2)

    def write(path: str) -> str:
        barrier.wait()
        try:
            store.journal.append(step(1, tasks=[{**TRAIN, "path": path}]))
        except ConflictError:
            return ""
        return path

    with ThreadPoolExecutor(2) as threads:
        written = [path for path in threads.map(write, ["a", "b"]) if path]
    assert [task["path"] for task in store.catalog.run("ab-1")["tasks"]] == written


def test_threads_may_write_different_runs_at_once(store: Store) -> None:
    runs = ["a", "b", "c", "d"]
    begin(store, *runs)

    def write(run_id: str) -> None:
        for first in range(1, 30):
            store.journal.append(step(first, run_id=run_id))

    with ThreadPoolExecutor(len(runs)) as threads:
        list(threads.map(write, runs))
    assert [len(store.journal.events(run_id)) for run_id in runs] == [30, 30, 30, 30]


@pytest.mark.parametrize(
    ("state", "listed"),
    [
        pytest.param(None, True, id="never-took-a-step"),
        pytest.param("PENDING", True, id="pending"),
        pytest.param("RUNNING", True, id="running"),
        pytest.param("SUCCEEDED", False, id="succeeded"),
        pytest.param("FAILED", False, id="failed"),
        pytest.param("CANCELED", False, id="canceled"),
    ],
)
def test_a_run_is_unfinished_until_it_is_final(store: Store, state: str | None, *, listed: bool) -> None:
    store.journal.begin(RECORD)
    if state is not None:
        store.journal.append(replace(step(0), run={**RUN, "state": state}))
    assert store.journal.unfinished() == (["ab-1"] if listed else [])


def test_unfinished_runs_are_listed_oldest_first(store: Store) -> None:
    begin(store, "c", "a", "b")
    store.journal.append(replace(step(1, run_id="a"), run={"state": "FAILED"}))
    assert store.journal.unfinished() == ["c", "b"]


def test_a_run_that_is_gone_on_with_is_unfinished_again(store: Store) -> None:
    store.journal.begin(RECORD)
    for first, state in enumerate(["FAILED", "RUNNING"]):
        store.journal.append(replace(step(first), run={"state": state}))
    assert store.journal.unfinished() == ["ab-1"]


# --- large values -----------------------------------------------------------------------------------------------------


def by_digest(*contents: bytes) -> dict[str, bytes]:
    return {f"sha256:{sha256(content).hexdigest()}": content for content in contents}


def test_large_values_come_back_by_their_digests(store: Store) -> None:
    store.journal.begin(RECORD)
    values = by_digest(b"", b"\0\xff", b"x" * 3_000_000)
    store.journal.append(replace(step(0), values=values))
    asked = list(values)[1:]
    assert store.journal.values("ab-1", asked) == {digest: values[digest] for digest in asked}


def test_a_large_value_may_be_saved_again(store: Store) -> None:
    begin(store, "ab-1", "ab-2")
    first, second = by_digest(b"same"), by_digest(b"same", b"other")
    for save in (step(1), step(1, run_id="ab-2"), step(2)):
        store.journal.append(replace(save, values=second if save.first == 2 else first))
    found = (store.journal.values("ab-1", second), store.journal.values("ab-2", first))
    assert found == (second, first)


def test_a_run_has_only_its_own_large_values(store: Store) -> None:
    begin(store, "ab-1", "ab-2")
    values = by_digest(b"of ab-1")
    store.journal.append(replace(step(1), values=values))
    (digest,) = values
    with pytest.raises(StoreError, match=f"run 'ab-2', value '{digest}': is missing; .*run the pipeline again$"):
        store.journal.values("ab-2", [digest])


def test_no_large_value_is_asked_for_in_vain_of_a_run_that_is_not_known(store: Store) -> None:
    assert store.journal.values("ab-9", []) == {}


def test_a_refused_step_keeps_none_of_its_large_values(store: Store) -> None:
    begin(store, "ab-1")
    values = by_digest(b"refused")
    with pytest.raises(ConflictError):
        store.journal.append(replace(step(7), values=values))
    with pytest.raises(StoreError, match="is missing"):
        store.journal.values("ab-1", values)


# --- catalog ----------------------------------------------------------------------------------------------------------


def test_a_run_is_shown_with_its_tasks_in_start_order(store: Store) -> None:
    store.journal.begin(RECORD)
    store.journal.append(step(0, tasks=[TRAIN, FETCH]))
    assert store.catalog.run("ab-1") == {**RUN, "tasks": [without_order(FETCH), without_order(TRAIN)]}


def test_the_newest_document_of_a_task_and_of_the_run_replace_the_older(store: Store) -> None:
    begin(store, "ab-1")
    done = {**TRAIN, "order": 0, "state": "SUCCEEDED", "attempts": 2, "outputs": {"parameters": {"loss": 0.5}}}
    store.journal.append(step(1, tasks=[TRAIN, FETCH]))
    store.journal.append(replace(step(2, tasks=[done]), run={**RUN, "state": "SUCCEEDED"}))
    expected = {**RUN, "state": "SUCCEEDED", "tasks": [without_order(done), without_order(FETCH)]}
    assert store.catalog.run("ab-1") == expected


def test_removed_tasks_are_gone_with_their_artifacts(store: Store) -> None:
    begin(store, "ab-1", "ab-2")
    with_artifact = {**TRAIN, "outputs": {"artifacts": {"m": [{"uri": "/m"}]}}}
    for run_id in ("ab-1", "ab-2"):
        store.journal.append(step(1, run_id=run_id, tasks=[with_artifact, FETCH]))
    store.journal.append(replace(step(2, run_id="ab-2"), removed=["train", "unknown"]))
    store.journal.append(replace(step(2), removed=["fetch"]))
    paths = [[task["path"] for task in store.catalog.run(run_id)["tasks"]] for run_id in ("ab-1", "ab-2")]
    used = store.upkeep.used_artifacts()
    store.journal.append(replace(step(3), removed=["train"]))
    assert (paths, used, store.upkeep.used_artifacts()) == ([["train"], ["fetch"]], {"/m"}, set())


def test_a_task_that_is_both_removed_and_changed_is_changed(store: Store) -> None:
    begin(store, "ab-1")
    old = {**TRAIN, "outputs": {"artifacts": {"m": [{"uri": "/old"}]}}}
    new = {**TRAIN, "outputs": {"artifacts": {"n": [{"uri": "/new"}]}}}
    store.journal.append(step(1, tasks=[old]))
    store.journal.append(replace(step(2, tasks=[new]), removed=["train"]))
    assert (store.catalog.run("ab-1")["tasks"], store.upkeep.used_artifacts()) == ([without_order(new)], {"/new"})


def test_a_refused_step_removes_nothing(store: Store) -> None:
    begin(store, "ab-1")
    store.journal.append(step(1, tasks=[TRAIN]))
    with pytest.raises(ConflictError):
        store.journal.append(replace(step(1), removed=["train"]))
    assert store.catalog.run("ab-1")["tasks"] == [without_order(TRAIN)]


def test_keys_keep_the_order_they_were_saved_in(store: Store) -> None:
    begin(store, "ab-1")
    assert list(store.catalog.run("ab-1")) == [*RUN, "tasks"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param('nul \0, quote ", é, \N{GRINNING FACE}', id="text"),
        pytest.param("\ud800", id="half-a-surrogate-pair"),
        pytest.param(2**70, id="big-integer"),
        pytest.param([1, 1.0, True, None, "", [], {}], id="every-kind"),
        pytest.param({"b": {"a": -0.5e-300}}, id="nested"),
    ],
)
def test_values_come_back_as_they_were_saved(store: Store, value: Json) -> None:
    begin(store, "ab-1")
    store.journal.append(replace(step(1, tasks=[{**TRAIN, "value": value}]), events=[value]))
    store.cache.keep("k", {"value": value}, run_id="ab-1", path="train", at=1.0)
    found = (store.journal.events("ab-1")[1], store.catalog.run("ab-1")["tasks"][0]["value"], store.cache.find("k"))
    assert repr(found) == repr((value, value, {"value": value}))


def test_what_is_read_is_the_readers_own(store: Store) -> None:
    begin(store, "ab-1")
    store.catalog.run("ab-1")["state"] = "changed"
    store.journal.events("ab-1")[0]["number"] = "changed"
    assert (store.catalog.run("ab-1")["state"], store.journal.events("ab-1")) == ("RUNNING", [{"number": 0}])


def test_runs_are_listed_newest_first(store: Store) -> None:
    begin(store, "c", "a", "b")
    assert [run["run_id"] for run in store.catalog.runs()] == ["b", "a", "c"]


def test_no_more_runs_are_listed_than_asked_for(store: Store) -> None:
    begin(store, "c", "a", "b")
    assert [run["run_id"] for run in store.catalog.runs(limit=2)] == ["b", "a"]


def test_a_run_is_listed_from_its_first_step_on(store: Store) -> None:
    begin(store, "ab-1")
    store.journal.begin(replace(RECORD, run_id="ab-2"))
    assert ([run["run_id"] for run in store.catalog.runs()], store.catalog.run("")["run_id"]) == (["ab-1"], "ab-1")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("ab-1", "ab-1", id="whole-id"),
        pytest.param("c", "cd%", id="prefix"),
        pytest.param("ef", "ef", id="whole-id-that-is-a-prefix-of-another"),
        pytest.param("", "ef", id="newest"),
        pytest.param("cd%", "cd%", id="no-wildcards"),
    ],
)
def test_a_run_is_found(store: Store, asked: str, found: str) -> None:
    begin(store, "ab-1", "ab-2", "cd%", "ef-1", "ef")
    assert store.catalog.run(asked)["run_id"] == found


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        pytest.param("x", "no run starts with 'x'; `postlude runs` lists them", id="none"),
        pytest.param("AB", "no run starts with 'AB'; `postlude runs` lists them", id="case-counts"),
        pytest.param("_b", "no run starts with '_b'; `postlude runs` lists them", id="no-wildcards"),
        pytest.param("ab", "2 runs start with 'ab': ab-2, ab-1; give more of the id", id="two"),
        pytest.param("z", "7 runs start with 'z': z6, z5, z4, z3, z2 and 2 more; give more of the id", id="many"),
    ],
)
def test_a_run_is_not_found(store: Store, asked: str, text: str) -> None:
    begin(store, "ab-1", "ab-2", *(f"z{number}" for number in range(7)))
    with pytest.raises(LookupError) as missing:
        store.catalog.run(asked)
    assert str(missing.value) == text


def test_there_is_no_newest_run_before_the_first(store: Store) -> None:
    with pytest.raises(LookupError, match=r"^there are no runs yet; `postlude run` starts one$"):
        store.catalog.run("")


# --- cache ------------------------------------------------------------------------------------------------------------


def test_the_cache_gives_what_was_kept_under_a_key(store: Store) -> None:
    store.cache.keep("k", {"parameters": {"b": 1, "a": [None]}}, run_id="ab-1", path="train", at=1.0)
    assert (store.cache.find("k"), store.cache.find("K")) == ({"parameters": {"b": 1, "a": [None]}}, None)


@pytest.mark.parametrize(
    ("at", "found"),
    [
        pytest.param(2.0, "second", id="later"),
        pytest.param(1.0, "second", id="same-time"),
        pytest.param(0.5, "first", id="earlier"),
    ],
)
def test_the_newest_outputs_win(store: Store, at: float, found: str) -> None:
    store.cache.keep("k", "first", run_id="ab-1", path="train", at=1.0)
    store.cache.keep("k", "second", run_id="ab-2", path="train", at=at)
    assert store.cache.find("k") == found
