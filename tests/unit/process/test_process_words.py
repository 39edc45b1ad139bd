"""What is said of an end, what programs see of the environment, and what counts as installed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from postlude.executors.process.exits import exit_of
from postlude.executors.process.plain_requirement import plain_name
from postlude.executors.process.requirements import Found, kfp_serves, satisfied
from postlude.executors.process.supervisor.wire import Ended, Frames, Stop, encode
from postlude.executors.process.variables import inherited, needs_fresh_interpreter
from postlude.ports.executor import Ending, Exit

INSTALLED: Found = {
    "kfp": ("2.17.0", ()),
    "a": ("1.5", ('b>=2; extra == "more"',)),
    "b": ("1.0", ()),
}


def look_up(names: Sequence[str]) -> Found:
    return {name: INSTALLED[name] for name in names if name in INSTALLED}


@pytest.mark.parametrize(
    ("report", "component", "message"),
    [
        pytest.param(Ended(id=1, ending="exited", code=0, stderr="noise"), False, "", id="well"),
        pytest.param(Ended(id=1, ending="exited", code=3, stderr="bad"), False, "exit code 3: bad", id="program"),
        pytest.param(Ended(id=1, ending="exited", code=3), False, "exit code 3", id="silent-program"),
        pytest.param(Ended(id=1, ending="exited", code=3, stderr="x"), True, "exit code 3", id="component-exits"),
        pytest.param(Ended(id=1, ending="exited", code=1, note="E: a\nb"), True, "E: a b", id="on-one-line"),
        pytest.param(Ended(id=1, ending="exited", code=-9), False, "killed by SIGKILL", id="signal"),
        pytest.param(Ended(id=1, ending="exited", code=-40), False, "killed by signal 40", id="nameless-signal"),
        pytest.param(Ended(id=1, ending="timed out", code=-15), True, "timed out after 1.5 s", id="timeout"),
        pytest.param(Ended(id=1, ending="terminated", code=-15), True, "terminated on request", id="terminated"),
        pytest.param(
            Ended(id=1, ending="exited", code=0, log_error="disk full"),
            True,
            "(its log is incomplete: disk full)",
            id="incomplete-log",
        ),
    ],
)
def test_the_message_of_an_end(report: Ended, *, component: bool, message: str) -> None:
    expected = Exit(ending=Ending(report.ending), code=report.code, message=message)
    assert exit_of(report, component=component, timeout_s=1.5) == expected


@pytest.mark.parametrize(
    ("report", "message", "oom"),
    [
        pytest.param(
            Ended(id=1, ending="exited", code=-9, exceeded="memory", held_bytes=(300 << 20) - 1),
            "out of memory: it held 300 MiB, more than its memory limit of 256Mi",
            True,
            id="memory",
        ),
        pytest.param(
            Ended(id=1, ending="exited", code=-9, exceeded="processes"),
            "killed: it had more than 50 processes at a time",
            False,
            id="processes",
        ),
        pytest.param(
            Ended(id=1, ending="exited", code=1, note="MemoryError", out_of_memory=True),
            "MemoryError",
            True,
            id="refused-by-the-system",
        ),
    ],
)
def test_the_message_of_a_limit(report: Ended, message: str, *, oom: bool) -> None:
    expected = Exit(ending=Ending.EXITED, code=report.code, message=message, oom=oom)
    assert exit_of(report, component=True, timeout_s=None, memory_limit="256Mi", most_processes=50) == expected


def test_messages_are_capped() -> None:
    message = exit_of(Ended(id=1, ending="exited", code=1, note="x" * 900), component=True, timeout_s=None).message
    assert (len(message), message[-2:]) == (500, "x…")


def test_secrets_are_not_passed_on_unless_named() -> None:
    engine = {"HOME": "/h", "LC_ALL": "C", "AWS_SECRET_ACCESS_KEY": "s", "GITHUB_TOKEN": "t", "MINE": "m", "PATH": "/b"}
    assert inherited(engine, Path("/nowhere/bin/python"), ("MINE",)) == {
        "HOME": "/h", "LC_ALL": "C", "MINE": "m", "PATH": "/nowhere/bin:/b",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "fresh"), [("PYTHONHASHSEED", True), ("LD_PRELOAD", True), ("COLOUR", False)])
def test_variables_read_at_start_need_a_fresh_interpreter(name: str, *, fresh: bool) -> None:
    assert needs_fresh_interpreter({name: "1"}) is fresh


@pytest.mark.parametrize(
    ("packages", "met"),
    [
        pytest.param([], True, id="nothing"),
        pytest.param(["a"], True, id="any-version"),
        pytest.param(["a>1,<2"], True, id="in-range"),
        pytest.param(["a>=2"], False, id="too-old"),
        pytest.param(["c"], False, id="absent"),
        pytest.param(['c; python_version < "3"'], True, id="not-for-this-python"),
        pytest.param(["a[more]"], False, id="extra-not-met"),
        pytest.param(["a[none]"], True, id="extra-without-requirements"),
        pytest.param(["a @ https://h/a.whl"], False, id="url"),
        pytest.param(["./local.whl"], False, id="path"),
    ],
)
def test_what_counts_as_installed(packages: list[str], *, met: bool) -> None:
    assert satisfied(packages, look_up, "3.11.7") is met


@pytest.mark.parametrize(
    ("version", "serves"),
    [
        ("2.0.1", True),
        ("2.17.0", True),
        ("2", True),
        ("1.8.22", False),
        ("20.1", False),
        ("2!1.0", False),
        ("dev", False),
    ],
)
def test_any_sdk_2_serves(version: str, *, serves: bool) -> None:
    assert kfp_serves({"kfp": (version, ())}) is serves


def test_frames_survive_any_cut() -> None:
    orders = [Stop(id=number, grace_s=1.5) for number in range(3)]
    stream = b"".join(map(encode, orders))
    frames = Frames()
    assert [found for byte in stream for found in frames.feed(bytes([byte]))] == orders


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        pytest.param("kfp==2.17.0", "kfp", id="pinned"),
        pytest.param(" KFP [all, kubernetes] >= 2.0, < 3 ", "kfp", id="extras-and-range"),
        pytest.param("scikit_Learn", "scikit-learn", id="name-alone"),
        pytest.param("a.b~=1.0rc1", "a-b", id="compatible"),
        pytest.param("kfp @ https://h/kfp.whl", None, id="url"),
        pytest.param('kfp; python_version < "3.9"', None, id="marker"),
        pytest.param("./kfp", None, id="path"),
        pytest.param("kfp=2", None, id="no-version"),
        pytest.param("-kfp", None, id="option"),
    ],
)
def test_a_plain_requirement_is_read_at_once(requirement: str, name: str | None) -> None:
    assert plain_name(requirement) == name
