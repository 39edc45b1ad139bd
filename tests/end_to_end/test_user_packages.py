"""Components that install packages: real pipelines, real processes, a real index on this machine."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import psutil
import pytest
from harness import Harness
from kfp import compiler, dsl

from package_index import SELF_SIGNED, PackageIndex, add_wheel, served
from postlude.spec.types import Json

PACKAGE = "postludetestpkg"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of a package, one that needs it, and an old release of one that Postlude itself has."""
    folder = tmp_path_factory.mktemp("packages")
    for number in ("1.0", "2.0"):
        add_wheel(folder, PACKAGE, number)
    add_wheel(folder, "postludeneedsone", "1.0", requires=[f"{PACKAGE}<2"])
    add_wheel(folder, "postludeneedstwo", "1.0", requires=[f"{PACKAGE}>=2"])
    add_wheel(folder, "click", "0.0.1")
    return folder


@pytest.fixture
def index(packages: Path) -> Iterator[PackageIndex]:
    with served(packages) as index:
        yield index


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


def installs(*requirements: str, index: str = "", **options: Any) -> Callable[[], Any]:
    """A pipeline of one task, `look`, that installs packages and says what it sees."""
    urls = {"pip_index_urls": [index]} if index else {}
    given = {"install_kfp_package": False, "packages_to_install": list(requirements), **urls, **options}

    @dsl.component(base_image="python:3.11", **given)
    def look() -> dict:
        import sys
        from importlib.metadata import PackageNotFoundError, version

        import kfp

        seen = {"prefix": sys.prefix, "kfp": kfp.__file__}
        for name in ("postludetestpkg", "click"):
            try:
                seen[name] = version(name)
            except PackageNotFoundError:
                seen[name] = None
        return seen

    @dsl.pipeline(name="packages")
    def pipeline() -> None:
        look().set_caching_options(enable_caching=False)

    return pipeline


def compiled(pipeline: Callable[..., Any], tmp_path: Path) -> Path:
    target = tmp_path / "packages.yaml"
    compiler.Compiler().compile(pipeline, str(target))
    return target


def seen(harness: Harness, pipeline: Callable[..., Any], **options: Any) -> Json:
    result = harness.run(pipeline, **options)
    assert result.state == "SUCCEEDED", result.message
    return result.outputs("look")["Output"]


def refused(harness: Harness, pipeline: Callable[..., Any], **options: Any) -> str:
    """Why the task did not start."""
    result = harness.run(pipeline, **options)
    assert result.states["look"] == "FAILED"
    error = result.error("look")
    assert error is not None
    assert error[0] == 14
    return error[1]


# --- what the SDK can ask for -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"install_kfp_package": False}, id="install_kfp_package=False"),
        pytest.param({"install_kfp_package": True}, id="install_kfp_package=True"),
        pytest.param({"install_kfp_package": True, "use_venv": True}, id="use_venv"),
        pytest.param({"install_kfp_package": False, "pip_trusted_hosts": ["127.0.0.1"]}, id="pip_trusted_hosts"),
    ],
)
def test_packages_come_from_the_component_s_own_index(
    harness: Harness, index: PackageIndex, options: dict[str, Any]
) -> None:
    found = seen(harness, installs(f"{PACKAGE}<2", index=index.url, **options))
    assert (found[PACKAGE], Path(found["prefix"]).parent) == ("1.0", harness.home / "environments")
    assert f"/{PACKAGE}/{PACKAGE}-1.0-py3-none-any.whl" in index.requests


