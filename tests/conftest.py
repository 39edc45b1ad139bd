"""Fixtures for tests of several rooms."""

from container_engines import container_engine
from docker_engine import docker, docker_host, docker_socket
from podman_engine import podman
from s3_server import s3, s3_server

__all__ = ["container_engine", "docker", "docker_host", "docker_socket", "podman", "s3", "s3_server"]
