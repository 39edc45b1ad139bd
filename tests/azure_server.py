"""Azurite, Microsoft's own emulator of Azure Blob Storage, which the tests start for themselves."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from container_image import unavailable

PROGRAM: Final = "node_modules/.bin/azurite-blob"
INSTALL: Final = "npm install --prefix .venv/azurite azurite"
_ACCOUNT: Final = "devstoreaccount1"
_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # everybody's
_NUMBERS: Final = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """The server.

    Attributes:
        url: Where its account is.
    """

    url: str

    @property
    def connection(self) -> str:
        return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={self.url};"

    @property
    def environ(self) -> Mapping[str, str]:
        """What a client needs to know."""
        return {"AZURE_STORAGE_CONNECTION_STRING": self.connection}

    @property
    def client(self) -> Any:
        """A client that is not ours."""
        from azure.storage.blob import BlobServiceClient  # loaded by those who use the server

        return BlobServiceClient.from_connection_string(self.connection)

    def new_bucket(self) -> str:
        """The name of a fresh and empty container."""
        name = f"container{next(_NUMBERS)}"
        self.client.create_container(name)
        return name

    def keys(self, bucket: str) -> list[str]:
        return sorted(self.client.get_container_client(bucket).list_blob_names())

    def text(self, bucket: str, key: str) -> str:
        return self.client.get_blob_client(bucket, key).download_blob().readall().decode()


def _program() -> str:
    """Azurite, where `.ci/run` installs it or where the shell finds it."""
    beside = Path(sys.prefix, "azurite", PROGRAM)
    found = str(beside) if beside.exists() else shutil.which("azurite-blob")
    if found is None or shutil.which("node") is None:
        unavailable(f"needs node and azurite: {INSTALL}")
    return str(found)


@pytest.fixture(scope="session")
def azure_server() -> Iterator[Azure]:
    options = ["--blobPort", "0", "--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    environ = {**os.environ, "NODE_OPTIONS": "--no-deprecation"}
    with subprocess.Popen([_program(), *options], stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if "successfully listens on" in line)
            yield Azure(url=f"{line.split()[-1]}/{_ACCOUNT}")
        finally:
            process.kill()


@pytest.fixture
def azure(azure_server: Azure, monkeypatch: pytest.MonkeyPatch) -> Azure:
    """The server, in the environment of the test."""
    for name, value in azure_server.environ.items():
        monkeypatch.setenv(name, value)
    return azure_server
