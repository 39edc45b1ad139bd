"""What every store owes to the engines that compete for a run, and to those who send them messages."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from contender_process import DEAD, POSTED
from msgspec.structs import replace

from postlude.ports.lease import Holder, Lease
from postlude.spec.types import Json
from postlude.stores.sql import open_store
from postlude.stores.store import Store

CONTENDER = Path(__file__).parent / "contender_process.py"
ONE = Holder(id="one", host="machine", pid=2**22, born="123456.5")
TWO = Holder(id="two", host="other", pid=1)
LONG_S = 60


@contextmanager
def contenders(url: str, *wanted: tuple[str, str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have all opened the database and are let go together."""
    with ExitStack() as ended:
        started = [
            ended.enter_context(
                subprocess.Popen(
                    [sys.executable, str(CONTENDER), url, action, name],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for action, name in wanted
        ]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        yield started


def said(process: subprocess.Popen[str]) -> Json:
    assert process.stdout is not None
    text = process.stdout.read()
    assert process.wait(LONG_S) == 0
    return json.loads(text)


# --- leases -----------------------------------------------------------------------------------------------------------


def test_a_run_that_nobody_drives_has_no_lease(store: Store) -> None:
    assert store.leases.find("r") is None


def test_a_lease_comes_back_as_it_was_taken(store: Store) -> None:
    taken = store.leases.take("r", ONE, at=1700000000.25)
    assert (taken, store.leases.find("r")) == (True, Lease(holder=ONE, renewed_at=1700000000.25))


def test_each_run_has_a_lease_of_its_own(store: Store) -> None:
    store.leases.take("r", ONE, at=1.0)
    assert (store.leases.take("s", TWO, at=2.0), store.leases.find("r")) == (True, Lease(holder=ONE, renewed_at=1.0))


@pytest.mark.parametrize(
    ("held_by", "replacing", "taken"),
    [
        pytest.param(None, None, True, id="free"),
        pytest.param(ONE, None, False, id="held"),
        pytest.param(TWO, None, False, id="held-by-the-asker"),
        pytest.param(ONE, ONE, True, id="held-by-the-one-replaced"),
        pytest.param(TWO, TWO, True, id="replaces-itself"),
        pytest.param(DEAD, ONE, False, id="held-by-another-meanwhile"),
        pytest.param(None, ONE, False, id="released-meanwhile"),
        pytest.param(replace(ONE, id="new"), ONE, False, id="same-process-but-another-engine"),
    ],
)
def test_a_lease_is_taken_from_whom_it_is_thought_to_be_held(
    store: Store, held_by: Holder | None, replacing: Holder | None, *, taken: bool
) -> None:
    if held_by is not None:
        store.leases.take("r", held_by, at=1.0)
    before = store.leases.find("r")
    found = store.leases.take("r", TWO, at=2.0, replacing=replacing)
    assert (found, store.leases.find("r")) == (taken, Lease(holder=TWO, renewed_at=2.0) if taken else before)


@pytest.mark.parametrize(
    ("held_by", "renewed"),
    [pytest.param(ONE, True, id="holder"), pytest.param(TWO, False, id="lost"), pytest.param(None, False, id="free")],
)
def test_only_its_holder_renews_a_lease(store: Store, held_by: Holder | None, *, renewed: bool) -> None:
    if held_by is not None:
        store.leases.take("r", held_by, at=1.0)
    before = store.leases.find("r")
    found = store.leases.renew("r", ONE, at=2.0)
    assert (found, store.leases.find("r")) == (renewed, Lease(holder=ONE, renewed_at=2.0) if renewed else before)


def test_a_released_run_is_free(store: Store) -> None:
    store.leases.take("r", ONE, at=1.0)
    store.leases.release("r", ONE)
    assert (store.leases.find("r"), store.leases.take("r", TWO, at=2.0)) == (None, True)


def test_only_its_holder_releases_a_lease(store: Store) -> None:
    store.leases.take("r", ONE, at=1.0)
    store.leases.release("r", TWO)
    store.leases.release("s", ONE)
    assert store.leases.find("r") == Lease(holder=ONE, renewed_at=1.0)


@pytest.mark.parametrize("replacing", [pytest.param(None, id="free"), pytest.param(DEAD, id="dead-holder")])
def test_of_many_threads_one_takes_a_lease(store: Store, replacing: Holder | None) -> None:
    if replacing is not None:
        store.leases.take("r", replacing, at=1.0)
    barrier = Barrier(8)

    def take(number: int) -> Holder | None:
        holder = Holder(id=str(number), host="h", pid=number)
        barrier.wait()
        return holder if store.leases.take("r", holder, at=2.0, replacing=replacing) else None

    with ThreadPoolExecutor(8) as threads:
        winners = [holder for holder in threads.map(take, range(8)) if holder]
    lease = store.leases.find("r")
    assert [lease.holder if lease else None] == winners


@pytest.mark.parametrize("action", ["take", "take_over"])
def test_of_many_processes_one_takes_a_lease(database_url: str, action: str) -> None:
    with closing(open_store(database_url)) as store:
        if action == "take_over":
            store.leases.take("r", DEAD, at=1.0)
        names = ["a", "b", "c", "d"]
        with contenders(database_url, *((action, name) for name in names)) as processes:
            winners = [name for name, process in zip(names, processes, strict=True) if said(process)]
        lease = store.leases.find("r")
    assert [lease.holder.id if lease else None] == winners


# --- mailbox ----------------------------------------------------------------------------------------------------------


def test_messages_are_given_once_and_oldest_first(store: Store) -> None:
    for number in range(3):
        store.mailbox.post("r", {"number": number})
    given = [store.mailbox.collect("r") for _ in range(2)]
    assert given == [[{"number": 0}, {"number": 1}, {"number": 2}], []]


def test_messages_for_another_run_are_left(store: Store) -> None:
    store.mailbox.post("s", "stop")
    assert (store.mailbox.collect("r"), store.mailbox.collect("s")) == ([], ["stop"])


def test_a_message_may_be_any_json(store: Store) -> None:
    sent = [None, {"b": [1, 1.0, True], "a": "é\0\ud800"}, 2**70, ""]
    for message in sent:
        store.mailbox.post("r", message)
    assert repr(store.mailbox.collect("r")) == repr(sent)


def in_order(messages: list[Json]) -> dict[str, list[int]]:
    """The numbers that each poster's messages have, in the order they were given."""
    by_poster: dict[str, list[int]] = {}
    for name, number in messages:
        by_poster.setdefault(name, []).append(number)
    return by_poster


def test_threads_that_collect_share_the_messages(store: Store) -> None:
    barrier = Barrier(6)

    def post(name: str) -> list[Json]:
        barrier.wait()
        for number in range(POSTED):
            store.mailbox.post("r", [name, number])
        return []

    def collect(name: str) -> list[Json]:
        barrier.wait()
        return [message for _ in range(40) for message in store.mailbox.collect("r")]

    with ThreadPoolExecutor(6) as threads:
        posting = [threads.submit(post, name) for name in "ab"]
        collecting = [threads.submit(collect, name) for name in "cdef"]
        for ended in posting:
            ended.result()
        given = [message for ended in collecting for message in ended.result()]
    given += store.mailbox.collect("r")
    assert sorted(given) == [[name, number] for name in "ab" for number in range(POSTED)]


def test_messages_of_several_processes_reach_the_one_collector_in_each_ones_order(database_url: str) -> None:
    names = ["a", "b", "c"]
    with closing(open_store(database_url)) as store:
        given: list[Json] = []
        with contenders(database_url, *(("post", name) for name in names)) as processes:
            while any(process.poll() is None for process in processes):
                given += store.mailbox.collect("r")
        given += store.mailbox.collect("r")
    assert in_order(given) == {name: list(range(POSTED)) for name in names}


def test_processes_that_collect_share_the_messages(database_url: str) -> None:
    with closing(open_store(database_url)) as store:
        wanted = [("post", "a"), ("collect", "b"), ("post", "c"), ("collect", "d")]
        with contenders(database_url, *wanted) as processes:
            given = [message for process in processes for message in said(process) or []]
        given += store.mailbox.collect("r")
    assert sorted(given) == [[name, number] for name in "ac" for number in range(POSTED)]
