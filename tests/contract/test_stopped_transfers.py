"""What every store of artifacts owes to whoever stops it: an end soon, and nothing that is taken for an artifact."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from obstore.store import MemoryStore

from postlude.ports.artifacts import ArtifactStore
from postlude.ports.stop import Stop, StoppedError
from postlude.stores.artifacts import copy, requests
from postlude.stores.artifacts.anywhere import Artifacts, open_artifacts
from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.digest import digest_of, file_hash
from postlude.stores.artifacts.local import LocalArtifacts
from s3_server import S3

Machines = Callable[[str], Artifacts]

MIB = 1024 * 1024
SOON_S = 20
"""Far less than a server that answers nothing is given, and enough for a machine that is busy."""


class Limited(Stop):
    """Asked by itself, at the look after so many."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.ask()
        super().check()


def asked() -> Stop:
    stop = Stop()
    stop.ask()
    return stop


def stopped(work: Callable[[Stop], object], begun: Callable[[], object]) -> None:
    """Stop work once it has begun, and see it end while what it waits for is still to come."""
    stop, ended = Stop(), Future[BaseException | None]()
    Thread(target=lambda: ended.set_result(fault_of(work, stop)), daemon=True).start()
    begun()
    stop.ask()
    assert type(ended.result(timeout=SOON_S)) is StoppedError


def fault_of(work: Callable[[Stop], object], stop: Stop) -> BaseException | None:
    try:
        work(stop)
    except BaseException as fault:  # noqa: BLE001 - it is looked at where it is waited for
        return fault
    return None


def sparse(path: Path, mib: int) -> Path:
    with path.open("wb") as file:
        file.truncate(mib * MIB)
    return path


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


# --- every store ------------------------------------------------------------------------------------------------------


SERVERS = {"s3": "s3", "gs": "gcs", "az": "azure"}


@pytest.fixture(params=["memory", *SERVERS])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Artifacts, str]]:
    memory, server = MemoryStore(), SERVERS.get(request.param)
    root = f"{request.param}://{request.getfixturevalue(server).new_bucket()}/r" if server else "s3://bucket/root"
    opened = None if server else (lambda _: memory)
    store = open_artifacts(tmp_path / "cache", open_bucket=opened)
    yield store, root
    store.close()


def test_a_bucket_that_was_stopped_before_does_nothing(bucket: tuple[Artifacts, str], tmp_path: Path) -> None:
    (store, root), source = bucket, tmp_path / "text"
    source.write_text("hello")
    store.keep(source, f"{root}/kept")
    asks: list[Callable[[Stop], object]] = [
        lambda stop: store.exists(f"{root}/kept", stop=stop),
        lambda stop: store.digest(f"{root}/kept", stop=stop),
        lambda stop: store.fetch(f"{root}/kept", tmp_path / "target", stop=stop),
        lambda stop: store.place(f"{root}/kept", tmp_path / "target", stop=stop),
        lambda stop: store.keep(source, f"{root}/other", stop=stop),
    ]
    for ask in asks:
        with pytest.raises(StoppedError):
            ask(asked())
    assert (store.exists(f"{root}/other"), (tmp_path / "target").exists()) == (False, False)


def test_files_of_this_machine_are_not_hashed_to_their_end(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for path in (sparse(tmp_path / "file", 64), sparse(tmp_path / "tree" / "file", 64).parent):
        for store in (LocalArtifacts(), open_artifacts(tmp_path / "cache")):
            with pytest.raises(StoppedError):
                store.digest(str(path), stop=Limited(3))


def test_a_tree_of_many_small_files_is_not_hashed_to_its_end(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).touch()
    with pytest.raises(StoppedError):
        LocalArtifacts().digest(str(tmp_path), stop=Limited(3))


@pytest.mark.parametrize("kernel_copies", [True, False])
@pytest.mark.parametrize("ask", ["place", "keep"])
def test_files_of_this_machine_are_not_copied_to_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: str, *, kernel_copies: bool
) -> None:
    def refuse(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(copy, "_SHARED_AT_ONCE_BYTES", MIB)
    if not kernel_copies:
        monkeypatch.setattr(os, "copy_file_range", refuse)
    source, target = sparse(tmp_path / "source", 8), tmp_path / "there" / "target"
    asks: dict[str, Callable[[Stop], object]] = {
        "place": lambda stop: LocalArtifacts().place(str(source), target, stop=stop),
        "keep": lambda stop: LocalArtifacts().keep(source, str(target), stop=stop),
    }
    with pytest.raises(StoppedError):
        asks[ask](Limited(4))
    assert list(target.parent.iterdir()) == []


# --- a server that does not go on -------------------------------------------------------------------------------------


@pytest.fixture
def held(s3: S3) -> Iterator[S3]:
    """The server, which holds no request any more when the test is over."""
    yield s3
    (s3.directory / "hold").unlink(missing_ok=True)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Machines]:
    """Opens what a machine sees, with a cache of its own, until the test is over."""
    with ExitStack() as stack:

        def machine(name: str) -> Artifacts:
            store = open_artifacts(tmp_path / name)
            stack.callback(store.close)
            return store

        yield machine


@pytest.mark.parametrize("mib", [1, 20])
def test_a_download_stops_although_the_server_is_stuck(held: S3, opened: Machines, tmp_path: Path, mib: int) -> None:
    name, there = held.new_bucket(), opened("there")
    uri, cache = f"s3://{name}/data", tmp_path / "here"
    source = tmp_path / "source"
    source.write_bytes(os.urandom(mib * MIB))
    digest = there.keep(source, uri)
    here = opened("here")
    held.hold(f"GET /{name}/data")
    stopped(lambda stop: here.fetch(uri, tmp_path / "target", digest=digest, stop=stop), held.await_held)
    left = files_below(cache)
    held.go()
    back = here.fetch(uri, tmp_path / "target", digest=digest)
    assert (left, digest_of(back)) == ([], digest)


