"""Environments for packages the interpreter does not have, from a package index in a directory."""

import re
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from process_lab import EXITED_WELL, Lab, install_script, lines

from postlude.executors.process.executor import ProcessExecutor
from postlude.ports.executor import Ending, Exit


def wheel(index: Path, version: str) -> None:
    """Put a version of the package `postludetestpkg` into an index."""
    name = f"postludetestpkg-{version}"
    folder = index / "postludetestpkg"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as archive:
        archive.writestr("postludetestpkg.py", f"VERSION = {version!r}\n")
        archive.writestr(
            f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: postludetestpkg\nVersion: {version}\n"
        )
        archive.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}.dist-info/RECORD", "")
    links = "".join(f'<a href="{path.name}">{path.name}</a>' for path in sorted(folder.glob("*.whl")))
    (folder / "index.html").write_text(links)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("index")
    wheel(folder, "1.0")
    wheel(folder, "2.0")
    return folder.as_uri()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")


def show() -> dict[str, Any]:
    import sys

    import packaging
    import postludetestpkg  # type: ignore[import-not-found]

    return {"version": postludetestpkg.VERSION, "parent": bool(packaging), "prefix": sys.prefix}


def wrapper(index: str, *packages: str) -> tuple[str, ...]:
    options = [f"--index-url {index}", f"--trusted-host {index}"]
    return ("sh", "-c", install_script(*options, *(f"'{package}'" for package in packages)))


def test_a_component_s_packages_are_installed_beside_the_interpreter_s(lab: Lab, index: str) -> None:
    seen = lab.value_of(show, *wrapper(index, "postludetestpkg<2"))
    environments = lab.home / "home" / "environments"
    assert Path(seen.pop("prefix")).parent == environments
    assert seen == {"version": "1.0", "parent": True}


def test_other_requirements_get_another_environment(lab: Lab, index: str) -> None:
    seen = [lab.value_of(show, *wrapper(index, f"postludetestpkg=={version}")) for version in ("1.0", "2.0")]
    assert [one["version"] for one in seen] == ["1.0", "2.0"]
    assert seen[0]["prefix"] != seen[1]["prefix"]


def test_an_environment_is_built_once_whoever_asks(lab: Lab, index: str) -> None:
    packages = wrapper(index, "postludetestpkg>1")
    others = [ProcessExecutor(home=lab.home / "home") for _ in range(2)]
    labs = [Lab(executor, lab.home / f"other-{place}") for place, executor in enumerate(others)]
    attempts = [one.component(show, *packages) for one in labs]
    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(lambda one, attempt: one.executor.run(attempt), labs, attempts))
    for executor in others:
        executor.close()
    assert ended == [EXITED_WELL] * 2
    said = [line for attempt in attempts for line in lines(attempt, "stderr")]
    assert [line for line in said if line.startswith("postlude: installing")] == [
        "postlude: installing postludetestpkg>1"
    ]


def test_what_cannot_be_installed_never_starts_and_says_why(lab: Lab, index: str) -> None:
    attempt = lab.component(show, *wrapper(index, "postludetestpkg>=3"))
    ended = lab.executor.run(attempt)
    assert ended.ending is Ending.NOT_STARTED
    assert re.fullmatch(
        r"cannot install the component's packages: .*No solution found.* you require postludetestpkg>=3, .*",
        ended.message,
    )
    assert any("No solution found" in line for line in lines(attempt, "stderr"))
    assert not list((lab.home / "home" / "environments").glob("*.partial"))


def test_packages_that_are_there_need_no_environment(lab: Lab) -> None:
    def look() -> dict[str, Any]:
        import sys

        return {"prefix": sys.prefix}

    import sys

    script = install_script("'packaging>=20'", "'click'")
    assert lab.value_of(look, "sh", "-c", script) == {"prefix": sys.prefix}


class SlowIndex:
    """An index that takes connections and never answers."""

    def __init__(self) -> None:
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        self.asked = threading.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/simple"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        self._connection = self._socket.accept()
        self.asked.set()


def test_an_installation_can_be_terminated(lab: Lab) -> None:
    index = SlowIndex()
    attempt = lab.component(show, *wrapper(index.url, "postludetestpkg"))
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(lab.executor.run, attempt)
        assert index.asked.wait(20)
        lab.executor.terminate(attempt.run_id, attempt.path, attempt.attempt, grace_s=5)
        assert ended.result(20) == Exit(
            ending=Ending.TERMINATED, message="terminated while its packages were installed"
        )


def test_an_installation_counts_towards_the_time_limit(lab: Lab) -> None:
    index = SlowIndex()
    attempt = lab.component(show, *wrapper(index.url, "postludetestpkg"), timeout_s=0.3)
    began = time.monotonic()
    ended = lab.executor.run(attempt)
    assert ended == Exit(ending=Ending.TIMED_OUT, message="timed out after 0.3 s, while installing packages")
    assert time.monotonic() - began < 10
