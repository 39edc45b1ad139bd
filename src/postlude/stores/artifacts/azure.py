"""How Azure's own tools are told of a storage account: a connection string, or the local emulator."""

from collections.abc import Mapping
from typing import Any, Final

from postlude.ports.artifacts import UnsupportedUriError

CONNECTION_STRING: Final = "AZURE_STORAGE_CONNECTION_STRING"
_EMULATOR: Final = ("AZURE_STORAGE_USE_EMULATOR", "AZURE_USE_EMULATOR")
_YES: Final = frozenset({"1", "true", "yes", "on", "y"})
_LACKING: Final = "lacks AccountName with AccountKey or SharedAccessSignature: copy it whole from the storage account"


def azure_settings(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What obstore is to be told that it does not read from the environment itself.

    Raises:
        UnsupportedUriError: The connection string is none; the message does not quote it.
    """
    text = environ.get(CONNECTION_STRING, "")
    found = _connection(text) if text else {}
    if "endpoint" not in found and not is_emulated(environ, found):
        endpoint = environ.get("AZURE_STORAGE_ENDPOINT") or environ.get("AZURE_ENDPOINT")
        return {**found, "endpoint": endpoint} if endpoint else found
    return found


def is_emulated(environ: Mapping[str, str], settings: Mapping[str, Any]) -> bool:
    """Whether the emulator of this machine is meant, which speaks in the clear."""
    asked = any(environ.get(name, "").strip().lower() in _YES for name in _EMULATOR)
    return bool(settings.get("use_emulator")) or (asked and not settings)


def _connection(text: str) -> dict[str, Any]:
    parts = dict(part.strip().partition("=")[::2] for part in text.split(";") if part.strip())
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        return {"use_emulator": True}
    name, key = parts.get("AccountName", ""), parts.get("AccountKey", "")
    signature = parts.get("SharedAccessSignature", "").removeprefix("?")
    if not name or not (key or signature):
        raise UnsupportedUriError(f"{CONNECTION_STRING} {_LACKING}")
    return {"account_name": name, "endpoint": _endpoint(name, parts)} | (
        {"account_key": key} if key else {"sas_key": signature}
    )


def _endpoint(name: str, parts: Mapping[str, str]) -> str:
    if parts.get("BlobEndpoint"):
        return parts["BlobEndpoint"].rstrip("/")
    scheme, suffix = parts.get("DefaultEndpointsProtocol", "https"), parts.get("EndpointSuffix", "core.windows.net")
    return f"{scheme}://{name}.blob.{suffix}"
