"""What is removed from a home, and what never is."""

from pathlib import Path

import pytest

from postlude.runtime.garbage import Limits, old_runs, remove_tree, size_bytes, unused_artifacts

DAY = 86400.0
NOW = 100 * DAY
AGES = {"new": 1.0, "running": None, "old": 10.0, "older": 20.0}


@pytest.mark.parametrize(
    ("limits", "removed"),
    [
        pytest.param(Limits(), [], id="no-limits-remove-nothing"),
        pytest.param(Limits(older_than_s=5 * DAY), ["old", "older"], id="by-age"),
        pytest.param(Limits(keep=1), ["old", "older"], id="by-count"),
        pytest.param(Limits(keep=2, older_than_s=0), ["older"], id="the-newest-are-kept-whatever-their-age"),
        pytest.param(Limits(keep=0, older_than_s=15 * DAY), ["older"], id="the-young-are-kept-whatever-their-place"),
        pytest.param(Limits(keep=0), ["new", "old", "older"], id="never-one-that-is-not-final"),
    ],
)
def test_which_runs_are_old(limits: Limits, removed: list[str]) -> None:
    ended = [None if days is None else NOW - days * DAY for days in AGES.values()]
    assert old_runs(list(AGES), ended, limits, NOW) == removed


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    for name in ("r1/a/1/model", "r1/a/1/model.json", "r1/a/2/model", "r1/loop/0/1/data", "r2/a/1/model", "r3/a/1/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("12345")
    return tmp_path


def unused(root: Path, *used: str, spared: tuple[str, ...] = ()) -> list[str]:
    return [str(path.relative_to(root)) for path in unused_artifacts(root, used, spared)]


def test_what_nobody_refers_to_is_unused(artifacts: Path) -> None:
    assert unused(artifacts) == ["r1", "r2", "r3"]


def test_an_attempt_is_kept_whole_and_the_others_are_not(artifacts: Path) -> None:
    assert unused(artifacts, f"{artifacts}/r1/a/1/model") == ["r1/a/2", "r1/loop", "r2", "r3"]


def test_a_file_inside_an_artifact_that_is_a_directory_keeps_it(artifacts: Path) -> None:
    assert "r1/loop" not in " ".join(unused(artifacts, f"{artifacts}/r1/loop/0/1/data"))


def test_a_home_may_have_been_moved_and_uris_be_urls(artifacts: Path) -> None:
    assert unused(artifacts, "/before/artifacts/r2/a/1/model", "file:///x/r3/a/1/x", "s3://bucket/r9/x") == ["r1"]


def test_the_artifacts_of_unfinished_runs_are_spared(artifacts: Path) -> None:
    assert unused(artifacts, spared=("r1", "r3")) == ["r2"]


def test_links_lead_nowhere(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "precious").write_text("x")
    (artifacts / "r4").symlink_to(outside)
    (artifacts / "r3" / "link").symlink_to(outside)
    assert unused(artifacts) == ["r1", "r2", "r3"]
    remove_tree(artifacts / "r3", artifacts)
    assert (outside / "precious").exists()


def test_removing_takes_empty_directories_above_along(artifacts: Path) -> None:
    remove_tree(artifacts / "r1" / "loop" / "0" / "1", artifacts)
    assert sorted(path.name for path in (artifacts / "r1").iterdir()) == ["a"]
    remove_tree(artifacts / "r2", artifacts)
    assert (artifacts / "r2").exists() is False


@pytest.mark.parametrize("path", [".", "..", "../elsewhere", "r1/../../elsewhere"])
def test_nothing_outside_the_root_is_removed(artifacts: Path, path: str) -> None:
    with pytest.raises(ValueError, match="is not below"):
        remove_tree(artifacts / path, artifacts)


def test_sizes_are_of_files_and_links_count_for_themselves(artifacts: Path) -> None:
    assert size_bytes(artifacts / "r1" / "a") == 15
