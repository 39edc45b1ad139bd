"""Every example does what its first lines say, from the command line."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from exit_component_servers import webhook

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
LOOP = "exit-handler-1/for-loop-2"
CHOICE = "exit-handler-1/condition-branches-2"
AFTER = "after-load/condition-branches-1"
TEAMS = "exit-handler-1/feature-team", "exit-handler-1/model-team"


Run = Callable[[Path, str, dict[str, Any]], dict[str, Any]]


class Case(NamedTuple):
    """What a command line makes of an example.

    Attributes:
        example: The file, without ".py".
        given: The parameters that differ from the defaults.
        state: How the run ends.
        states: How some of its tasks do.
        told: What exit tasks are told, by path: the state, and the code where there was an error.
    """

    example: str
    given: dict[str, Any]
    state: str
    states: dict[str, str]
    told: dict[str, tuple[str, int | None]]


CASES = {
    "training-fails": Case(
        "train_with_exit_handler",
        {},
        "FAILED",
        {"exit-handler-1/train": "FAILED", "exit-handler-1/evaluate": "UPSTREAM_FAILED"}
        | {"exit-handler-1/clean-up": "SUCCEEDED"},
        {"notify": ("FAILED", 2)},
    ),
    "training-succeeds": Case(
        "train_with_exit_handler",
        {"learning_rate": 0.02},
        "SUCCEEDED",
        {"exit-handler-1/clean-up": "SUCCEEDED"},
        {"notify": ("COMPLETE", None)},
    ),
    "one-region-fails": Case(
        "fan_out",
        {},
        "FAILED",
        {f"{LOOP}[1]/train-region": "SUCCEEDED", f"{LOOP}[2]/train-region": "FAILED", LOOP: "FAILED"}
        | {"exit-handler-1/summarise": "SUCCEEDED"},
        {"alert": ("FAILED", 2)},
    ),
    "every-region-succeeds": Case(
        "fan_out", {"regions": ["north", "east"]}, "SUCCEEDED", {LOOP: "SUCCEEDED"}, {"alert": ("COMPLETE", None)}
    ),
    "good-model": Case(
        "conditional_deployment",
        {},
        "SUCCEEDED",
        {f"{CHOICE}/condition-3": "SUCCEEDED", f"{CHOICE}/condition-4": "SKIPPED"}
        | {"exit-handler-1/announce": "SUCCEEDED"},
        {"roll-back": ("COMPLETE", None)},
    ),
    "bad-model": Case(
        "conditional_deployment",
        {"threshold": 0.95},
        "SUCCEEDED",
        {f"{CHOICE}/condition-3": "SKIPPED", f"{CHOICE}/condition-4": "SUCCEEDED"}
        | {"exit-handler-1/announce": "SUCCEEDED"},
        {"roll-back": ("COMPLETE", None)},
    ),
    "bad-canary": Case(
        "conditional_deployment",
        {"healthy": False},
        "FAILED",
        {f"{CHOICE}/condition-3/deploy-canary": "FAILED", "exit-handler-1/announce": "UPSTREAM_FAILED"},
        {"roll-back": ("FAILED", 2)},
    ),
    "load-succeeds": Case(
        "exit_pipeline",
        {},
        "SUCCEEDED",
        {f"{AFTER}/condition-2/page": "SKIPPED", f"{AFTER}/condition-3/log-success": "SUCCEEDED"},
        {"after-load": ("COMPLETE", None)},
    ),
    "load-fails": Case(
        "exit_pipeline",
        {"rows": 10},
        "FAILED",
        {f"{AFTER}/condition-2/page": "SUCCEEDED", f"{AFTER}/condition-3/log-success": "SKIPPED"}
        | {"after-load/clean-up": "SUCCEEDED", "after-load/file-report": "SUCCEEDED"},
        {"after-load": ("FAILED", 2)},
    ),
    "both-teams-succeed": Case(
        "sub_pipelines",
        {},
        "SUCCEEDED",
        {"exit-handler-1/model-team/exit-handler-1/train": "SUCCEEDED"},
        {f"{team}/release-cluster": ("COMPLETE", None) for team in TEAMS} | {"notify": ("COMPLETE", None)},
    ),
    "one-team-fails": Case(
        "sub_pipelines",
        {"features": 0},
        "FAILED",
        {f"{TEAMS[1]}/exit-handler-1/train": "UPSTREAM_FAILED", f"{TEAMS[1]}/release-cluster": "UPSTREAM_FAILED"},
        {f"{TEAMS[0]}/release-cluster": ("FAILED", 2), "notify": ("FAILED", 2)},
    ),
    "one-trial-fails": Case(
        "nested_handlers",
        {},
        "FAILED",
        {f"{LOOP}[0]": "SUCCEEDED", f"{LOOP}[1]": "FAILED", f"{LOOP}[1]/exit-handler-3/evaluate": "UPSTREAM_FAILED"},
        {f"{LOOP}[0]/remove-workspace": ("COMPLETE", None), f"{LOOP}[1]/remove-workspace": ("FAILED", 2)}
        | {"take-down": ("FAILED", 2)},
    ),
    "every-trial-succeeds": Case(
        "nested_handlers", {"depths": [2]}, "SUCCEEDED", {LOOP: "SUCCEEDED"}, {"take-down": ("COMPLETE", None)}
    ),
    "alert-reaches-nobody": Case(
        "webhook_alert",
        {"rows": 1000},
        "FAILED",
        {"exit-handler-1/exit-handler-2": "SUCCEEDED", "exit-handler-1/post-to-webhook": "FAILED"},
        {"exit-handler-1/post-to-webhook": ("COMPLETE", None), "write-report": ("FAILED", 2)},
    ),
}


def postlude(*arguments: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "postlude", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs an example in a home and gives the run's document; each is compiled once."""
    directory = tmp_path_factory.mktemp("compiled")

    def run(home: Path, example: str, given: dict[str, Any]) -> dict[str, Any]:
        compiled = directory / f"{example}.yaml"
        if not compiled.exists():
            done = postlude("compile", EXAMPLES / f"{example}.py", "-o", compiled)
            assert done.returncode == 0, done.stderr
        pairs = [f"-p{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in given.items()]
        done = postlude("run", compiled, "--home", home, "--json", *pairs)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    return run


def tasks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["path"]: task for task in document["tasks"]}


