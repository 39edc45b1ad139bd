"""Options that make no sense are refused before anything is started."""

import threading
from pathlib import Path
from typing import Any

import pytest
from cli_ir import pipeline, task
from msgspec.structs import replace

import postlude
from postlude.core.run_state import FailurePolicy, StatusWords
from postlude.spec.problem import ConfigError
from postlude.wiring import RunOptions

PIPELINE = pipeline({"a": task("comp-a")})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers: is 0. Give 1 or more, or None for as many as there are cores."),
        ({"failure_policy": "quick"}, "failure_policy: is 'quick'. Choose one of: slow, fast."),
        ({"status_words": "argo"}, "status_words: is 'argo'. Choose one of: kfp, sdk."),
        ({"containers": "lxc"}, "containers: is 'lxc'. Choose one of: auto, docker, podman, host."),
        ({"grace_s": -1}, "grace_s: is -1. Give a number of seconds, 0 or more."),
        ({"grace_s": None}, "grace_s: is None. Give a number of seconds, 0 or more."),
        ({"timeout_s": 0}, "timeout_s: is 0. Give a number of seconds above 0, or None for no limit of this kind."),
        ({"timeout_s": "9"}, "timeout_s: is '9'. Give a number of seconds above 0, or None for no limit of this kind."),
        (
            {"exit_timeout_s": float("inf")},
            "exit_timeout_s: is inf. Give a number of seconds above 0, or None for no limit of this kind.",
        ),
    ],
)
def test_an_option_that_is_none_is_refused(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        postlude.run(PIPELINE, home=tmp_path / "home", **options)
    assert str(refused.value) == said
    assert not (tmp_path / "home").exists()


def test_options_that_are_changed_are_checked_again() -> None:
    with pytest.raises(ConfigError, match=r"^workers: is 0\. Give 1 or more"):
        replace(RunOptions(), workers=0)


def test_a_container_engine_that_does_not_answer_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    before = set(threading.enumerate())
    with pytest.raises(ConfigError) as refused:
        postlude.run(PIPELINE, home=tmp_path / "home", containers="docker")
    assert str(refused.value) == (
        "docker does not answer on this machine (docker: No such file or directory): start it, get access to it, "
        "or use --containers auto or host"
    )
    assert (set(threading.enumerate()), list(tmp_path.iterdir())) == (before, [])


@pytest.mark.parametrize("policy", list(FailurePolicy))
@pytest.mark.parametrize("words", list(StatusWords))
def test_every_policy_and_wording_of_the_core_may_be_asked_for(policy: FailurePolicy, words: StatusWords) -> None:
    options = RunOptions(failure_policy=policy.value, status_words=words.value)
    assert (FailurePolicy(options.failure_policy), StatusWords(options.status_words)) == (policy, words)
