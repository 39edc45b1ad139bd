"""Fixtures for tests of several rooms."""

from azure_server import azure, azure_server
from container_engines import container_engine
from docker_engine import docker, docker_host, docker_socket
from podman_engine import podman
from s3_server import gcs, s3, s3_server

__all__ = [
    "azure",
    "azure_server",
    "container_engine",
    "docker",
    "docker_host",
    "docker_socket",
    "gcs",
    "podman",
    "s3",
    "s3_server",
]