def test_the_best_release_of_several_indexes_is_taken(harness: Harness, packages: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    add_wheel(newer, PACKAGE, "3.0")
    with served(packages) as first, served(newer) as second:
        found = seen(harness, installs(PACKAGE, pip_index_urls=[first.url, second.url]))
    assert found[PACKAGE] == "3.0"


@pytest.mark.parametrize("names", [("PIP_INDEX_URL",), ("UV_DEFAULT_INDEX",)], ids=["pip", "uv"])
def test_the_engine_s_own_index_serves_where_the_component_names_none(
    harness: Harness, index: PackageIndex, monkeypatch: pytest.MonkeyPatch, names: tuple[str]
) -> None:
    monkeypatch.setenv(names[0], index.url)
    assert seen(harness, installs(PACKAGE))[PACKAGE] == "2.0"


def test_kfp_package_path_is_the_sdk_that_runs_the_component(harness: Harness, tmp_path: Path) -> None:
    wheel = wheel_of_the_installed_sdk(tmp_path)
    found = seen(harness, installs(install_kfp_package=True, kfp_package_path=str(wheel)))
    assert Path(found["kfp"]).is_relative_to(found["prefix"])


def wheel_of_the_installed_sdk(folder: Path) -> Path:
    """The SDK of this interpreter, packed again; what it needs is left out, since the interpreter has it."""
    dist, number = distribution("kfp"), version("kfp")
    wheel = folder / f"kfp-{number}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in dist.files or []:
            if str(file).startswith("kfp/") and file.suffix == ".py":
                archive.writestr(str(file), Path(str(file.locate())).read_bytes())
        info = f"kfp-{number}.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: kfp\nVersion: {number}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def test_an_index_with_a_certificate_of_its_own_must_be_trusted(harness: Harness, packages: Path) -> None:
    with served(packages, certificate=SELF_SIGNED) as index:
        host = index.url.removeprefix("https://")
        said = refused(harness, installs(PACKAGE, index=index.url, pip_trusted_hosts=["elsewhere"]))
        found = seen(harness, installs(PACKAGE, index=index.url, pip_trusted_hosts=[host]))
    assert "certificate" in said
    assert found[PACKAGE] == "2.0"


def test_the_environment_s_release_wins_over_the_engine_s(harness: Harness, index: PackageIndex) -> None:
    assert version("click") != "0.0.1"
    assert seen(harness, installs("click==0.0.1", index=index.url))["click"] == "0.0.1"


def test_code_in_a_target_image_needs_its_image(harness: Harness) -> None:
    @dsl.component(base_image="python:3.11", target_image="registry.example/look:1")
    def look() -> str:
        return "from the image"

    @dsl.pipeline(name="target-image")
    def pipeline() -> None:
        look()

    assert refused(harness, pipeline, containers="host") == (
        "the component's code is in its image 'registry.example/look:1' (target_image), which processes of this "
        "machine do not have: run it with --containers auto, docker or podman"
    )


# --- credentials ------------------------------------------------------------------------------------------------------


def test_an_index_may_ask_for_credentials_which_nobody_gets_to_see(
    packages: Path, tmp_path: Path, harness: Harness
) -> None:
    with served(packages, credentials="ada:s3cr3t") as index:
        pipeline = compiled(installs(PACKAGE, index=index.with_credentials("ada:s3cr3t")), tmp_path)
        run = postlude("run", pipeline, "--home", harness.home)
        wrong = compiled(installs(f"{PACKAGE}>1", index=index.with_credentials("ada:wr0ng")), tmp_path)
        failed = postlude("run", wrong, "--home", harness.home, UV_CACHE_DIR=str(tmp_path / "other-cache"))
    listed = postlude("env", "list", "--json", "--home", harness.home)
    assert (run.returncode, failed.returncode) == (0, 1), run.stdout + run.stderr
    said = [run.stdout, run.stderr, failed.stdout, failed.stderr, listed.stdout]
    assert json.loads(listed.stdout)["environments"][0]["index_urls"] == [index.with_credentials("****")]
    files = [
        path.read_text("utf-8", "replace")
        for folder in ("environments", "runs")
        for path in (harness.home / folder).rglob("*")
        if path.is_file() and path.suffix in ("", ".txt", ".json", ".pth", ".cfg", ".use", ".build")
    ]
    assert len(files) > 5
    assert [text for text in [*said, *files] if "s3cr3t" in text or "wr0ng" in text] == []


def test_a_new_password_makes_no_new_environment(harness: Harness, packages: Path) -> None:
    with served(packages) as index:
        found = [
            seen(harness, installs(PACKAGE, index=index.with_credentials(one)))["prefix"] for one in ("a:old", "a:new")
        ]
    assert found[0] == found[1]


def test_credentials_are_not_in_the_installer_s_command_line(packages: Path, tmp_path: Path, harness: Harness) -> None:
    with served(packages, shut=True) as index:
        pipeline = compiled(installs(PACKAGE, index=index.with_credentials("ada:s3cr3t")), tmp_path)
        with running("run", pipeline, "--home", harness.home) as process:
            assert index.asked.wait(60)
            lines = [" ".join(child.cmdline()) for child in psutil.Process(process.pid).children(recursive=True)]
            index.open.set()
            out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert [line for line in lines if "pip install" in line]
    assert [line for line in lines if "s3cr3t" in line] == []


# --- what cannot be installed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        pytest.param(
            [f"{PACKAGE}>=9"], f"only {PACKAGE}<=2.0 is available and you require {PACKAGE}>=9", id="no-match"
        ),
        pytest.param(["postludeneedsone", "postludeneedstwo"], "your requirements are unsatisfiable", id="conflicting"),
        pytest.param(["postludeisnowhere"], "postludeisnowhere was not found in the package registry", id="unknown"),
        pytest.param([f"{PACKAGE}=="], f"Failed to parse: `{PACKAGE}==`", id="syntax"),
    ],
)
def test_what_cannot_be_installed_fails_the_task_in_uv_s_words(
    harness: Harness, index: PackageIndex, requirements: list[str], said: str
) -> None:
    message = refused(harness, installs(*requirements, index=index.url))
    assert message.startswith("cannot install the component's packages: ")
    assert said in message


