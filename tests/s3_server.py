"""A real S3-speaking server that the tests start for themselves."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

SECRET = "s3cr3t-of-the-tests"  # noqa: S105 - the password of the tests' own server


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """The server.

    Attributes:
        directory: What it writes down, and where tests order its faults.
        environ: What a client needs to know.
    """

    directory: Path
    environ: Mapping[str, str]

    @property
    def client(self) -> Any:
        """A client that is not ours."""
        return boto3.client(
            "s3", endpoint_url=self.environ["AWS_ENDPOINT_URL"], region_name="us-east-1",
            aws_access_key_id="tests", aws_secret_access_key=SECRET,
        )  # fmt: skip

    def new_bucket(self) -> str:
        """The name of a fresh and empty bucket."""
        name = f"bucket{len(self.client.list_buckets()['Buckets'])}"  # no sign that some clients encode
        self.client.create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def text(self, bucket: str, key: str) -> str:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def requests(self) -> list[str]:
        """What it was asked, in order."""
        return (self.directory / "requests").read_text().splitlines()

    def refuse(self, pattern: str, times: int) -> None:
        """Answer the next requests that match with 503, so many times."""
        (self.directory / "fault").write_text(f"{pattern} {times}")

    def hold(self, pattern: str) -> None:
        """Let the next request that matches wait."""
        for name in ("held", "go"):
            (self.directory / name).unlink(missing_ok=True)
            os.mkfifo(self.directory / name)
        (self.directory / "hold").write_text(pattern)

    def await_held(self) -> str:
        """The request that waits."""
        return (self.directory / "held").read_text()

    def go(self) -> None:
        """Let it go on."""
        (self.directory / "go").write_text("on")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    directory = tmp_path_factory.mktemp("s3")
    program = [sys.executable, str(Path(__file__).parent / "s3_process.py"), str(directory)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        environ = {
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{process.stdout.readline().strip()}",
        }
        try:
            yield S3(directory=directory, environ=environ)
        finally:
            process.kill()


@pytest.fixture
def gcs(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The server as an emulator of Google Cloud Storage: what obstore asks of that has the same form in both."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", s3_server.environ["AWS_ENDPOINT_URL"].removeprefix("http://"))
    return s3_server


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The server, in the environment of the test."""
    for name, value in s3_server.environ.items():
        monkeypatch.setenv(name, value)
    return s3_server
