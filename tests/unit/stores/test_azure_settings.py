"""What a connection string, and the other variables of Azure's tools, say of a storage account."""

from typing import Any

import pytest

from postlude.stores.artifacts.azure import azure_settings, is_emulated

WHOLE = "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a2V5PT0=;EndpointSuffix=core.windows.net"
LOCAL = "AccountName=me;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/me/;"
ELSEWHERE = "AZURE_STORAGE_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "settings", "emulated"),
    [
        pytest.param({}, {}, False, id="nothing"),
        pytest.param(
            {"AZURE_STORAGE_CONNECTION_STRING": WHOLE},
            {"account_name": "me", "account_key": "a2V5PT0=", "endpoint": "https://me.blob.core.windows.net"},
            False,
            id="of-an-account",
        ),
        pytest.param(
            {"AZURE_STORAGE_CONNECTION_STRING": LOCAL, ELSEWHERE: "https://other"},
            {"account_name": "me", "account_key": "a2V5", "endpoint": "http://127.0.0.1:1/me"},
            False,
            id="with-an-endpoint-of-its-own",
        ),
        pytest.param(
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=me;SharedAccessSignature=?sv=1&sig=x%3D"},
            {"account_name": "me", "sas_key": "sv=1&sig=x%3D", "endpoint": "https://me.blob.core.windows.net"},
            False,
            id="of-a-signature",
        ),
        pytest.param(
            {"AZURE_STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true"}, {"use_emulator": True}, True,
            id="of-the-emulator",
        ),
        pytest.param({"AZURE_STORAGE_USE_EMULATOR": "True"}, {}, True, id="switch-of-the-emulator"),
        pytest.param({ELSEWHERE: "http://host"}, {"endpoint": "http://host"}, False, id="endpoint"),
    ],
)  # fmt: skip
def test_what_the_environment_says(environ: dict[str, str], settings: dict[str, Any], *, emulated: bool) -> None:
    found = azure_settings(environ)
    assert (found, is_emulated(environ, found)) == (settings, emulated)
