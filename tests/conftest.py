"""Fixtures for tests of several rooms."""

from azure_server import azure, azure_server
from podman_image import podman
from s3_server import gcs, s3, s3_server

__all__ = ["azure", "azure_server", "gcs", "podman", "s3", "s3_server"]
