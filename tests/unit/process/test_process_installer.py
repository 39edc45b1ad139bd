"""What the installer of packages is told, and what it may say."""

import pytest

from postlude.executors.process.credentials import redacted
from postlude.executors.process.installer import last_words, sources
from postlude.executors.process.pip_install import Install
from postlude.executors.process.requirements import is_named
from postlude.executors.process.variables import for_installer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:secret@host/simple", "https://****@host/simple"),
        ("https://token@host:8080/simple", "https://****@host:8080/simple"),
        ("a @ git+https://ada:p:q@host/r.git@v1", "a @ git+https://****@host/r.git@v1"),
        ("https://ada:p@ss@host/simple", "https://****@host/simple"),
        ("https://host/simple", "https://host/simple"),
        ("https://host/a@1", "https://host/a@1"),
        ("write to ada@host about http://host", "write to ada@host about http://host"),
    ],
)
def test_credentials_are_taken_out(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("install", "variables"),
    [
        pytest.param(Install(packages=("a",)), {}, id="nothing"),
        pytest.param(Install(index_urls=("https://x",)), {"UV_DEFAULT_INDEX": "https://x"}, id="one-index"),
        pytest.param(
            Install(index_urls=("https://x", "https://y", "https://z")),
            {
                "UV_DEFAULT_INDEX": "https://x",
                "UV_INDEX": "https://y https://z",
                "UV_INDEX_STRATEGY": "unsafe-best-match",
            },
            id="the-best-of-several-indexes",
        ),
        pytest.param(
            Install(trusted_hosts=("https://ada:secret@x:8/simple", "y", "file:///here")),
            {"UV_INSECURE_HOST": "x:8 y"},
            id="hosts-without-credentials",
        ),
    ],
)
def test_sources(install: Install, variables: dict[str, str]) -> None:
    assert sources(install) == variables


@pytest.mark.parametrize(
    ("environment", "variables"),
    [
        pytest.param({"SOME_TOKEN": "x", "HOME": "/h"}, {"HOME": "/h"}, id="what-uv-need-not-know"),
        pytest.param(
            {"PIP_INDEX_URL": "https://x", "PIP_FIND_LINKS": "/a /b"},
            {"UV_DEFAULT_INDEX": "https://x", "UV_FIND_LINKS": "/a,/b"},
            id="pip-s-variables-are-uv-s",
        ),
        pytest.param(
            {"PIP_INDEX_URL": "https://x", "UV_DEFAULT_INDEX": "https://y"},
            {"UV_DEFAULT_INDEX": "https://y"},
            id="uv-s-own-win",
        ),
        pytest.param(
            {"PIP_EXTRA_INDEX_URL": "https://x  https://y"},
            {"UV_INDEX": "https://x https://y", "UV_INDEX_STRATEGY": "unsafe-best-match"},
            id="the-best-of-all-indexes-as-pip-chooses",
        ),
    ],
)
def test_for_installer(environment: dict[str, str], variables: dict[str, str]) -> None:
    seen = {name: value for name, value in for_installer(environment).items() if not name.startswith("PIP_")}
    assert seen == variables


def test_uv_s_reason_is_told_without_the_calls_that_led_to_it() -> None:
    said = (
        "Using Python 3.11.7 environment at: /h\nResolved 1 package in 1ms\nwarning: slow\n"
        "error: Failed to build `a`\n  cause: The build backend returned an error\n\n  [stderr]\n"
        '  Traceback (most recent call last):\n    File "<string>", line 8, in <module>\n  RuntimeError: no\n'
    )
    reason = "error: Failed to build `a` cause: The build backend returned an error RuntimeError: no"
    assert (last_words(said), last_words("")) == (reason, "uv said nothing")


@pytest.mark.parametrize(
    ("requirement", "named"),
    [("kfp==2.9", True), (None, True), ("kfp @ https://h/k.whl", False), ("/k.whl", False), ("git+https://h/k", False)],
)
def test_is_named(requirement: str | None, *, named: bool) -> None:
    assert is_named(requirement) is named
