"""Fixtures for tests of several rooms."""

from podman_image import podman
from s3_server import s3, s3_server

__all__ = ["podman", "s3", "s3_server"]
