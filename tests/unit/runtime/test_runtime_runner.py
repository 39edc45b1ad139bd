"""Save first, act second."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from postlude.core.run_state import Run, Settings
from postlude.core.task import (
    NO_OUTPUTS,
    Artifact,
    Code,
    Command,
    Failed,
    Outputs,
    RetryRequested,
    Start,
    Started,
    Succeeded,
    Task,
    TaskError,
    TaskPath,
)
from postlude.ports.journal import Journal, RunRecord, Save, StoreError
from postlude.runtime.runner import Runner, Shell
from postlude.spec.types import Json, Pipeline
from postlude.stores.lineage import artifacts_of_task
from run_lab import dag, exit_task, leaf, pipeline, task

TWO = pipeline({"a": task(), "b": task("leaf", "a")})
GUARDED = pipeline({"body": task("group"), "tell": exit_task("body")}, {"group": dag({"work": task(), "more": task()})})
DATASET = {"parameters": {}, "artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}}}
DATA = Outputs(artifacts={"data": (Artifact(name="data", uri="/data"),)})
HANDED_ON = {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "data"}}
HANDING_ON = pipeline(
    {"make": task("made"), "use": task("used", "make", artifacts={"data": HANDED_ON}), "last": task("leaf", "use")},
    {"made": leaf(outputs=DATASET), "used": leaf(inputs=DATASET)},
)
LISTED = {"artifactType": {"schemaTitle": "system.Dataset"}, "isArtifactList": True}
OF_EACH = {"artifacts": {**DATASET["artifacts"], "pipelinechannel--all": LISTED}}
EACH = {"artifactIterator": {"itemInput": "data", "items": {"inputArtifact": "pipelinechannel--all"}}}
HANDING_EACH_ON = pipeline(
    {"make": task("made"), "use": task("used", "make", artifacts={"pipelinechannel--all": HANDED_ON}, **EACH)},
    {"made": leaf(outputs={"artifacts": {"data": LISTED}}), "used": leaf(inputs=OF_EACH)},
)
SETTINGS = Settings(run_id="run-1", name="nightly", created_at=1000.0)


class Diary(Journal):
    """A journal, performer and watcher that note in which order they were called."""

    def __init__(self, *, fails_at: int = -1) -> None:
        self.calls: list[str] = []
        self.saves: list[Save] = []
        self.records: list[RunRecord] = []
        self._fails_at = fails_at

    def begin(self, record: RunRecord) -> None:
        self.records.append(record)
        self.calls.append("begin")

    def append(self, save: Save) -> None:
        if len(self.saves) == self._fails_at:
            raise StoreError("the disk is full")
        self.saves.append(save)
        self.calls.append("save")

    def events(self, run_id: str, *, first: int = 0) -> list[Json]:  # noqa: ARG002 - the port's
        return [event for save in self.saves for event in save.events][first:]

    def unfinished(self) -> list[str]:
        return [record.run_id for record in self.records]

    def record(self, run_id: str) -> RunRecord:  # noqa: ARG002 - the port's
        return self.records[-1]

    def perform(self, command: Command) -> None:
        name = type(command).__name__.lower()
        self.calls.append(f"{name} {command.path}" if isinstance(command, Start) else name)

    def watch(self, run: Run, changed: Sequence[Task]) -> None:
        self.calls.append(f"watch {run.state.value} {' '.join(sorted(each.path or '/' for each in changed))}")


def runner(diary: Diary, source: Pipeline = TWO) -> Runner:
    shell = Shell(journal=diary, perform=diary.perform, log_of=lambda task: f"{task.path}.log", watch=diary.watch)
    return Runner.begin(source, SETTINGS, shell)


def started(path: str) -> Started:
    return Started(path=TaskPath(path), attempt=1, at=1001.0)


def succeeded(path: str, outputs: Outputs = NO_OUTPUTS, attempt: int = 1) -> Succeeded:
    return Succeeded(path=TaskPath(path), attempt=attempt, at=1002.0, outputs=outputs)


def failed(path: str) -> Failed:
    return Failed(path=TaskPath(path), attempt=1, at=1003.0, error=TaskError(code=Code.UNKNOWN, message="boom"))


def listed(saves: Sequence[Save]) -> dict[str, list[Any]]:
    """The artifacts that a store lists for each task after these steps."""
    found: dict[str, list[Any]] = {}
    for save in saves:
        fresh: list[Any] = [one for one in save.tasks if one["path"] not in save.same_artifacts]
        found |= {one["path"]: list(artifacts_of_task(one)) for one in fresh}
    return found


def documented(saves: Sequence[Save]) -> dict[str, list[Any]]:
    """The artifacts that the documents name after these steps."""
    documents: list[Any] = [one for save in saves for one in save.tasks]
    return {one["path"]: list(artifacts_of_task(one)) for one in documents}


def test_each_step_is_saved_then_performed_then_watched() -> None:
    diary = Diary()
    driven = runner(diary)
    driven.take([started("a")])
    driven.take([succeeded("a")])
    driven.take([succeeded("b")])
    assert diary.calls == [
        "begin", "save", "start a", "watch RUNNING / a b",
        "save", "watch RUNNING a",
        "save", "start b", "watch RUNNING a b",
        "save", "finishrun", "watch SUCCEEDED / b",
    ]  # fmt: skip


def test_events_that_came_together_are_one_save() -> None:
    diary = Diary()
    runner(diary).take([started("a"), succeeded("a"), succeeded("b")])
    assert [(save.first, [event["type"] for event in save.events]) for save in diary.saves] == [
        (0, []),
        (0, ["started", "succeeded", "succeeded"]),
    ]
    assert [call for call in diary.calls if call.startswith(("start", "finish"))] == ["start a", "start b", "finishrun"]


def test_saves_follow_each_other_without_gaps() -> None:
    diary = Diary()
    driven = runner(diary)
    driven.take([started("a"), succeeded("a")])
    driven.take([started("b")])
    driven.take([succeeded("b")])
    assert [save.first for save in diary.saves] == [0, 0, 2, 3]
    assert len(diary.events("run-1")) == 4


def test_no_events_are_no_step() -> None:
    diary = Diary()
    driven = runner(diary)
    before = list(diary.calls)
    driven.take([])
    assert diary.calls == before


def test_nothing_is_performed_where_the_save_fails() -> None:
    diary = Diary(fails_at=1)
    driven = runner(diary)
    before = list(diary.calls)
    with pytest.raises(StoreError, match="the disk is full"):
        driven.take([started("a"), succeeded("a")])
    assert diary.calls == before


def test_nothing_is_performed_where_the_beginning_cannot_be_saved() -> None:
    diary = Diary(fails_at=0)
    with pytest.raises(StoreError, match="the disk is full"):
        runner(diary)
    assert diary.calls == ["begin"]


def test_a_run_is_recorded_as_it_was_begun() -> None:
    diary = Diary()
    runner(diary)
    (record,) = diary.records
    assert (record.run_id, record.name, record.pipeline, record.created_at) == ("run-1", "nightly", "demo", 1000.0)
    assert (record.ir, record.ir_digest) == (TWO.source, TWO.digest)
    assert record.settings["arguments"] == {}


def test_a_verdict_that_somebody_is_told_must_last_and_what_comes_before_need_not() -> None:
    diary = Diary()
    driven = runner(diary, GUARDED)
    driven.take([succeeded("body/more")])
    error = TaskError(code=Code.UNKNOWN, message="boom")
    driven.take([started("body/work")])
    driven.take([Failed(path=TaskPath("body/work"), attempt=1, at=1003.0, error=error)])
    driven.take([started("tell")])
    driven.take([succeeded("tell")])
    assert [save.durable for save in diary.saves] == [False, False, False, True, False, True]


def test_a_save_holds_what_changed_and_the_log_of_each() -> None:
    diary = Diary()
    runner(diary).take([started("a")])
    documents: list[Any] = list(diary.saves[-1].tasks)
    assert [(each["path"], each["state"], each["log"]) for each in documents] == [("a", "RUNNING", "a.log")]


def test_the_run_document_is_saved_where_it_changed() -> None:
    diary = Diary()
    driven = runner(diary)
    driven.take([started("a")])
    driven.take([failed("a")])
    driven.take([RetryRequested(at=1004.0)])
    states = [save.run and save.run["state"] for save in diary.saves]
    assert states == ["RUNNING", None, "FAILED", "RUNNING"]


def test_artifacts_are_said_to_be_the_same_where_they_are() -> None:
    diary = Diary()
    driven = runner(diary, HANDING_ON)
    driven.take([started("make")])
    driven.take([succeeded("make", DATA)])
    driven.take([started("use")])
    driven.take([succeeded("use")])
    assert [sorted(save.same_artifacts) for save in diary.saves] == [
        ["", "last", "make", "use"],
        ["make"],
        [],
        ["use"],
        ["last", "use"],
    ]
    assert all(
        isinstance(save.same_artifacts, AbstractSet) for save in diary.saves
    )  # a step may change ten thousand tasks


def test_a_retry_says_which_artifacts_are_not_the_same() -> None:
    diary = Diary()
    driven = runner(diary, HANDING_ON)
    driven.take([succeeded("make", DATA), succeeded("use"), failed("last")])
    driven.take([RetryRequested(at=1004.0, tasks=(TaskPath("make"),))])
    assert {path: found for path, found in listed(diary.saves).items() if found} == {}
    driven.take([succeeded("make", DATA, attempt=2), succeeded("use", attempt=2)])
    artifacts = documented(diary.saves)
    assert {path: len(found) for path, found in artifacts.items()} == {"make": 1, "use": 1, "last": 0}
    assert listed(diary.saves) == {path: found for path, found in artifacts.items() if found}


def test_artifacts_of_a_task_that_is_new_are_not_the_same() -> None:
    diary = Diary()
    runner(diary, HANDING_EACH_ON).take([succeeded("make", DATA)])
    assert [path for path, found in listed(diary.saves).items() if found] == ["make", "use", "use[0]"]
    assert listed(diary.saves) == {path: found for path, found in documented(diary.saves).items() if found}
