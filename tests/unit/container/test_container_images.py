"""When images are pulled, with an engine's client that writes down what it is asked."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest
from container_lab import attempt, put_on_path

from postlude.executors.container.client import Client
from postlude.executors.container.executor import ContainerExecutor
from postlude.executors.container.images import ImageError, Images
from postlude.executors.process.log import read_log
from postlude.ports.executor import Attempt, Ending, Exit

CLIENT = """
case "$1" in
  image) [ -e {here} ] ;;
  pull)
    echo "$4" >> {pulls}
    if [ $(wc -l < {pulls}) -le {fails} ]; then echo "Error: the registry is busy" >&2; exit 125; fi
    touch {here} ;;
esac
"""

DEAF = """
case "$1" in
  image) exit 1 ;;
  pull) echo >> {asked}.all; echo > {asked}; exec sleep 600 ;;
esac
"""

Registry = Callable[[int], Path]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Puts a `podman` in place whose first pulls fail; gives the file that lists the pulls."""

    def busy_for(pulls: int) -> Path:
        written = tmp_path / "pulls"
        written.touch()
        script = CLIENT.format(here=tmp_path / "here", pulls=written, fails=pulls)
        put_on_path("podman", script, tmp_path, monkeypatch)
        return written

    return busy_for


def wanted(policy: str = "", run_id: str = "run") -> Attempt:
    return attempt(run_id=run_id, platform={"imagePullPolicy": policy} if policy else {})


def ensure(images: Images, one: Attempt) -> None:
    images.ensure(one, Future())


def test_tasks_that_need_an_image_at_once_pull_it_once(registry: Registry) -> None:
    pulls, images, together = registry(0), Images(Client("podman")), threading.Barrier(8)

    def one(_number: int) -> None:
        together.wait()
        ensure(images, wanted())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(8)))
    assert pulls.read_text() == "img\n"


@pytest.mark.parametrize(
    ("policy", "here", "runs", "pulled"),
    [
        pytest.param("", True, ["a", "a"], 0, id="what-is-here-is-not-pulled"),
        pytest.param("", False, ["a", "a"], 1, id="what-is-not-here-is-pulled-once"),
        pytest.param("IfNotPresent", True, ["a"], 0, id="if-not-present-is-the-default"),
        pytest.param("Never", True, ["a"], 0, id="never"),
        pytest.param("Always", True, ["a", "a"], 1, id="always-pulls-once-a-run"),
        pytest.param("Always", True, ["a", "b"], 2, id="always-pulls-for-the-next-run"),
    ],
)
def test_pull_policy(
    registry: Registry, tmp_path: Path, policy: str, *, here: bool, runs: list[str], pulled: int
) -> None:
    pulls, images = registry(0), Images(Client("podman"))
    if here:
        (tmp_path / "here").touch()
    for run_id in runs:
        ensure(images, wanted(policy, run_id))
    assert len(pulls.read_text().splitlines()) == pulled


@pytest.mark.parametrize(
    ("policy", "pull", "message"),
    [
        pytest.param(
            "Never",
            True,
            "image 'img' is not on this machine, and its pull policy is Never. Get it with `podman pull img`",
            id="never",
        ),
        pytest.param(
            "Always",
            False,
            "image 'img' is not on this machine, and --offline forbids to pull it. Get it with `podman pull img`",
            id="offline",
        ),
        pytest.param(
            "Sometimes",
            True,
            "its image pull policy is 'Sometimes'. Use one of: Always, IfNotPresent, Never",
            id="no-such-policy",
        ),
    ],
)
def test_what_may_not_be_pulled(registry: Registry, policy: str, message: str, *, pull: bool) -> None:
    pulls = registry(0)
    with pytest.raises(ImageError) as raised:
        ensure(Images(Client("podman"), pull=pull), wanted(policy))
    assert (str(raised.value), pulls.read_text()) == (message, "")


def test_offline_runs_what_is_here(registry: Registry, tmp_path: Path) -> None:
    pulls = registry(0)
    (tmp_path / "here").touch()
    ensure(Images(Client("podman"), pull=False), wanted("Always"))
    assert pulls.read_text() == ""


def test_a_busy_registry_is_asked_again(registry: Registry) -> None:
    pulls = registry(1)
    ensure(Images(Client("podman"), grace_s=5.0), wanted())
    assert pulls.read_text() == "img\nimg\n"


def test_after_the_grace_the_engine_s_words_are_told(registry: Registry) -> None:
    pulls = registry(99)
    with pytest.raises(ImageError) as raised:
        ensure(Images(Client("podman"), grace_s=0.6), wanted())
    assert str(raised.value) == (
        "image 'img' could not be pulled: Error: the registry is busy. "
        "Check its name and the access to its registry with `podman pull img`"
    )
    assert pulls.read_text() == "img\nimg\n"


def test_a_failed_pull_is_tried_anew_by_the_next_task(registry: Registry) -> None:
    pulls, images = registry(1), Images(Client("podman"))
    with pytest.raises(ImageError):
        ensure(images, wanted())
    ensure(images, wanted())
    assert pulls.read_text() == "img\nimg\n"


@pytest.fixture
def deaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a `podman` in place whose pulls do not end; gives the pipe through which it says that it pulls."""
    asked = tmp_path / "asked"
    os.mkfifo(asked)
    put_on_path("podman", DEAF.format(asked=asked), tmp_path, monkeypatch)
    return asked


def test_a_pull_counts_towards_the_time_limit(deaf: Path, tmp_path: Path) -> None:
    executor = ContainerExecutor("podman")
    with ThreadPoolExecutor(1) as thread:
        one = attempt(directory=tmp_path, log=tmp_path / "log", timeout_s=0.2)
        ended = thread.submit(executor.run, one)
        deaf.read_text()
        assert ended.result(30) == Exit(
            ending=Ending.TIMED_OUT, message="timed out after 0.2 s, while its image was pulled"
        )
        executor.close()


def test_who_waits_for_an_image_is_told_so(deaf: Path, tmp_path: Path) -> None:
    heard: SimpleQueue[str] = SimpleQueue()
    executor = ContainerExecutor("podman", progress=lambda _attempt, doing: heard.put(doing))
    with ThreadPoolExecutor(1) as thread:
        one = attempt(directory=tmp_path, log=tmp_path / "log")
        ended = thread.submit(executor.run, one)
        deaf.read_text()
        assert heard.get(timeout=30) == "waiting for image img"
        executor.terminate(one.run_id, one.path, one.attempt, grace_s=0)
        assert ended.result(30) == Exit(ending=Ending.TERMINATED, message="terminated on request")
        executor.close()
    assert heard.get(timeout=30) == ""
    assert [line.text for line in read_log(one.log)] == ["postlude: waiting for image img"]


def test_a_closed_executor_pulls_no_more(deaf: Path, tmp_path: Path) -> None:
    executor = ContainerExecutor("podman", pull_grace_s=600)
    with ThreadPoolExecutor(1) as thread:
        one = attempt(directory=tmp_path, log=tmp_path / "log", image="of-this-test-alone")
        ended = thread.submit(executor.run, one)
        deaf.read_text()
        (pull,) = (each for each in threading.enumerate() if each.name == "pull of-this-test-alone")
        executor.close()
        assert ended.result(30).ending is Ending.TERMINATED
    pull.join(30)
    assert (pull.is_alive(), deaf.with_suffix(".all").read_text()) == (False, "\n")