def test_a_build_that_fails_fails_the_task_in_its_own_words(harness: Harness, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "broken"\nversion = "1"\n'
    )
    (source / "backend.py").write_text("raise RuntimeError('no compiler on board')\n")
    assert "no compiler on board" in refused(harness, installs(str(source)))


def test_an_index_that_does_not_answer_fails_the_task(harness: Harness, packages: Path) -> None:
    with served(packages) as index:
        url = index.url
    assert "Connection refused" in refused(harness, installs(PACKAGE, index=url))


# --- offline ----------------------------------------------------------------------------------------------------------


def test_offline_refuses_to_fetch_and_says_what_to_do(harness: Harness, index: PackageIndex) -> None:
    message = refused(harness, installs(PACKAGE, index=index.url), offline=True)
    assert message.startswith("cannot install the component's packages offline: ")
    assert f"{PACKAGE} was not found in the cache" in message
    assert message.endswith("Run once without --offline, so that they are there from then on")
    assert index.requests == []


def test_offline_uses_the_environment_that_is_there(harness: Harness, index: PackageIndex) -> None:
    pipeline = installs(PACKAGE, index=index.url)
    online = seen(harness, pipeline)
    index.requests.clear()
    assert seen(harness, pipeline, offline=True) == online
    assert index.requests == []


def test_offline_builds_from_what_was_fetched_before(harness: Harness, index: PackageIndex, tmp_path: Path) -> None:
    pipeline = installs(PACKAGE, index=index.url)
    seen(harness, pipeline)
    index.requests.clear()
    other = Harness(home=tmp_path / "other")
    assert seen(other, pipeline, offline=True)[PACKAGE] == "2.0"
    assert index.requests == []


@pytest.mark.parametrize(("value", "code"), [("1", 1), ("0", 0)])
def test_the_variable_says_offline_for_every_run(
    tmp_path: Path, harness: Harness, index: PackageIndex, value: str, code: int
) -> None:
    pipeline = compiled(installs(PACKAGE, index=index.url), tmp_path)
    run = postlude("run", pipeline, "--home", harness.home, POSTLUDE_OFFLINE=value)
    assert run.returncode == code, run.stdout


