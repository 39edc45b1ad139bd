"""Where a run's artifacts go when the operator chooses."""

from pathlib import Path
from typing import Final

from postlude.ports.artifacts import UnsupportedUriError
from postlude.spec.problem import ConfigError
from postlude.stores.artifacts.address import BUCKETS, read_address, scheme_of
from postlude.stores.artifacts.buckets import require_obstore
from postlude.stores.artifacts.local import LocalArtifacts

_CHOICES: Final = "give s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, file:///DIRECTORY or a directory"


def read_root(text: str) -> str:
    """The URL below which artifacts go, without a slash at its end; a directory is made.

    Raises:
        ConfigError: It is no such place, or cannot be used.
    """
    scheme = scheme_of(text)
    try:
        if scheme in BUCKETS:
            return _bucket(text)
        if text.strip() and scheme in ("", "file"):
            return _directory(text)
    except UnsupportedUriError as fault:
        raise ConfigError(f"pipeline root {fault}") from fault
    raise ConfigError(f"pipeline root {text!r}: artifacts cannot be kept there: {_CHOICES}")


def _bucket(text: str) -> str:
    address = read_address(text)
    require_obstore(f"pipeline root {text}")
    return str(address).rstrip("/")


def _directory(text: str) -> str:
    path = LocalArtifacts(Path.cwd()).path(text) if scheme_of(text) else Path(text).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ConfigError(f"pipeline root {text}: cannot be made: {fault.strerror}; {_CHOICES}") from fault
    return path.as_uri()
