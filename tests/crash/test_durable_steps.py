"""Which steps wait for the disk: those after which an exit task, or the world, is told a verdict."""

import pytest
from kfp import compiler, dsl

from postlude.core.run_state import Settings
from postlude.core.task import Event, Started, State, Succeeded, TaskPath
from postlude.ports.journal import Journal, Save
from postlude.runtime.runner import Runner, Shell
from postlude.spec.load import load
from postlude.spec.types import Pipeline
from postlude.stores.memory import open_memory_store

BODY, ITEM, EXIT = (TaskPath(path) for path in ("exit-handler-1/work", "for-loop-3[0]/work-2", "tell"))


@dsl.container_component
def work():
    return dsl.ContainerSpec(image="any", command=["true"])


@dsl.container_component
def tell(status: dsl.PipelineTaskFinalStatus):
    return dsl.ContainerSpec(image="any", command=["echo"], args=[status])


@dsl.pipeline(name="verdicts")
def verdicts() -> None:
    with dsl.ExitHandler(tell()):
        work()
    with dsl.ParallelFor(["one"]):
        work()


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    target = tmp_path_factory.mktemp("ir") / "verdicts.yaml"
    compiler.Compiler().compile(verdicts, str(target))
    return load(target.read_bytes(), name=target.name)


class Recording:
    """A journal that remembers which of the steps it was given must last."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.begin, self.events, self.record = journal.begin, journal.events, journal.record
        self.unfinished = journal.unfinished
        self.durable: list[bool] = []

    def append(self, save: Save) -> None:
        self.durable.append(save.durable)
        self._journal.append(save)


def started(path: TaskPath) -> Event:
    return Started(path=path, attempt=1, at=1.0)


def succeeded(path: TaskPath) -> Event:
    return Succeeded(path=path, attempt=1, at=2.0)


def test_verdicts_of_groups_and_of_the_run_must_last_and_progress_may_lag(pipeline: Pipeline) -> None:
    journal = Recording(open_memory_store().journal)
    shell = Shell(journal=journal, perform=lambda _: None, log_of=lambda _: None)
    runner = Runner.begin(pipeline, Settings(run_id="1", name="verdicts", created_at=0.0), shell)
    steps = [started(BODY), started(ITEM), succeeded(BODY), succeeded(ITEM), started(EXIT), succeeded(EXIT)]
    for event in steps:
        runner.take([event])

    assert runner.run.state is State.SUCCEEDED
    told = dict(zip(["begun", *map(_name, steps)], journal.durable, strict=True))
    assert told == {
        "begun": False,
        "Started exit-handler-1/work": False,
        "Started for-loop-3[0]/work-2": False,
        "Succeeded exit-handler-1/work": True,
        "Succeeded for-loop-3[0]/work-2": True,
        "Started tell": False,
        "Succeeded tell": True,
    }


def _name(event: Event) -> str:
    return f"{type(event).__name__} {getattr(event, 'path', '')}"
