"""Addresses of artifacts outside of this machine."""

from enum import Enum
from typing import Final
from urllib.parse import urlsplit

import msgspec

from postlude.ports.artifacts import UnsupportedUriError


class Scheme(Enum):
    """Whose words the first part of a URI is."""

    S3 = "s3"
    MINIO = "minio"
    GCS = "gs"
    AZURE = "az"


BUCKETS: Final = frozenset(one.value for one in Scheme)
WEB: Final = frozenset({"http", "https"})


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a bucket.

    Attributes:
        bucket: The bucket; Azure's container.
        key: The rest, without slashes at its ends; "" for the bucket itself.
    """

    scheme: Scheme
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme.value}://{self.bucket}/{self.key}"


def scheme_of(uri: str) -> str:
    """The URI's scheme in lower case; "" for a path."""
    scheme, separator, _ = uri.partition("://")
    return scheme.lower() if separator else ""


def read_address(uri: str) -> Address:
    """The place in a bucket that a URI means.

    Raises:
        UnsupportedUriError: It means none; the message says what to do.
    """
    scheme, parts = scheme_of(uri), urlsplit(uri)
    rest = uri.partition("://")[2]
    bucket, _, key = rest.partition("/")
    key = key.rstrip("/")
    names = key.split("/")
    if scheme not in BUCKETS or not bucket:
        raise UnsupportedUriError(f"{uri}: names no bucket: write {scheme or 's3'}://BUCKET/KEY")
    if parts.username or parts.password or "@" in bucket:
        raise UnsupportedUriError(f"{scheme}://…: has credentials in it: give them in environment variables")
    if "?" in uri or "\0" in uri or any(name in (".", "..") for name in names):
        raise UnsupportedUriError(f"{uri}: is no plain address of an object: settings belong in environment variables")
    if key and "" in names:
        raise UnsupportedUriError(f"{uri}: has an empty name between slashes, which is no path on this machine")
    return Address(scheme=Scheme(scheme), bucket=bucket, key=key)
