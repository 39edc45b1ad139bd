"""The pytest plugin: a fixture, `postlude`, that runs and simulates pipelines in a home of the test's own.

pytest imports this module whenever it starts, so that it imports nothing but pytest; the rest comes with the first test
that asks for the fixture.
"""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from postlude.pytest_plugin.fixture import PostludeFixture as PostludeFixture
    from postlude.pytest_plugin.fixture import StillRunningWarning as StillRunningWarning
    from postlude.pytest_plugin.tried import TriedRun as TriedRun

_EXPORTS: Final = {
    "PostludeFixture": "postlude.pytest_plugin.fixture",
    "StillRunningWarning": "postlude.pytest_plugin.fixture",
    "TriedRun": "postlude.pytest_plugin.tried",
}
_FIXTURE: Final = pytest.StashKey["PostludeFixture"]()
_DATABASE: Final = "POSTLUDE_DATABASE_URL"


def __getattr__(name: str) -> Any:
    """Import the types that tests annotate with, and only then."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'postlude.pytest_plugin' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - as above

    return getattr(import_module(_EXPORTS[name]), name)


@pytest.fixture
def postlude_options() -> Mapping[str, Any]:
    """What `postlude.run` is given where a test says nothing else, by the names of its options; override it."""
    return {}


@pytest.fixture
def postlude(
    request: pytest.FixtureRequest, tmp_path: Path, postlude_options: Mapping[str, Any]
) -> "Iterator[PostludeFixture]":
    """Runs and simulates pipelines, in a home of the test's own; see `postlude.pytest_plugin.PostludeFixture`."""
    from postlude.pytest_plugin.fixture import PostludeFixture  # noqa: PLC0415 - for tests that ask for it

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(_DATABASE, raising=False)  # its runs are everybody's
        with PostludeFixture(tmp_path / "postlude", options=postlude_options) as fixture:
            request.node.stash[_FIXTURE] = fixture
            yield fixture


@pytest.hookimpl(hookwrapper=True)  # the newer `wrapper` would keep pytest 7 from starting
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Show the runs that a failed test made."""
    report = (yield).get_result()
    fixture = item.stash.get(_FIXTURE, None)
    if fixture is not None and report.when != "teardown" and report.failed:
        said = str(call.excinfo.value) if call.excinfo is not None else ""
        report.sections.extend(fixture.sections(said))
