"""Which thread does what of an attempt: nobody waits for bytes that are moved, and no thread waits for a program."""

import threading
from concurrent.futures import Future
from pathlib import Path

from engine_lab import engine_lab, states

from postlude.executors.fake import FakeExecutor, Succeed
from postlude.ports.executor import Attempt, Ending, Exit
from postlude.ports.stop import NEVER, Stop
from postlude.stores.artifacts.local import LocalArtifacts
from run_lab import leaf, pipeline, task

MADE = leaf(outputs={"artifacts": {"data": {"artifactType": {"schemaTitle": "system.Dataset"}}}})
SIX = [f"t{number}" for number in range(6)]


class SlowArtifacts(LocalArtifacts):
    """To keep an artifact takes until somebody says go."""

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.go = threading.Event(), threading.Event()

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        self.busy.set()
        assert self.go.wait(30)
        return super().digest(uri, stop=stop)


def test_an_artifact_that_is_hashed_holds_up_nobody(tmp_path: Path) -> None:
    together = pipeline({"slow": task("made"), **{name: task() for name in SIX}}, {"made": MADE})
    store, makes = SlowArtifacts(), Succeed(artifacts={"data": "text"})
    with engine_lab(tmp_path, {"slow": makes}, artifacts=store) as lab:
        running = lab.begin(together)
        assert store.busy.wait(30)
        for name in SIX:
            lab.wait_until(name, "SUCCEEDED")
        store.go.set()
        assert set(states(running.result(30)).values()) == {"SUCCEEDED"}


class Promises(FakeExecutor):
    """Begins attempts that end when somebody says so."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, Future[Exit]] = {}
        self.all_begun = threading.Event()

    def begin(self, attempt: Attempt) -> Future[Exit]:
        ended = self.begun[attempt.path] = Future()
        if len(self.begun) == len(SIX):
            self.all_begun.set()
        return ended


def test_no_thread_waits_for_a_program(tmp_path: Path) -> None:
    executor = Promises()
    with engine_lab(tmp_path, workers=len(SIX), executor=executor) as lab:
        before = threading.active_count()
        running = lab.begin(pipeline({name: task() for name in SIX}))
        assert executor.all_begun.wait(30)
        assert threading.active_count() == before + 1  # the one on which the engine runs
        for ended in executor.begun.values():
            ended.set_result(Exit(ending=Ending.EXITED, code=0))
        assert set(states(running.result(30)).values()) == {"SUCCEEDED"}


class Defective(FakeExecutor):
    def begin(self, attempt: Attempt) -> Future[Exit]:
        raise ZeroDivisionError(f"division by zero in {attempt.path}")


class DefectiveLater(FakeExecutor):
    def run(self, attempt: Attempt) -> Exit:
        raise ZeroDivisionError(f"division by zero in {attempt.path}")


def test_a_defect_of_an_executor_fails_the_attempt(tmp_path: Path) -> None:
    for executor in (Defective(), DefectiveLater()):
        with engine_lab(tmp_path / type(executor).__name__, executor=executor) as lab:
            (one,) = lab.run(pipeline({"a": task()}))["tasks"]
        assert (one["state"], one["error"]["code"]) == ("FAILED", 13)
        assert one["error"]["message"].startswith("a defect of the engine: ZeroDivisionError: division by zero in a (")
