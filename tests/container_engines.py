"""The container engines that tests run on."""

import pytest


@pytest.fixture(params=["podman", "docker"])
def container_engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine that has the image of the tests: each, one after the other."""
    name: str = request.param
    request.getfixturevalue(name)
    return name