@pytest.mark.parametrize("mib", [1, 20])
def test_an_upload_stops_although_the_server_is_stuck(held: S3, opened: Machines, tmp_path: Path, mib: int) -> None:
    name, store = held.new_bucket(), opened("cache")
    uri, source = f"s3://{name}/data", sparse(tmp_path / "source", mib)
    held.hold(f"PUT /{name}/data")
    stopped(lambda stop: store.keep(source, uri, stop=stop), held.await_held)
    present = store.exists(uri)
    held.go()
    assert (present, store.keep(source, uri)) == (False, digest_of(source))


def test_a_look_stops_although_the_server_is_stuck(held: S3, opened: Machines) -> None:
    name, store = held.new_bucket(), opened("cache")
    held.hold(f"HEAD /{name}/data")
    stopped(lambda stop: store.exists(f"s3://{name}/data", stop=stop), held.await_held)
    held.go()


def test_what_was_sent_of_a_stopped_upload_is_taken_back(
    held: S3, opened: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_ABORT_WITHIN_S", SOON_S)  # the machine may be busy
    name, store = held.new_bucket(), opened("cache")
    source = sparse(tmp_path / "source", 80)

    def begun() -> None:
        held.await_held()
        threading.Timer(0.1, held.go).start()

    held.hold(f"PUT /{name}/data.*partNumber=1&")
    stopped(lambda stop: store.keep(source, f"s3://{name}/data", stop=stop), begun)
    uploads = held.client.list_multipart_uploads(Bucket=name).get("Uploads", [])
    assert (held.keys(name), uploads) == ([], [])


def test_one_stop_leaves_other_transfers_alone(held: S3, opened: Machines, tmp_path: Path) -> None:
    name, store = held.new_bucket(), opened("cache")
    source = sparse(tmp_path / "source", 1)
    held.hold(f"PUT /{name}/stopped")
    stop = Stop()
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(store.keep, source, f"s3://{name}/stopped", stop=stop)
        held.await_held()
        digest = store.keep(source, f"s3://{name}/other")
        stop.ask()
        assert (digest, type(future.exception(timeout=SOON_S))) == (digest_of(source), StoppedError)
    held.go()


# --- copies that others make ------------------------------------------------------------------------------------------


def test_who_waits_for_anothers_copy_can_be_stopped_and_the_other_goes_on(tmp_path: Path) -> None:
    contents, begun, go = Contents(tmp_path / "cache"), threading.Event(), threading.Event()

    def make(fresh: Path) -> None:
        begun.set()
        go.wait(SOON_S)
        fresh.write_text("x")

    seen: list[str] = []
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(contents.give, "sha256:1", make, lambda path: seen.append(path.read_text()))
        begun.wait(SOON_S)
        with pytest.raises(StoppedError):
            contents.give("sha256:1", make, lambda _: None, asked())
        go.set()
        first.result(timeout=SOON_S)
    assert seen == ["x"]


def test_a_copy_whose_maker_was_stopped_is_made_by_who_waits_for_it(tmp_path: Path) -> None:
    contents, begun, stop = Contents(tmp_path / "cache"), threading.Event(), Stop()

    def wait(_: Path) -> None:
        ended = threading.Event()
        begun.set()
        with stop.interrupting(ended.set):
            ended.wait(SOON_S)
        stop.check()

    seen: list[str] = []
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(contents.give, "sha256:1", wait, lambda _: None, stop)
        begun.wait(SOON_S)
        second = threads.submit(
            contents.give, "sha256:1", lambda fresh: fresh.write_text("x") and None, lambda path: seen.append(str(path))
        )
        stop.ask()
        assert type(first.exception(timeout=SOON_S)) is StoppedError
        second.result(timeout=SOON_S)
    assert len(seen) == 1


# --- the web ----------------------------------------------------------------------------------------------------------


class Stuck(BaseHTTPRequestHandler):
    """Sends half of a file, or nothing at all; then it waits."""

    begun: threading.Event
    over: threading.Event

    def do_HEAD(self) -> None:
        if self.path == "/silent":
            self._wait()
        self._head()

    def do_GET(self) -> None:
        self._head()
        self.wfile.write(b"x" * MIB)
        self._wait()

    def _head(self) -> None:
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(2 * MIB))
        self.end_headers()

    def _wait(self) -> None:
        self.begun.set()
        self.over.wait(60)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def web() -> Iterator[tuple[str, type[Any]]]:
    handler = type("Handler", (Stuck,), {"begun": threading.Event(), "over": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        handler.over.set()
        server.shutdown()


@pytest.mark.parametrize("name", ["half", "silent"])
def test_the_web_is_not_waited_for(web: tuple[str, type[Any]], tmp_path: Path, name: str) -> None:
    address, handler = web
    store: ArtifactStore = open_artifacts(tmp_path / "cache")
    uri, target = f"{address}/{name}", tmp_path / "target"
    stopped(lambda stop: store.fetch(uri, target, stop=stop), lambda: handler.begun.wait(SOON_S))
    assert (files_below(tmp_path / "cache"), target.exists()) == ([], False)


# --- what is not stopped ----------------------------------------------------------------------------------------------


def test_who_is_not_stopped_gets_the_hash(tmp_path: Path) -> None:
    path = sparse(tmp_path / "file", 1)
    assert file_hash(path, Limited(1000)) == file_hash(path)
