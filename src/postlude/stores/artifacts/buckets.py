"""Opens buckets through obstore, with the credentials of the engine's environment."""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from postlude.ports.artifacts import UnsupportedUriError
from postlude.spec.problem import ConfigError
from postlude.stores.artifacts.address import Address, Scheme
from postlude.stores.artifacts.azure import azure_settings, is_emulated

if TYPE_CHECKING:
    from obstore.store import ObjectStore

RETRIES: Final = 6
"""Requests are repeated so often, waiting twice as long each time: about ten seconds in all."""
_SETTINGS: Final = "the environment lacks a setting for it: look at AWS_…, GOOGLE_… or AZURE_STORAGE_ACCOUNT_NAME"
EXTRA: Final = "needs the package obstore: pip install 'postlude[cloud]'"


class Buckets:
    """The buckets that a process uses, each opened once.

    Settings are those variables of the environment that each provider's own tools read: `AWS_*`, `GOOGLE_*`,
    `AZURE_*`, and `STORAGE_EMULATOR_HOST`. An endpoint that begins with `http://` may be spoken to in the clear.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, *, retries: int = RETRIES) -> None:
        self._environ = os.environ if environ is None else environ
        self._retries = retries
        self._opened: dict[tuple[Scheme, str], ObjectStore] = {}
        self._lock = threading.Lock()

    def open(self, address: Address) -> "ObjectStore":
        """The bucket of an address; nothing is asked of it yet.

        Raises:
            UnsupportedUriError: obstore is not installed, or the settings are none.
        """
        place = (address.scheme, address.bucket)
        with self._lock:
            if place not in self._opened:
                self._opened[place] = self._made(address)
            return self._opened[place]

    def _made(self, address: Address) -> "ObjectStore":
        try:
            from obstore import exceptions  # noqa: PLC0415 - 20 ms that only those pay who use buckets
        except ImportError as missing:
            raise UnsupportedUriError(f"{address}: {EXTRA}") from missing
        try:
            made: ObjectStore = _MAKERS[address.scheme](address.bucket, self._environ, self._options())
        except (exceptions.BaseError, ValueError) as fault:
            raise UnsupportedUriError(f"{address}: {_SETTINGS}") from fault
        return made

    def _options(self) -> dict[str, Any]:
        return {"retry_config": {"max_retries": self._retries, "retry_timeout": timedelta(seconds=120)}}


def require_obstore(uri: str) -> None:
    """Say so early where buckets cannot be spoken to at all.

    Raises:
        ConfigError: obstore is not installed.
    """
    try:
        import obstore  # noqa: F401, PLC0415 - whether it is there is all that is asked
    except ImportError as missing:
        raise ConfigError(f"{uri}: {EXTRA}") from missing


def _s3(bucket: str, environ: Mapping[str, str], options: dict[str, Any]) -> "ObjectStore":
    from obstore.store import S3Store  # noqa: PLC0415 - as above

    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or environ.get("AWS_ENDPOINT")
    config: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
    if "AWS_CHECKSUM_ALGORITHM" not in environ:
        config["checksum_algorithm"] = "SHA256"  # the other side refuses what does not arrive as it was sent
    return S3Store(bucket, config=config, client_options=_client(endpoint), **options)  # type: ignore[arg-type]


def _minio(bucket: str, environ: Mapping[str, str], options: dict[str, Any]) -> "ObjectStore":
    if not any(environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")):
        raise UnsupportedUriError(f"minio://{bucket}: where is that server? Set AWS_ENDPOINT_URL")
    return _s3(bucket, environ, options)


def _gcs(bucket: str, environ: Mapping[str, str], options: dict[str, Any]) -> "ObjectStore":
    from obstore.store import GCSStore  # noqa: PLC0415 - as above

    emulator, endpoint = environ.get("STORAGE_EMULATOR_HOST"), environ.get("GOOGLE_BASE_URL")
    config: dict[str, Any] = {}
    if emulator:
        endpoint = (emulator if "://" in emulator else f"http://{emulator}").rstrip("/")
        config = {"base_url": endpoint, "bearer_token": environ.get("GOOGLE_BEARER_TOKEN", "emulator")}  # nobody looks
    return GCSStore(bucket, config=config, client_options=_client(endpoint), **options)  # type: ignore[arg-type]


def _azure(bucket: str, environ: Mapping[str, str], options: dict[str, Any]) -> "ObjectStore":
    from obstore.store import AzureStore  # noqa: PLC0415 - as above

    config = azure_settings(environ)
    endpoint = "http://" if is_emulated(environ, config) else config.get("endpoint")
    return AzureStore(bucket, config=config, client_options=_client(endpoint), **options)  # type: ignore[arg-type]


def _client(endpoint: str | None) -> dict[str, Any]:
    # A whole part must go through in this time, on slow lines too.
    return {"timeout": "300s", "connect_timeout": "10s", "allow_http": bool(endpoint and endpoint.startswith("http:"))}


_MAKERS: Final[Mapping[Scheme, Callable[[str, Mapping[str, str], dict[str, Any]], Any]]] = {
    Scheme.S3: _s3,
    Scheme.MINIO: _minio,
    Scheme.GCS: _gcs,
    Scheme.AZURE: _azure,
}
