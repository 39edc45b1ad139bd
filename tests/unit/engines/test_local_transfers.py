"""What becomes of an attempt that moves bytes when it is told to end: in a fetch, in a look, or after its program."""

from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from engine_lab import EngineLab, engine_lab, states

from postlude.executors.fake import Succeed
from postlude.ports.stop import NEVER, Stop
from postlude.spec.types import Pipeline
from postlude.stores.artifacts.local import LocalArtifacts
from run_lab import dag, exit_task, leaf, pipeline, task

SOON_S = 20
DATA = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
WRITER = leaf(outputs={"artifacts": {"data": DATA}})
IMPORTER = {"importer": {"artifactUri": {"constant": "/data/x"}, "typeSchema": DATA["artifactType"]}}
IMPORT = {"outputDefinitions": {"artifacts": {"artifact": DATA}}, "executorLabel": "imports"}


class Endless(LocalArtifacts):
    """Bytes of this machine that nobody lives long enough to hash; all else is there."""

    def __init__(self) -> None:
        super().__init__(hash_file=self._hash)
        self.begun = Event()

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:  # noqa: ARG002 - the port's
        return True

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        return self._hash(uri, stop)

    def _hash(self, _: str | Path, stop: Stop) -> str:
        asked = Event()
        with stop.interrupting(asked.set):
            self.begun.set()
            asked.wait(60)
        stop.check()
        return ""


def guarded(work: str) -> Pipeline:
    group = {"group": dag({"work": task(work), "next": task("leaf", "work")}), "writer": WRITER, "import": IMPORT}
    tasks = {"body": task("group"), "tell": exit_task("body")}
    return pipeline(tasks, group, executors={"imports": IMPORTER})


def lab_with(tmp_path: Path, store: LocalArtifacts) -> Any:
    return engine_lab(tmp_path, {"body/work": Succeed(artifacts={"data": "x"})}, artifacts=store)


@pytest.mark.parametrize("work", ["writer", "import"])
def test_a_cancel_ends_an_attempt_that_hashes(tmp_path: Path, work: str) -> None:
    store = Endless()
    with lab_with(tmp_path, store) as lab:
        running = lab.begin(guarded(work))
        assert store.begun.wait(SOON_S)
        lab.engine.cancel()
        document = running.result(SOON_S)
    ended = {"body": "CANCELED", "body/work": "CANCELED", "body/next": "CANCELED", "tell": "SUCCEEDED"}
    assert (document["state"], states(document)) == ("CANCELED", ended)


def test_closing_the_engine_ends_an_attempt_that_hashes(tmp_path: Path) -> None:
    store = Endless()
    with lab_with(tmp_path, store) as lab:
        running = lab.begin(guarded("writer"))
        assert store.begun.wait(SOON_S)
        closing = lab_closed(lab)
        assert closing.wait(SOON_S)
        document = running.result(SOON_S)
    assert states(document)["body/work"] == "FAILED"


def lab_closed(lab: EngineLab) -> Event:
    """Close the engine on a thread of its own, and say when that is done."""
    done = Event()

    def close() -> None:
        lab.engine.close()
        done.set()

    Thread(target=close, daemon=True).start()
    return done


def test_a_cancel_that_comes_when_all_outputs_are_kept_changes_nothing(tmp_path: Path) -> None:
    class Canceling(LocalArtifacts):
        """Cancels the run once the output is hashed."""

        lab: EngineLab

        def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
            digest = super().digest(uri, stop=stop)
            asked = Event()
            with stop.interrupting(asked.set):
                self.lab.engine.cancel()
                assert asked.wait(SOON_S)
            return digest

    store = Canceling()
    with lab_with(tmp_path, store) as lab:
        store.lab = lab
        document = lab.run(guarded("writer"))
    assert (document["state"], states(document)["body/work"], states(document)["body/next"]) == (
        "CANCELED", "SUCCEEDED", "CANCELED",
    )  # fmt: skip