@pytest.mark.parametrize("command", ["run", "resume", "retry"])
def test_every_command_that_drives_runs_can_be_told_to_stay_offline(
    tmp_path: Path, harness: Harness, packages: Path, command: str
) -> None:
    with served(packages, shut=True) as index:
        pipeline = compiled(installs(PACKAGE, index=index.url), tmp_path)
        if command == "resume":
            killed_while_it_installs(pipeline, harness, index)
    if command == "retry":
        assert "Connection refused" in postlude("run", pipeline, "--home", harness.home).stdout
    what = pipeline if command == "run" else newest_run(harness)
    ended = postlude(command, what, "--home", harness.home, "--offline")
    assert ended.returncode == 1, ended.stderr
    assert "cannot install the component's packages offline" in ended.stdout


def killed_while_it_installs(pipeline: Path, harness: Harness, index: PackageIndex) -> list[psutil.Process]:
    """Run a pipeline, and kill its engine once uv has asked the index; the uv that it had started."""
    with running("run", pipeline, "--home", harness.home) as engine:
        assert index.asked.wait(60)
        installers = [one for one in psutil.Process(engine.pid).children(recursive=True) if one.name() == "uv"]
        engine.kill()
        engine.wait(timeout=60)
    return installers


def newest_run(harness: Harness) -> str:
    run: str = json.loads(postlude("runs", "--json", "--home", harness.home).stdout)["runs"][0]["run_id"]
    return run


# --- engines side by side, and one that dies --------------------------------------------------------------------------


def test_two_engines_build_an_environment_once_and_say_so(packages: Path, tmp_path: Path, harness: Harness) -> None:
    with served(packages, shut=True) as index:
        pipeline = compiled(installs(PACKAGE, index=index.url), tmp_path)
        with (
            running("run", pipeline, "--home", harness.home) as first,
            running("run", pipeline, "--home", harness.home) as second,
        ):
            engines = [first, second]
            doing = [wait_for(engine, PACKAGE) for engine in engines]
            index.open.set()
            ended = [engine.communicate(timeout=120)[0] for engine in engines]
    assert sorted(line.split(" ", 1)[1] for line in doing) == [
        f"look installing {PACKAGE}",
        f"look waiting for {PACKAGE}, which another task or run installs",
    ]
    assert [engine.returncode for engine in engines] == [0, 0], ended
    logs = [path.read_text() for path in (harness.home / "runs").rglob("log.txt")]
    assert (len(logs), sum("postlude: installing" in log for log in logs)) == (2, 1)
    assert sum("Installed 1 package" in log for log in logs) == 1


def test_an_engine_killed_while_it_installs_leaves_nothing_that_is_used(
    packages: Path, tmp_path: Path, harness: Harness
) -> None:
    with served(packages, shut=True) as index:
        pipeline = compiled(installs(PACKAGE, index=index.url), tmp_path)
        installers = killed_while_it_installs(pipeline, harness, index)
        _, alive = psutil.wait_procs(installers, timeout=30)
        assert (len(installers), alive) == (1, [])
        half_built = list((harness.home / "environments").glob("*.partial*"))
        index.open.set()
        resumed = postlude("resume", "--home", harness.home)
    assert len(half_built) == 1
    assert resumed.returncode == 0, resumed.stdout
    assert not half_built[0].exists()
    (environment,) = json.loads(postlude("env", "list", "--json", "--home", harness.home).stdout)["environments"]
    assert environment["installed"] == [f"{PACKAGE}==2.0"]


# --- processes --------------------------------------------------------------------------------------------------------


def argv(*arguments: object) -> list[str]:
    return [sys.executable, "-u", "-m", "postlude", *map(str, arguments)]


def postlude(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **environment}
    return subprocess.run(argv(*arguments), capture_output=True, text=True, check=False, timeout=120, env=given)


class running:  # noqa: N801 - reads as what it is
    """An engine that works until the end of the block."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            argv(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
        )

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """The first line with the text."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line.strip()
    raise AssertionError(f"the engine ended without saying {text!r}")
