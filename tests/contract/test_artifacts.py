"""What a store of artifacts owes, and what the local one adds: digests and copies."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from postlude.ports.artifacts import UnsupportedUriError
from postlude.stores.artifacts.local import LocalArtifacts

STORE = LocalArtifacts()
EMPTY_SHA256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HELLO_SHA256 = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory that holds a file, a directory with a file, and two links."""
    directory = tmp_path / "model"
    (directory / "layers").mkdir(parents=True)
    (directory / "config").write_text("hello")
    (directory / "layers" / "0").write_bytes(b"\0" * 100_000)
    (directory / "latest").symlink_to("layers")
    (directory / "outside").symlink_to("/etc/hostname")
    return directory


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        pytest.param("/data/x", "/data/x", id="path"),
        pytest.param("/data/100%25 #1?", "/data/100%25 #1?", id="path-as-it-stands"),
        pytest.param("file:///data/a%20b", "/data/a b", id="url-decoded"),
        pytest.param("file://localhost/data/x", "/data/x", id="url-of-this-host"),
        pytest.param("FILE:/data/x", "/data/x", id="url-without-host"),
        pytest.param("x/y", "/root-of-all/x/y", id="relative"),
        pytest.param("./x/../y", "/root-of-all/y", id="relative-inside"),
        pytest.param("a..b", "/root-of-all/a..b", id="dots-in-a-name"),
    ],
)
def test_an_address_means_a_path(uri: str, path: str) -> None:
    assert LocalArtifacts(Path("/root-of-all")).path(uri) == Path(path)


CLOUD = "addresses cannot be read on this machine: download the artifact first, and give the path of the local copy"


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        pytest.param("gs://b/x", f"gs://b/x: 'gs' {CLOUD}", id="gs"),
        pytest.param("s3://b/x", f"s3://b/x: 's3' {CLOUD}", id="s3"),
        pytest.param("minio://b/x", f"minio://b/x: 'minio' {CLOUD}", id="minio"),
        pytest.param("https://h/x", f"https://h/x: 'https' {CLOUD}", id="https"),
        pytest.param("oci://h/x", f"oci://h/x: 'oci' {CLOUD}", id="oci"),
        pytest.param("", "'' names no file: give a path or a file:// URL", id="empty"),
        pytest.param("/a\0", r"'/a\x00' names no file: give a path or a file:// URL", id="nul"),
        pytest.param("x", "x: a relative path has no meaning here: give an absolute one", id="relative-without-root"),
        pytest.param(
            "file://nas/x", "file://nas/x: names a file on 'nas': write file:///path for one of this machine", id="host"
        ),
        pytest.param("file:///x?y", "file:///x?y: is no plain file URL: give the file's path instead", id="query"),
        pytest.param("file:///%00", "file:///%00: is no plain file URL: give the file's path instead", id="nul-in-url"),
    ],
)
def test_an_address_that_means_no_path_is_refused(uri: str, text: str) -> None:
    asks: list[Callable[[str], object]] = [STORE.exists, STORE.digest, lambda uri: STORE.fetch(uri, Path("/nowhere"))]
    for ask in asks:
        with pytest.raises(UnsupportedUriError) as refused:
            ask(uri)
        assert str(refused.value) == text


@pytest.mark.parametrize("uri", ["..", "../x", "a/../../x"])
def test_a_relative_address_cannot_leave_the_root(uri: str) -> None:
    with pytest.raises(UnsupportedUriError) as refused:
        LocalArtifacts(Path("/root")).exists(uri)
    assert str(refused.value) == f"{uri}: leaves /root, where relative paths begin: give an absolute path"


# --- reading ----------------------------------------------------------------------------------------------------------


def test_files_and_directories_are_there_and_others_are_not(model: Path) -> None:
    uris = [str(model), f"{model}/config", f"file://{model}", f"{model}/none", f"{model}/config/x", "/" + "x" * 5000]
    assert [STORE.exists(uri) for uri in uris] == [True, True, True, False, False, False]


