"""Importers and the cache, end to end: what is registered, what is reused, and what is made again."""

from pathlib import Path

import pytest
from feature_components import counted, read_data
from harness import Harness, Result, compile_ir
from kfp import dsl


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A file to import."""
    path = tmp_path / "words here.txt"
    path.write_text("words")
    return path


def read(result: Result) -> dict[str, object]:
    """What the task that reads the imported artifact found."""
    return result.outputs("read-data")["Output"]


# --- importers --------------------------------------------------------------------------------------------------------


@dsl.pipeline(name="import")
def importing(uri: str) -> None:
    imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset)
    read_data(data=imported.output)


def test_import_of_an_absolute_path(harness: Harness, words: Path) -> None:
    assert read(harness.run(importing, {"uri": str(words)}))["text"] == "words"


def test_import_of_a_relative_path(harness: Harness, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(words.parent)

    result = harness.run(importing, {"uri": words.name})

    assert read(result)["text"] == "words"
    assert result.outputs("importer")["artifact"][0]["uri"] == str(words)


def test_import_of_a_file_url(harness: Harness, words: Path) -> None:
    result = harness.run(importing, {"uri": words.as_uri()})

    assert "%20" in words.as_uri()
    assert read(result)["text"] == "words"


def test_import_of_a_directory(harness: Harness, words: Path) -> None:
    @dsl.pipeline(name="import")
    def pipeline(uri: str) -> None:
        dsl.importer(artifact_uri=uri, artifact_class=dsl.Artifact)

    result = harness.run(pipeline, {"uri": str(words.parent)})

    (artifact,) = result.outputs("importer")["artifact"]
    assert (artifact["uri"], artifact["digest"][:7], result.state) == (str(words.parent), "sha256:", "SUCCEEDED")


def test_import_from_a_place_of_an_unknown_kind_says_what_to_do(harness: Harness) -> None:
    result = harness.run(importing, {"uri": "oci://registry/words"})

    advice = "download the artifact first, and give the path of the local copy"
    message = f"oci://registry/words: 'oci' addresses cannot be read on this machine: {advice}"
    assert result.error("importer") == (3, message)
    assert (result.states["read-data"], result.state) == ("UPSTREAM_FAILED", "FAILED")


def test_imported_metadata_may_hold_parameters(harness: Harness, words: Path) -> None:
    @dsl.pipeline(name="import-metadata")
    def pipeline(uri: str, version: str) -> None:
        metadata = {"version": version, "nested": {"of": ["words", version]}, "rows": 3}
        imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, metadata=metadata)
        read_data(data=imported.output)

    result = harness.run(pipeline, {"uri": str(words), "version": "v2"})

    assert read(result)["metadata"] == {"version": "v2", "nested": {"of": ["words", "v2"]}, "rows": 3}


@pytest.mark.parametrize(("reimport", "cached"), [(False, True), (True, False)], ids=["known", "reimported"])
def test_a_second_import_of_the_same_file(harness: Harness, words: Path, reimport: bool, cached: bool) -> None:  # noqa: FBT001 - a table's columns
    @dsl.pipeline(name="reimport")
    def pipeline(uri: str) -> None:
        dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=reimport)

    results = [harness.run(pipeline, {"uri": str(words)}) for _ in range(2)]

    assert [result.run.tasks["importer"].cached for result in results] == [False, cached]


def test_an_import_is_new_once_the_file_changed(harness: Harness, words: Path) -> None:
    harness.run(importing, {"uri": str(words)})
    words.write_text("other words")
    result = harness.run(importing, {"uri": str(words)})

    assert (result.run.tasks["importer"].cached, read(result)["text"]) == (False, "other words")


def test_import_into_the_workspace(harness: Harness, words: Path) -> None:
    workspace = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi"))

    @dsl.pipeline(name="to-workspace", pipeline_config=workspace)
    def pipeline(uri: str) -> None:
        imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, download_to_workspace=True)
        read_data(data=imported.output)

    outside = f"{words.parent}/../../../../../../../../../../../..{words}"
    result = harness.run(pipeline, {"uri": outside})

    (artifact,) = result.inputs("read-data")["data"]
    assert read(result)["text"] == "words"
    workspace_path = harness.home / "runs" / result.run.run_id / "workspace"
    assert Path(artifact["uri"]) == workspace_path / ".artifacts" / str(words).lstrip("/")


def test_import_into_a_workspace_that_is_not_there(harness: Harness, words: Path) -> None:
    # The SDK refuses it, by its own count of who uses the workspace.
    ir = compile_ir(importing)
    (label,) = [label for label in ir["deploymentSpec"]["executors"] if "importer" in label]
    ir["deploymentSpec"]["executors"][label]["importer"]["downloadToWorkspace"] = True

    result = harness.run(ir, {"uri": str(words)})

    advice = "Give it one with dsl.PipelineConfig(workspace=...)"
    assert result.error("importer") == (3, f"nothing to import into: the pipeline has no workspace. {advice}")


# --- the cache --------------------------------------------------------------------------------------------------------


@dsl.pipeline(name="cached")
def caching(log: str, text: str) -> None:
    written = counted(log=log, text=text)
    read_data(data=written.outputs["data"])


def cached(result: Result) -> list[bool]:
    return [result.run.tasks[path].cached for path in ("counted", "read-data")]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file in which tasks count how often they really ran."""
    return tmp_path / "log"


