"""Whole runs whose artifacts are in Google's and Microsoft's clouds, on servers that speak as those do."""

import json
from pathlib import Path
from typing import Any

import pytest
from bucket_components import chain, large
from components import fail, report
from harness import Harness
from kfp import dsl

from azure_server import Azure
from s3_server import S3

MIB = 1024 * 1024
CLOUDS = {"gs": "gcs", "az": "azure"}
Server = S3 | Azure


@dsl.component
def measured(data: dsl.Input[dsl.Dataset]) -> list:
    import hashlib
    from pathlib import Path

    content = Path(data.path).read_bytes()
    return [len(content), hashlib.sha256(content).hexdigest()]


@dsl.pipeline(name="guarded")
def guarded() -> None:
    with dsl.ExitHandler(report()):
        size = measured(data=large(text="x").outputs["data"])
        fail().after(size)


@dsl.pipeline(name="fetched")
def fetched(uri: str) -> None:
    measured(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).output)


@pytest.fixture(params=CLOUDS)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(scheme: str, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(CLOUDS[scheme])


def test_a_pipeline_with_an_exit_handler(harness: Harness, scheme: str, server: Server, tmp_path: Path) -> None:
    bucket = server.new_bucket()
    result = harness.run(guarded, pipeline_root=f"{scheme}://{bucket}/root")
    (artifact,) = result.outputs("exit-handler-1/large")["data"]
    key = f"root/guarded/{result.run.run_id}/exit-handler-1/large/1/data"
    elsewhere = Harness(home=tmp_path / "another-machine").run(fetched, {"uri": artifact["uri"]})

    assert (result.state, result.verdict()[:2]) == ("FAILED", ("FAILED", 2))
    assert artifact["uri"] == f"{scheme}://{bucket}/{key}"
    assert set(server.keys(bucket)) == {key, key.replace("large/1/data", "large/1/.postlude/data.json")}
    expected = [20 * MIB, artifact["digest"].removeprefix("sha256:")]
    assert [result.outputs("exit-handler-1/measured")["Output"], elsewhere.outputs("measured")["Output"]] == [
        expected
    ] * 2


def test_the_cache_knows_what_is_in_the_cloud(harness: Harness, scheme: str, server: Server) -> None:
    root = f"{scheme}://{server.new_bucket()}"
    results = [harness.run(chain, {"text": "a"}, pipeline_root=root) for _ in range(2)]

    assert [result.run.tasks["write-data"].cached for result in results] == [False, True]


def test_an_object_that_is_gone_is_missed(harness: Harness, scheme: str, server: Server) -> None:
    uri = f"{scheme}://{server.new_bucket()}/none"
    result = harness.run(fetched, {"uri": uri})

    assert result.error("importer") == (5, f"nothing to import: '{uri}' does not exist")


@pytest.mark.parametrize(
    ("task", "source", "prefix"),
    [("write-data", chain, "its outputs cannot be kept"), ("importer", fetched, "nothing was imported")],
)
def test_a_bucket_that_is_not_there_is_said(
    harness: Harness, scheme: str, server: Server, task: str, source: Any, prefix: str
) -> None:
    result = harness.run(
        source,
        {"text": "x"} if source is chain else {"uri": f"{scheme}://notthere/x"},
        pipeline_root=f"{scheme}://notthere",
    )

    code, message = result.error(task) or (0, "")
    assert (code, message.startswith(f"{prefix}: {scheme}://notthere/")) == (14, True)
    assert "there is no such bucket, or the object is gone (" in message


def test_a_part_that_google_refuses_is_sent_again_alone(harness: Harness, gcs: S3) -> None:
    bucket = gcs.new_bucket()
    gcs.refuse(f"PUT /{bucket}/.*partNumber=2", 1)
    harness.run(guarded, pipeline_root=f"gs://{bucket}")

    sent = [one for one in gcs.requests() if one.startswith(f"PUT /{bucket}/") and "partNumber" in one]
    assert sorted(one.partition("partNumber=")[2][:1] for one in sent) == ["1", "2", "2", "3"]


def test_an_account_key_that_is_wrong_is_said_without_it(
    harness: Harness, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "d3JvbmcgYWNjb3VudCBrZXk="
    known = azure.connection.split("AccountKey=")[1].split(";")[0]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure.connection.replace(known, wrong))
    result = harness.run(chain, {"text": "x"}, pipeline_root=f"az://{azure.new_bucket()}")

    code, message = result.error("write-data") or (0, "")
    assert (code, "access is denied: look at the credentials" in message) == (14, True)
    assert wrong not in json.dumps(result.run.document)


@pytest.mark.parametrize("text", ["AccountName=me", "AccountKey=s3cr3t", "s3cr3t"])
def test_a_connection_string_that_is_none_is_said_without_it(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    result = harness.run(fetched, {"uri": "az://container/x"})

    words = "lacks AccountName with AccountKey or SharedAccessSignature: copy it whole from the storage account"
    assert result.error("importer") == (3, f"AZURE_STORAGE_CONNECTION_STRING {words}")


def test_an_emulator_that_does_not_run_is_said(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:9")
    result = harness.run(fetched, {"uri": "gs://bucket/x"})

    words = "nothing was imported: gs://bucket/x: the server refuses connections: look at the endpoint"
    assert result.error("importer") == (14, words)


def test_azures_emulator_by_its_own_switch(
    harness: Harness, azure_server: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", azure_server.url.rpartition("/")[0])
    result = harness.run(chain, {"text": "x"}, pipeline_root=f"az://{azure_server.new_bucket()}")

    assert result.state == "SUCCEEDED"
