"""Fixtures for tests of several rooms."""

from podman_image import podman

__all__ = ["podman"]