def test_a_second_run_reuses_parameters_and_artifacts(harness: Harness, log: Path) -> None:
    first, second = (harness.run(caching, {"log": str(log), "text": "a"}) for _ in range(2))

    assert (cached(first), cached(second)) == ([False, False], [True, True])
    assert second.outputs("counted") == first.outputs("counted")
    assert Path(second.outputs("counted")["data"][0]["uri"]).read_text() == "a"
    assert log.read_text() == "a\n"


def test_another_argument_is_another_key(harness: Harness, log: Path) -> None:
    results = [harness.run(caching, {"log": str(log), "text": text}) for text in ("a", "b", "a")]

    assert [cached(result) for result in results] == [[False, False], [False, False], [True, True]]
    assert log.read_text() == "a\nb\n"


def test_a_consumer_is_reused_where_its_producer_made_the_same_bytes(harness: Harness, log: Path) -> None:
    @dsl.pipeline(name="same-bytes")
    def pipeline(log: str) -> None:
        written = counted(log=log, text="a").set_caching_options(enable_caching=False)
        read_data(data=written.outputs["data"])

    first, second = (harness.run(pipeline, {"log": str(log)}) for _ in range(2))

    assert (cached(first), cached(second)) == ([False, False], [False, True])
    assert log.read_text() == "a\na\n"


def test_a_run_without_the_cache_neither_reads_nor_fills_it(harness: Harness, log: Path) -> None:
    arguments = {"log": str(log), "text": "a"}
    results = [harness.run(caching, arguments, cache=cache) for cache in (False, True, False)]

    assert [cached(result) for result in results] == [[False, False]] * 3
    assert log.read_text() == "a\n" * 3


def test_a_task_whose_artifact_is_gone_runs_again(harness: Harness, log: Path) -> None:
    arguments = {"log": str(log), "text": "a"}
    first = harness.run(caching, arguments)
    Path(first.outputs("counted")["data"][0]["uri"]).unlink()
    second = harness.run(caching, arguments)

    assert cached(second) == [False, True]
    assert Path(second.outputs("counted")["data"][0]["uri"]).read_text() == "a"
    assert (log.read_text(), second.state) == ("a\na\n", "SUCCEEDED")


def test_a_task_whose_artifact_was_changed_in_place_runs_again(harness: Harness, log: Path) -> None:
    arguments = {"log": str(log), "text": "a"}
    first = harness.run(caching, arguments)
    Path(first.outputs("counted")["data"][0]["uri"]).write_text("spoiled")
    second = harness.run(caching, arguments)

    assert Path(second.outputs("counted")["data"][0]["uri"]).read_text() == "a"
    assert (log.read_text(), second.state) == ("a\na\n", "SUCCEEDED")


def test_an_environment_variable_is_part_of_the_key(harness: Harness, log: Path) -> None:
    def with_mode(mode: str) -> dict:
        @dsl.pipeline(name="env")
        def pipeline(log: str) -> None:
            counted(log=log, text="a").set_env_variable("MODE", mode)

        return compile_ir(pipeline)

    results = [harness.run(with_mode(mode), {"log": str(log)}) for mode in ("slow", "fast", "slow")]

    assert [result.run.tasks["counted"].cached for result in results] == [False, False, True]
