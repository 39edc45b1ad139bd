"""`postlude env`, on environments that runs of real pipelines made."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from harness import Harness
from kfp import dsl

from package_index import add_wheel
from postlude.cli.main import postlude
from postlude.spec.types import Json

DAY_S = 86400


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A home with two environments."""
    folder = tmp_path_factory.mktemp("env")
    for number in ("1.0", "2.0"):
        add_wheel(folder / "index", "postludetestpkg", number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_CACHE_DIR", str(folder / "uv"))
        patch.setenv("UV_DEFAULT_INDEX", (folder / "index").as_uri())
        harness = Harness(home=folder / "home")
        assert harness.run(both, {"gate": ""}, cache=False).state == "SUCCEEDED"
        yield harness


@dsl.component(base_image="python:3.11", install_kfp_package=False, packages_to_install=["postludetestpkg==1.0"])
def old(gate: str) -> str:
    from pathlib import Path

    import postludetestpkg

    if gate:
        Path(gate + ".begun").write_text("")
        Path(gate).read_text()
    return postludetestpkg.VERSION


@dsl.component(base_image="python:3.11", install_kfp_package=False, packages_to_install=["postludetestpkg>1"])
def new() -> str:
    import postludetestpkg

    return postludetestpkg.VERSION


@dsl.pipeline(name="both")
def both(gate: str):
    old(gate=gate)
    new()


def env(harness: Harness, *arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(postlude, ["env", *arguments, "--home", str(harness.home)])
    return ended.exit_code, ended.stdout, ended.stderr


def listed(harness: Harness) -> list[Json]:
    return json.loads(env(harness, "list", "--json")[1])["environments"]


def keys(harness: Harness) -> dict[str, str]:
    """Keys by what is installed."""
    return {one["installed"][0].partition("==")[2]: one["key"] for one in listed(harness)}


def rebuild(harness: Harness) -> dict[str, str]:
    assert harness.run(both, {"gate": ""}, cache=False).state == "SUCCEEDED"
    return keys(harness)


def unused_for(harness: Harness, key: str, days: float) -> None:
    """Make it look as if nobody had used an environment for so long."""
    at = time.time() - days * DAY_S
    os.utime(harness.home / "environments" / "locks" / f"{key}.use", (at, at))


def test_list_says_what_there_is(built: Harness) -> None:
    rebuild(built)
    (found,) = [one for one in listed(built) if one["installed"] == ["postludetestpkg==2.0"]]
    environments = built.home / "environments"
    assert (found["packages"], found["index_urls"]) == (["postludetestpkg>1"], [])
    assert (found["path"], found["size_bytes"] > 1000) == (str(environments / found["key"]), True)
    assert found["built_at"] < found["last_used_at"]
    code, shown, _ = env(built, "list")
    assert (code, shown.splitlines()[0].split()) == (0, ["KEY", "PYTHON", "SIZE", "LAST", "USED", "PACKAGES"])
    assert any(line.startswith(found["key"][:8]) and "postludetestpkg>1" in line for line in shown.splitlines())


def test_list_of_nothing_says_so(tmp_path: Path) -> None:
    nothing = Harness(home=tmp_path / "home")
    assert env(nothing, "list") == (0, "No environments. A component with packages_to_install makes one.\n", "")
    assert listed(nothing) == []


def test_clear_removes_what_is_named_and_the_next_run_builds_it_afresh(built: Harness) -> None:
    before = rebuild(built)
    code, said, _ = env(built, "clear", before["1.0"][:6])
    assert (code, said.startswith("Removed 1 environment and freed ")) == (0, True)
    assert keys(built) == {"2.0": before["2.0"]}
    assert not (built.home / "environments" / before["1.0"]).exists()
    assert rebuild(built) == before


def test_clear_goes_by_the_time_of_the_last_use(built: Harness) -> None:
    before = rebuild(built)
    unused_for(built, before["1.0"], days=10)
    unused_for(built, before["2.0"], days=2)
    assert env(built, "clear", "--unused-for", "11")[1] == "Removed 0 environments and freed 0 B.\n"
    cleared = json.loads(env(built, "clear", "--unused-for", "5", "--json")[1])
    assert (cleared["removed"], cleared["in_use"], cleared["freed_bytes"] > 1000) == ([before["1.0"]], [], True)


def test_clear_all_leaves_nothing_but_the_directory(built: Harness) -> None:
    rebuild(built)
    (built.home / "environments" / f"{'a' * 24}.partial-12345678").mkdir()
    (built.home / "environments" / f"{'b' * 24}.removed-12345678").mkdir()
    assert env(built, "clear", "--all")[0] == 0
    left = [path for path in (built.home / "environments").rglob("*") if path.name != "locks"]
    assert left == []


def test_an_environment_that_is_used_is_left_alone(built: Harness, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    before = rebuild(built)
    gate, begun = tmp_path / "gate", tmp_path / "gate.begun"
    for path in (gate, begun):
        os.mkfifo(path)
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(built.run, both, {"gate": str(gate)}, cache=False)
        begun.read_text()
        named = env(built, "clear", before["1.0"])
        every = env(built, "clear", "--all")
        gate.write_text("")
        ended = run.result(60)
    left_alone = f"Left alone: environment {before['1.0'][:8]} is in use.\n"
    assert (named[0], named[2]) == (1, left_alone)
    assert (every[0], left_alone in every[2]) == (0, True)
    assert ended.outputs("old")["Output"] == "1.0"
    assert before["1.0"] in keys(built).values()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Nothing was removed: name environments by KEY, or say --unused-for DAYS or --all.\n"),
        (
            ["../../etc"],
            "'../../etc': no environment has this key. Nothing was removed. `postlude env list` shows what there is.\n",
        ),
        (["", "--all"], "'': no environment has this key. Nothing was removed."),
    ],
)
def test_clear_refuses_what_it_does_not_understand(built: Harness, arguments: list[str], said: str) -> None:
    before = rebuild(built)
    code, _, error = env(built, "clear", *arguments)
    assert (code, said in error) == (2, True)
    assert keys(built) == before


def test_what_a_live_engine_had_warm_is_built_afresh_after_a_clear(built: Harness) -> None:
    from postlude.wiring import RunOptions, open_engine

    pipeline = loaded()
    with open_engine(RunOptions(home=built.home, cache=False, workers=1)) as engine:
        first = engine.run(pipeline, {"gate": ""})
        cleared = env(built, "clear", "--all")
        second = engine.run(pipeline, {"gate": ""})
    assert (first["state"], cleared[0], second["state"]) == ("SUCCEEDED", 0, "SUCCEEDED")


def loaded() -> object:
    from postlude.api.source import load_source

    return load_source(both)
