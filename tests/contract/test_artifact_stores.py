"""What every store of artifacts that can be written owes: this machine's, a bucket in memory, and three clouds' own."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from postlude.ports.artifacts import ArtifactStore, TransferError, UnsupportedUriError
from postlude.stores.artifacts.address import Address
from postlude.stores.artifacts.anywhere import open_artifacts
from postlude.stores.artifacts.buckets import Buckets
from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.digest import digest_of
from postlude.stores.artifacts.remote import RemoteArtifacts
from postlude.stores.artifacts.upload import bare_etag
from s3_server import S3

HELLO_SHA256 = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
LARGE = 20 * 1024 * 1024
"""More than two parts."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A store, the same as another machine sees it, and where to write."""

    store: ArtifactStore
    elsewhere: ArtifactStore
    root: str


def over(bucket: object, tmp_path: Path) -> Subject:
    def opened(_: Address) -> object:
        return bucket

    first, second = (open_artifacts(tmp_path / name, open_bucket=opened) for name in ("cache-1", "cache-2"))
    return Subject(store=first, elsewhere=second, root="s3://bucket/root")


SERVERS = {"s3": "s3", "gs": "gcs", "az": "azure"}
"""The fixture of the server for each scheme."""


@pytest.fixture(params=["local", "memory", *SERVERS])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    (tmp_path / "bucket").mkdir()
    match request.param:
        case "memory":
            return over(MemoryStore(), tmp_path)
        case scheme if scheme in SERVERS:
            root = f"{scheme}://{request.getfixturevalue(SERVERS[scheme]).new_bucket()}/root"
        case _:
            root = str(tmp_path / "bucket" / "root")
    stores = [open_artifacts(tmp_path / name) for name in ("cache-1", "cache-2")]
    return Subject(store=stores[0], elsewhere=stores[1], root=root)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory with everything that a bucket has no word for."""
    directory = tmp_path / "model"
    (directory / "layers" / "empty").mkdir(parents=True)
    (directory / "config %41#é*?.json").write_text("hello")
    (directory / "layers" / "0").write_bytes(os.urandom(1000))
    (directory / "layers" / "none").touch()
    (directory / "run.sh").write_text("true")
    (directory / "run.sh").chmod(0o755)
    (directory / "latest").symlink_to("layers/0")
    return directory


def keep_text(subject: Subject, tmp_path: Path, text: str, name: str = "text") -> str:
    source = tmp_path / "source"
    source.write_text(text)
    uri = f"{subject.root}/{name}"
    subject.store.keep(source, uri)
    return uri


def test_a_file_is_there_once_kept(subject: Subject, tmp_path: Path) -> None:
    uri = keep_text(subject, tmp_path, "hello")
    for store in (subject.store, subject.elsewhere):
        found = (store.exists(uri), store.digest(uri), store.fetch(uri, tmp_path / str(id(store))).read_text())
        assert found == (True, HELLO_SHA256, "hello")


def test_a_directory_comes_back_as_it_was(subject: Subject, model: Path, tmp_path: Path) -> None:
    uri = f"{subject.root}/model"
    digest = subject.store.keep(model, uri)
    back = subject.elsewhere.fetch(uri, tmp_path / "back", digest=digest)
    assert [digest, subject.elsewhere.digest(uri), digest_of(back)] == [digest_of(model)] * 3
    assert [os.access(back / name, os.X_OK) for name in ("run.sh", "config %41#é*?.json")] == [True, False]


def test_an_empty_directory_and_an_empty_file_are_artifacts(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    for name in ("directory", "file"):
        uri = f"{subject.root}/{name}"
        subject.store.keep(tmp_path / name, uri)
        back = subject.elsewhere.fetch(uri, tmp_path / f"back-{name}")
        assert (subject.elsewhere.exists(uri), digest_of(back)) == (True, digest_of(tmp_path / name))


def test_a_large_file_comes_back_as_it_was(subject: Subject, tmp_path: Path) -> None:
    source, uri = tmp_path / "large", f"{subject.root}/large"
    source.write_bytes(os.urandom(LARGE + 1))
    digest = subject.store.keep(source, uri)
    assert digest_of(subject.elsewhere.fetch(uri, tmp_path / "back", digest=digest)) == digest == digest_of(source)


def test_what_was_never_kept_is_not_there(subject: Subject, tmp_path: Path) -> None:
    keep_text(subject, tmp_path, "x", "text-and-more")
    uri = f"{subject.root}/text"
    assert (subject.store.exists(uri), subject.store.digest(uri)) == (False, "")
    for ask in (subject.store.fetch, subject.store.place):
        with pytest.raises(FileNotFoundError, match=f"^{uri}: there is no such"):
            ask(uri, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("before", "after"), [("tree", "file"), ("file", "tree"), ("tree", "less")])
def test_what_is_kept_takes_the_place_of_what_is_there(
    subject: Subject, model: Path, tmp_path: Path, before: str, after: str
) -> None:
    (tmp_path / "file").write_text("hello")
    (tmp_path / "less").mkdir()
    (tmp_path / "less" / "one").touch()
    sources = {"tree": model, "file": tmp_path / "file", "less": tmp_path / "less"}
    uri = f"{subject.root}/model"
    digests = [subject.store.keep(sources[name], uri) for name in (before, after)]
    back = subject.elsewhere.fetch(uri, tmp_path / "back", digest=digests[1])
    assert (subject.elsewhere.digest(uri), digest_of(back)) == (digest_of(sources[after]),) * 2


def test_a_placed_copy_may_be_changed(subject: Subject, tmp_path: Path) -> None:
    uri = keep_text(subject, tmp_path, "hello")
    copy = subject.store.place(uri, tmp_path / "in" / "copy")
    copy.write_text("changed")
    assert subject.store.fetch(uri, tmp_path / "back").read_text() == "hello"


def test_many_may_fetch_at_once(subject: Subject, model: Path, tmp_path: Path) -> None:
    uri = f"{subject.root}/model"
    digest = subject.store.keep(model, uri)
    with ThreadPoolExecutor(8) as pool:
        copies = list(pool.map(lambda n: subject.elsewhere.fetch(uri, tmp_path / f"c{n}", digest=digest), range(16)))
    assert {digest_of(copy) for copy in copies} == {digest}


def test_the_source_stays_as_it_is(subject: Subject, model: Path) -> None:
    before = digest_of(model)
    subject.store.keep(model, f"{subject.root}/model", owned=True)
    assert digest_of(model) == before


# --- buckets only -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(tmp_path: Path) -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def remote(bucket: MemoryStore, tmp_path: Path) -> Subject:
    return over(bucket, tmp_path)


def test_a_tree_is_not_there_before_its_manifest_is(remote: Subject, bucket: MemoryStore, model: Path) -> None:
    """A tree whose upload was cut short is never taken for what it was to become."""
    digest = remote.store.keep(model, "s3://bucket/root/model")
    bucket.delete("root/.postlude/model.json")
    assert remote.store.digest("s3://bucket/root/model") not in ("", digest)
    bucket.delete("root/model/layers/0")
    with pytest.raises(
        TransferError, match=r"^s3://bucket/root/model: has changed since it was written: it is sha256:"
    ):
        remote.elsewhere.fetch("s3://bucket/root/model", model.parent / "back", digest=digest)


def test_bytes_that_are_not_those_of_the_digest_are_refused(
    remote: Subject, bucket: MemoryStore, tmp_path: Path
) -> None:
    uri = keep_text(remote, tmp_path, "hello")
    bucket.put("root/text", b"hellO")
    with pytest.raises(TransferError) as refused:
        remote.elsewhere.fetch(uri, tmp_path / "back", digest=HELLO_SHA256)
    words = "has changed since it was written: it is sha256:97aaaa2e48a8… and should be sha256:2cf24dba5fb0…"
    assert (str(refused.value).replace(digest_start("hellO"), "97aaaa2e48a8"), (tmp_path / "back").exists()) == (
        f"{uri}: {words}", False,
    )  # fmt: skip


def digest_start(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_a_copy_that_somebody_changed_is_fetched_again(remote: Subject, tmp_path: Path) -> None:
    uri = keep_text(remote, tmp_path, "hello")
    remote.elsewhere.fetch(uri, tmp_path / "first", digest=HELLO_SHA256).write_text("spoiled by its reader")
    assert remote.elsewhere.fetch(uri, tmp_path / "second", digest=HELLO_SHA256).read_text() == "hello"


def test_what_others_put_there_is_told_apart_and_read(remote: Subject, bucket: MemoryStore, tmp_path: Path) -> None:
    digests = []
    for text in (b"one", b"two"):
        bucket.put("given/a/b.txt", text)
        digests.append(remote.store.digest("s3://bucket/given"))
        assert (remote.store.fetch("s3://bucket/given", tmp_path / text.decode()) / "a" / "b.txt").read_bytes() == text
    assert (len(set(digests)), {digest[:5] for digest in digests}) == (2, {"etag:"})


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside"])
def test_a_link_that_leaves_the_artifact_is_refused(remote: Subject, model: Path, target: str) -> None:
    (model / "layers" / "away").symlink_to(target if target.startswith("/") else f"../{target}")
    with pytest.raises(TransferError, match=r"^model/layers/away is a link to .*, outside of the artifact: a bucket"):
        remote.store.keep(model, "s3://bucket/root/model")


def test_a_manifest_cannot_write_outside_of_the_artifact(remote: Subject, bucket: MemoryStore, tmp_path: Path) -> None:
    bucket.put("root/evil/x", b"x")
    file = {"path": "x", "kind": "file", "size": 1, "etag": bare_etag(bucket.head("root/evil/x")["e_tag"])}
    entries = [{"path": "../../../evil", "kind": "link", "target": "etc"}, file]
    manifest = {"digest": "sha256:1", "schema": "postlude.manifest/v1", "entries": entries}
    bucket.put("root/.postlude/evil.json", json.dumps(manifest).encode())
    assert remote.store.digest("s3://bucket/root/evil").startswith("etag:")
    back = remote.store.fetch("s3://bucket/root/evil", tmp_path / "back")
    assert [path.name for path in back.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("s3:///x", "s3:///x: names no bucket: write s3://BUCKET/KEY"),
        ("s3://b//x", "s3://b//x: has an empty name between slashes, which is no path on this machine"),
        ("gs://b/a/../x", "gs://b/a/../x: is no plain address of an object: settings belong in environment variables"),
        ("az://me:pass@b/x", "az://…: has credentials in it: give them in environment variables"),
        ("s3://b", "s3://b: names a whole bucket, and no artifact in it"),
    ],
)
def test_an_address_that_means_no_object_is_refused(remote: Subject, tmp_path: Path, uri: str, words: str) -> None:
    asks: list[Callable[[str], object]] = [
        remote.store.exists, remote.store.digest, lambda uri: remote.store.keep(tmp_path, uri),
        lambda uri: remote.store.fetch(uri, tmp_path / "x"),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(UnsupportedUriError) as refused:
            ask(uri)
        assert str(refused.value) == words


# --- S3 only ----------------------------------------------------------------------------------------------------------


def asked(s3: S3, method: str, bucket: str) -> list[str]:
    return [one for one in s3.requests() if one.startswith(f"{method} /{bucket}/") and ".postlude" not in one]


def test_files_that_are_there_are_not_sent_again(s3: S3, model: Path, tmp_path: Path) -> None:
    bucket, store = s3.new_bucket(), open_artifacts(tmp_path / "cache")
    (model / "large").write_bytes(os.urandom(LARGE))
    store.keep(model, f"s3://{bucket}/model")
    before = asked(s3, "PUT", bucket)
    (model / "run.sh").write_text("other")
    digest = store.keep(model, f"s3://{bucket}/model")
    assert asked(s3, "PUT", bucket)[len(before) :] == [f"PUT /{bucket}/model/run.sh"]
    assert store.digest(f"s3://{bucket}/model") == digest == digest_of(model)


def test_a_part_that_fails_is_sent_again_alone(s3: S3, tmp_path: Path) -> None:
    bucket, store = s3.new_bucket(), open_artifacts(tmp_path / "cache")
    (tmp_path / "large").write_bytes(os.urandom(LARGE))
    s3.refuse(f"PUT /{bucket}/large.*partNumber=2", 1)
    store.keep(tmp_path / "large", f"s3://{bucket}/large")
    parts = sorted(one.partition("partNumber=")[2][:1] for one in asked(s3, "PUT", bucket))
    assert parts == ["1", "2", "2", "3"]


def test_an_artifact_is_fetched_once_for_all_who_want_it(s3: S3, tmp_path: Path) -> None:
    bucket, there, here = s3.new_bucket(), open_artifacts(tmp_path / "there"), open_artifacts(tmp_path / "here")
    (tmp_path / "text").write_text("hello")
    there.keep(tmp_path / "text", f"s3://{bucket}/text")
    with ThreadPoolExecutor(8) as pool:
        ask = lambda n: here.fetch(f"s3://{bucket}/text", tmp_path / f"c{n}", digest=HELLO_SHA256)  # noqa: E731
        assert {copy.read_text() for copy in pool.map(ask, range(16))} == {"hello"}
    assert asked(s3, "GET", bucket) == [f"GET /{bucket}/text"]


def test_without_the_package_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    store = RemoteArtifacts(Buckets({}).open, Contents(tmp_path))
    with pytest.raises(UnsupportedUriError) as refused:
        store.exists("s3://b/x")
    assert str(refused.value) == "s3://b/x: needs the package obstore: pip install 'postlude[cloud]'"