def test_a_local_artifact_is_read_where_it_is(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    assert (STORE.fetch(f"file://{model}", target), target.exists()) == (model, False)


def test_what_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    uri = f"{tmp_path}/none"
    for ask in (STORE.fetch, STORE.place):
        with pytest.raises(FileNotFoundError) as missing:
            ask(uri, tmp_path / "target")
        assert str(missing.value) == f"{uri}: there is no such file or directory, or it may not be looked at"
    assert not (tmp_path / "target").exists()


# --- digests ----------------------------------------------------------------------------------------------------------


def test_the_digest_of_a_file_is_that_of_its_bytes(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert [STORE.digest(str(path)) for path in (model / "config", tmp_path / "empty")] == [HELLO_SHA256, EMPTY_SHA256]


def test_what_is_not_there_has_no_digest(tmp_path: Path) -> None:
    assert [STORE.digest(f"{tmp_path}/none"), STORE.digest(f"{tmp_path}/none/x")] == ["", ""]


def test_a_pipe_has_no_digest_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert STORE.digest(f"{tmp_path}/pipe") == ""


def test_a_directory_with_a_pipe_is_not_waited_for(model: Path) -> None:
    os.mkfifo(model / "pipe")
    assert STORE.digest(str(model)).startswith("sha256:")


def test_a_link_stands_for_what_it_leads_to(model: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model / "config")
    assert STORE.digest(f"{tmp_path}/link") == HELLO_SHA256


def leave(_model: Path) -> None:
    """Change nothing."""


def change_modes_and_times(model: Path) -> None:
    (model / "config").chmod(0o600)
    os.utime(model / "config", (1, 1))


@pytest.mark.parametrize("change", [leave, change_modes_and_times])
def test_equal_directories_have_equal_digests(model: Path, tmp_path: Path, change: Callable[[Path], None]) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(model, other, symlinks=True)
    change(other)
    assert STORE.digest(str(other)) == STORE.digest(str(model))


def change_bytes(model: Path) -> None:
    (model / "config").write_text("hellO")


def rename(model: Path) -> None:
    (model / "config").rename(model / "Config")


def move_down(model: Path) -> None:
    (model / "config").rename(model / "layers" / "config")


def add_empty_directory(model: Path) -> None:
    (model / "empty").mkdir()


def redirect_link(model: Path) -> None:
    (model / "outside").unlink()
    (model / "outside").symlink_to("/etc/passwd")


def replace_link(model: Path) -> None:
    (model / "latest").unlink()
    shutil.copytree(model / "layers", model / "latest")


def replace_file_by_directory(model: Path) -> None:
    (model / "config").unlink()
    (model / "config").mkdir()


@pytest.mark.parametrize(
    "change",
    [change_bytes, rename, move_down, add_empty_directory, redirect_link, replace_link, replace_file_by_directory],
)
def test_a_changed_directory_has_another_digest(model: Path, change: Callable[[Path], None]) -> None:
    before = STORE.digest(str(model))
    change(model)
    assert STORE.digest(str(model)) != before


def test_what_a_link_leads_to_outside_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("1")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "link").symlink_to(tmp_path / "secret")
    before = STORE.digest(f"{tmp_path}/model")
    (tmp_path / "secret").write_text("2")
    assert STORE.digest(f"{tmp_path}/model") == before


# --- copies -----------------------------------------------------------------------------------------------------------


def occupied_by_nothing(_target: Path) -> None:
    """Leave the target's place empty, its directory included."""


def occupied_by_a_file(target: Path) -> None:
    target.parent.mkdir()
    target.write_text("old")


def occupied_by_a_directory(target: Path) -> None:
    (target / "old").mkdir(parents=True)


def occupied_by_a_link(target: Path) -> None:
    target.parent.mkdir()
    target.symlink_to("/nonexistent")


@pytest.mark.parametrize(
    "occupy", [occupied_by_nothing, occupied_by_a_file, occupied_by_a_directory, occupied_by_a_link]
)
@pytest.mark.parametrize("name", ["", "config", "layers/0"])
def test_a_copy_takes_the_place_of_what_is_there(
    model: Path, tmp_path: Path, occupy: Callable[[Path], None], name: str
) -> None:
    target = tmp_path / "workspace" / "data"
    occupy(target)
    assert STORE.place(f"{model}/{name}", target) == target
    assert (STORE.digest(str(target)), names(target.parent)) == (STORE.digest(f"{model}/{name}"), ["data"])


def test_changing_a_copy_leaves_the_artifact_as_it_is(model: Path, tmp_path: Path) -> None:
    before = STORE.digest(str(model))
    target = STORE.place(str(model), tmp_path / "copy")
    with (target / "layers" / "0").open("ab") as file:
        file.write(b"more")
    assert (STORE.digest(str(model)), STORE.digest(str(target)) != before) == (before, True)


def test_a_copy_keeps_modes_and_may_be_written_by_its_owner(model: Path, tmp_path: Path) -> None:
    (model / "config").chmod(0o555)
    (model / "layers").chmod(0o555)
    target = STORE.place(str(model), tmp_path / "copy")
    modes = [(target / name).stat().st_mode & 0o777 for name in ("config", "layers")]
    (model / "layers").chmod(0o755)
    assert modes == [0o755, 0o755]


def test_links_are_copied_as_links(model: Path, tmp_path: Path) -> None:
    target = STORE.place(str(model), tmp_path / "copy")
    assert [str((target / name).readlink()) for name in ("latest", "outside")] == ["layers", "/etc/hostname"]


def test_a_pipe_cannot_be_copied_and_the_target_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    target = tmp_path / "workspace" / "data"
    occupied_by_a_file(target)
    with pytest.raises(OSError, match=r"pipe is neither a file nor a directory and cannot be copied$"):
        STORE.place(f"{tmp_path}/pipe", target)
    assert (target.read_text(), names(target.parent)) == ("old", ["data"])


@pytest.mark.parametrize("name", ["", "config"])
def test_copies_made_at_once_leave_one_whole_copy(model: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "workspace" / "data"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: STORE.place(f"{model}/{name}", target), range(32)))
    assert (STORE.digest(str(target)), names(target.parent)) == (STORE.digest(f"{model}/{name}"), ["data"])
