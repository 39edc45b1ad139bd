"""An engine over a fake executor and a store in memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import Any

from postlude.core.run_state import FailurePolicy, Run
from postlude.core.task import Task, TaskPath
from postlude.engines.local.admission import Offer
from postlude.engines.local.engine import LocalEngine
from postlude.engines.local.layout import Layout
from postlude.engines.local.office import Office
from postlude.engines.local.policy import Policy
from postlude.executors.fake import Behaviour, FakeExecutor, by_path
from postlude.ports.artifacts import ArtifactStore
from postlude.ports.journal import Journal
from postlude.runtime.attempt import Bench
from postlude.spec.types import Pipeline
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.memory import open_memory_store
from postlude.testing import ManualClock

PLENTY = Offer(millicpus=64_000, memory_bytes=2**40)

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class EngineLab:
    """An engine, what it runs with, and a thread to run it on."""

    engine: LocalEngine
    executor: FakeExecutor
    thread: ThreadPoolExecutor
    watched: list[Run] = field(default_factory=list)
    stepped: Condition = field(default_factory=Condition)

    def run(self, pipeline: Pipeline) -> Document:
        """Run a pipeline to its end."""
        return self.begin(pipeline).result(timeout=30)

    def begin(self, pipeline: Pipeline) -> "Future[Document]":
        """Begin to run a pipeline."""
        return self.thread.submit(self.engine.run, pipeline, {}, watch=self._watch)

    def wait_for(self, path: str, attempt: int) -> None:
        """Wait until the attempt of a task is asked for."""
        with self.stepped:
            known = self.stepped.wait_for(lambda: self._attempt(path) == attempt, 10)
        assert known, f"'{path}' came to attempt {self._attempt(path)}, not {attempt}"

    def _attempt(self, path: str) -> int:
        return self.watched[-1].tasks[TaskPath(path)].attempt if self.watched else 0

    def _watch(self, run: Run, _changed: Sequence[Task]) -> None:
        with self.stepped:
            self.watched.append(run)
            self.stepped.notify_all()


@contextmanager
def engine_lab(
    home: Path,
    script: dict[str, Any] | None = None,
    *,
    workers: int = 2,
    otherwise: Behaviour | None = None,
    offer: Offer = PLENTY,
    failure_policy: FailurePolicy = FailurePolicy.SLOW,
    journal: Callable[[Journal], Journal] = lambda journal: journal,
    artifacts: ArtifactStore | None = None,
) -> Iterator[EngineLab]:
    """A lab that ends what still runs, closes its engine, and then its thread."""
    store = open_memory_store()
    executor, clock = FakeExecutor(by_path(script or {}, otherwise=otherwise)), ManualClock(1000.0)
    engine = LocalEngine(
        bench=Bench(executor=executor, artifacts=artifacts or LocalArtifacts(), clock=clock, cache=store.cache),
        journal=journal(store.journal),
        catalog=store.catalog,
        layout=Layout(
            directory=lambda _run, path, attempt: home / "attempts" / path / str(attempt),
            artifacts=lambda _run, path, attempt: str(home / "artifacts" / path / str(attempt)),
            workspace=lambda run: home / "workspaces" / run,
            root=str(home),
        ),
        policy=Policy(workers=workers, offer=offer, failure_policy=failure_policy, grace_s=0.05),
        office=Office(store.leases, store.mailbox, clock),
    )
    with ThreadPoolExecutor(1) as thread, engine:
        try:
            yield EngineLab(engine=engine, executor=executor, thread=thread)
        finally:
            engine.cancel()
            engine.cancel(force=True)


def states(document: Document) -> dict[str, str]:
    """State by path."""
    return {task["path"]: task["state"] for task in document["tasks"]}


def attempts(document: Document) -> dict[str, int]:
    """Attempts by path."""
    return {task["path"]: task["attempts"] for task in document["tasks"]}
