"""The journal says what an engine is about to do before it does it: otherwise a crash would make it do so twice."""

from pathlib import Path

from kfp import compiler, dsl

from postlude.engines.local.clock import SystemClock
from postlude.engines.local.engine import LocalEngine
from postlude.engines.local.layout import Layout
from postlude.engines.local.office import Office
from postlude.engines.local.policy import Policy
from postlude.executors.fake import Behaviour, FakeExecutor, Succeed
from postlude.ports.executor import Attempt
from postlude.runtime.attempt import Bench
from postlude.spec.load import load
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.home import Home
from postlude.stores.sql import open_store
from postlude.stores.store import Store


@dsl.container_component
def work():
    return dsl.ContainerSpec(image="any", command=["true"])


@dsl.pipeline(name="many")
def many() -> None:
    with dsl.ParallelFor(list(range(20))):
        work()


def engine_over(store: Store, executor: FakeExecutor, directory: Path) -> LocalEngine:
    home, clock = Home(root=directory), SystemClock()
    return LocalEngine(
        bench=Bench(executor=executor, artifacts=LocalArtifacts(), clock=clock),
        journal=store.journal,
        catalog=store.catalog,
        layout=Layout(
            directory=home.task_directory,
            artifacts=home.artifact_place,
            workspace=home.workspace,
            root=str(home.artifacts),
        ),
        policy=Policy(workers=2),
        office=Office(store.leases, store.mailbox, clock),
    )


def test_no_attempt_begins_before_the_journal_says_so(tmp_path: Path) -> None:
    target = tmp_path / "many.yaml"
    compiler.Compiler().compile(many, str(target))
    store = open_store(f"sqlite:///{tmp_path / 'postlude.db'}")
    said: list[bool] = []

    def look(attempt: Attempt) -> Behaviour:
        events = store.journal.events(attempt.run_id)
        said.append(any((one["type"], one["path"]) == ("started", attempt.path) for one in events))
        return Succeed()

    with engine_over(store, FakeExecutor(look), tmp_path) as engine:
        document = engine.run(load(target.read_bytes(), name=target.name), {})
    store.close()

    assert (document["state"], said) == ("SUCCEEDED", [True] * 20)