def told(task: dict[str, Any]) -> tuple[str, int | None]:
    """The state and the code that an exit task was told."""
    status = task["inputs"]["parameters"]["status"]
    return status["state"], status["error"].get("code")


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_example(run: Run, tmp_path: Path, case: Case) -> None:
    document = run(tmp_path, case.example, case.given)

    found = tasks(document)
    assert document["state"] == case.state
    assert {path: found[path]["state"] for path in case.states} == case.states
    assert {path: told(found[path]) for path in case.told} == case.told


# --- what takes more than one look ------------------------------------------------------------------------------------


def test_fan_out_goes_on_with_the_scores_that_there_are(run: Run, tmp_path: Path) -> None:
    summary = tasks(run(tmp_path, "fan_out", {}))["exit-handler-1/summarise"]

    assert summary["inputs"]["parameters"] == {"scores": [1 - 1 / 120, 1 - 1 / 80, None]}
    assert summary["outputs"]["parameters"] == {"Output": 1 - 1 / 80}


def test_caching_reuses_what_may_be_reused(run: Run, tmp_path: Path) -> None:
    run(tmp_path, "caching", {})

    again = tasks(run(tmp_path, "caching", {}))

    cached = {path: task["cached"] for path, task in again.items() if task["kind"] == "task"}
    body = {"exit-handler-1/prepare": True, "exit-handler-1/fetch-prices": False, "exit-handler-1/value": False}
    assert cached == {**body, "stamp": False}


def test_nested_handlers_hand_their_exit_tasks_what_their_groups_produced(run: Run, tmp_path: Path) -> None:
    found = tasks(run(tmp_path, "nested_handlers", {}))

    removed = [found[f"{LOOP}[{index}]/remove-workspace"]["outputs"]["parameters"]["Output"] for index in range(3)]
    cause = f"{LOOP}[1]/exit-handler-3/train: ValueError: a tree of depth 0 splits nothing"
    assert removed == ["1: accuracy 0.500", f"0: {cause}", "3: accuracy 0.875"]
    assert found["take-down"]["outputs"]["parameters"] == {"Output": "cluster-with-2-nodes"}


def test_webhook_alert_tells_the_webhook_and_the_report_what_failed(run: Run, tmp_path: Path) -> None:
    with webhook() as hook:
        document = run(tmp_path, "webhook_alert", {"webhook": hook.url})

    ((report,),) = tasks(document)["write-report"]["outputs"]["artifacts"].values()
    written = json.loads(Path(report["uri"]).read_text())
    cause = "ValueError: only 10 rows arrived"
    assert [post["attachments"][0]["text"] for post in hook.taken] == [f"load: {cause}"]
    assert (written["state"], [one["message"] for one in written["failures"]]) == ("FAILED", [cause])
    assert document["run_id"] in written["runUrl"]


@contextmanager
def moody_server(*moods: int) -> Iterator[str]:
    """A server that answers its first requests with these codes; gives its URL."""
    left = list(moods)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0) if left else 200)
            self.end_headers()
            self.wfile.write(b"1,2\n")

        def log_message(self, *_: object) -> None:
            """Say nothing on the test's stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/data.csv"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("moods", "state", "status"),
    [
        pytest.param((503, 503), "SUCCEEDED", ("COMPLETE", None), id="third-attempt-succeeds"),
        pytest.param((503, 503, 404), "FAILED", ("FAILED", 2), id="no-attempt-succeeds"),
    ],
)
def test_flaky_download(
    run: Run, tmp_path: Path, moods: tuple[int, ...], state: str, status: tuple[str, int | None]
) -> None:
    with moody_server(*moods) as url:
        document = run(tmp_path, "flaky_download", {"url": url})

    found = tasks(document)
    assert (document["state"], told(found["alert"])) == (state, status)
    assert found["exit-handler-1/download"]["attempts"] == 3


def test_every_example_is_tested_and_explained() -> None:
    examples = {path.stem for path in EXAMPLES.glob("*.py")}

    tested = {case.example for case in CASES.values()} | {"caching", "flaky_download"}
    explained = (EXAMPLES / "README.md").read_text()
    assert tested == examples
    assert [name for name in sorted(examples) if f"({name}.py)" not in explained] == []
