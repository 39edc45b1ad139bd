"""A simulation says what a real run does: every state, error, input and payload, over random pipelines and faults."""

import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pipelines import Author

from postlude.api.simulate import simulation
from postlude.core.run_state import FailurePolicy, Run, StatusWords
from postlude.core.task import State, Task
from postlude.engines.local.clock import SystemClock
from postlude.engines.local.engine import LocalEngine
from postlude.engines.local.layout import Layout
from postlude.engines.local.office import Office
from postlude.engines.local.policy import Policy
from postlude.engines.simulated.scenario import Product, Scenario, Text
from postlude.executors.process.executor import ProcessExecutor
from postlude.runtime.attempt import Bench
from postlude.runtime.faults import Fault, FaultKind
from postlude.spec.load import load
from postlude.spec.paths import covers, places
from postlude.spec.types import Container, Pipeline
from postlude.stores.artifacts.local import LocalArtifacts
from postlude.stores.memory import open_memory_store
from postlude.testing.faulty_executor import FaultyExecutor

TEXTS = ("1", "2", "two")
"""What makers write for an integer."""
WRITE = ["sh", "-c", 'printf %s "$0" > "$1"']
OUT = "{{$.outputs.parameters['out'].output_file}}"
X = {"taskOutputParameter": {"outputParameterKey": "out"}}


class Maker(Author):
    """Also writes leaves that make a value, leaves that take one, and conditions on one."""

    def pipeline(self) -> Pipeline:
        tasks = self.dag(depth=0)
        self.components |= self.leaves()
        makers = {f"exec-maker-{text}": {"command": [*WRITE, text, OUT]} for text in TEXTS}
        programs = {"exec-leaf": {"command": ["true"]}, **makers}
        executors = {name: {"container": {"image": "i", **program}} for name, program in programs.items()}
        spec = {
            "pipelineInfo": {"name": "random"},
            "components": self.components,
            "deploymentSpec": {"executors": executors},
            "root": {"dag": {"tasks": tasks}},
            "schemaVersion": "2.1.0",
            "sdkVersion": "kfp-2.17.0",
        }
        return load([spec], name="random")

    def leaves(self) -> dict[str, Any]:
        number = {"parameterType": "NUMBER_INTEGER"}
        makers = {
            f"comp-maker-{text}": {
                "executorLabel": f"exec-maker-{text}",
                "outputDefinitions": {"parameters": {"out": number}},
            }
            for text in TEXTS
        }
        takers = {
            f"comp-taker-{name}": {
                "executorLabel": "exec-leaf",
                "inputDefinitions": {"parameters": {"x": {**number, **extra}}},
            }
            for name, extra in (("strict", {}), ("lenient", {"defaultValue": 7.0, "isOptional": True}))
        }
        status = {"parameters": {"status": {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}}}
        told = {"comp-told": {"executorLabel": "exec-leaf", "inputDefinitions": status}}
        return {"comp-leaf": {"executorLabel": "exec-leaf"}, **makers, **takers, **told}

    def leaf(self) -> dict[str, Any]:
        task = super().leaf()
        if self.draw(st.booleans()):
            text = self.draw(st.sampled_from(TEXTS))
            task["componentRef"] = {"name": f"comp-maker-{text}"}
        return task

    def is_group(self, task: dict[str, Any]) -> bool:
        return not task["componentRef"]["name"].startswith(("comp-leaf", "comp-maker")) or "parameterIterator" in task

    def dag(self, depth: int) -> dict[str, Any]:
        tasks = super().dag(depth)
        makers: list[str] = []
        for key, task in tasks.items():
            name = task["componentRef"]["name"]
            if makers and "parameterIterator" not in task and "inputs" not in task and self.draw(st.booleans()):
                self.feed(task, self.draw(st.sampled_from(makers)))
            if name.startswith("comp-maker"):
                makers.append(key)
        return tasks

    def feed(self, task: dict[str, Any], maker: str) -> None:
        """Let a leaf take what a maker made, or a group have a condition on it."""
        name = task["componentRef"]["name"]
        source = {"taskOutputParameter": {"producerTask": maker, "outputParameterKey": "out"}}
        if name == "comp-leaf":
            strictness = self.draw(st.sampled_from(["strict", "lenient"]))
            task["componentRef"] = {"name": f"comp-taker-{strictness}"}
        elif "dag" in self.components.get(name, {}) and "triggerPolicy" not in task:
            declared = {"parameters": {"x": {"parameterType": "NUMBER_INTEGER"}}}
            self.components[name]["inputDefinitions"] = declared
            task["triggerPolicy"] = {"condition": "inputs.parameter_values['x'] == 1"}
        else:
            return
        task["inputs"] = {"parameters": {"x": source}}


@dataclass(frozen=True)
class Case:
    pipeline: Pipeline
    scenario: Scenario


@st.composite
def cases(draw: Any) -> Case:
    """A pipeline, what its programs write, and what goes wrong; one worker, so that order is no race."""
    pipeline = Maker(draw).pipeline()
    leaves = [place.path for place in places(pipeline).values() if place.leaf]
    fault = st.builds(
        Fault,
        path=st.sampled_from(leaves).flatmap(lambda path: st.sampled_from([path, path.replace("[*]", "[0]")])),
        kind=st.sampled_from([FaultKind.FAIL, FaultKind.FAIL, FaultKind.KILL]),
        attempt=st.sampled_from([None, 1]),
        message=st.sampled_from(["", "it broke"]),
    )
    faults = draw(st.lists(fault, max_size=3))
    cancel_at = draw(st.sampled_from(["", "", "", *leaves]))
    if cancel_at:  # so long that the cancel comes before its end; an exit task is spared and waits it out
        faults = [Fault.delay(cancel_at, 2.0), *faults]
    scenario = Scenario(
        faults=faults,
        products=list(written(pipeline)),
        cancel_at=cancel_at,
        workers=1,
        failure_policy=draw(st.sampled_from(FailurePolicy)),
        status_words=draw(st.sampled_from(StatusWords)),
    )
    return Case(pipeline, scenario)


def written(pipeline: Pipeline) -> list[Product]:
    """What the programs of the makers write."""
    executors = {place.path: pipeline.executors[place.component.executor] for place in leaves_of(pipeline)}
    return [
        Product(path=path, name="out", value=Text(text=executor.command[3]))
        for path, executor in executors.items()
        if isinstance(executor, Container) and executor.command[0] == "sh"
    ]


def leaves_of(pipeline: Pipeline):
    return [place for place in places(pipeline).values() if place.leaf]


def really(case: Case, home: Path) -> Any:
    """The document of a real run, in processes, in which the same goes wrong."""
    scenario, store, clock = case.scenario, open_memory_store(), SystemClock()
    executor = FaultyExecutor(ProcessExecutor(home=home), scenario.faults)
    engine = LocalEngine(
        bench=Bench(executor=executor, artifacts=LocalArtifacts(), clock=clock, cache=None),
        journal=store.journal,
        catalog=store.catalog,
        layout=Layout(
            directory=lambda _run, path, attempt: home / "attempts" / path / str(attempt),
            artifacts=lambda _run, path, attempt: str(home / "artifacts" / path / str(attempt)),
            workspace=lambda run: home / "workspaces" / run,
            root=str(home),
        ),
        policy=Policy(workers=1, failure_policy=scenario.failure_policy, status_words=scenario.status_words),
        office=Office(store.leases, store.mailbox, clock),
    )
    with engine, ThreadPoolExecutor(1) as thread:
        return thread.submit(engine.run, case.pipeline, {}, watch=canceling(engine, scenario)).result(60)


def canceling(engine: LocalEngine, scenario: Scenario) -> Any:
    """A watcher that cancels the run once, when the task that the scenario names has started."""
    done: list[str] = []

    def watch(_run: Run, changed: Sequence[Task]) -> None:
        began = [one for one in changed if one.state is State.RUNNING and covers(scenario.cancel_at, one.path)]
        if scenario.cancel_at and began and not done:
            done.append(began[0].path)
            engine.cancel()

    return watch


TIMES = {"started_at", "finished_at", "created_at", "ended_at", "startedAt", "finishedAt", "log"}


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in TIMES}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def comparable(document: Any) -> Any:
    """The run document, payloads included, without times, places and the run's id."""
    return json.loads(json.dumps(timeless(document)).replace(document["run_id"], "RUN"))


@settings(
    max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(case=cases())
def test_a_simulation_says_what_a_real_run_does(case: Case) -> None:
    simulated = simulation(case.pipeline, {}, case.scenario).run.document
    with tempfile.TemporaryDirectory() as home:
        real = really(case, Path(home))
    assert comparable(simulated) == comparable(real)


@settings(
    max_examples=100, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(case=cases(), workers=st.sampled_from([None, 2]))
def test_a_simulation_always_ends_and_is_always_the_same(case: Case, workers: int | None) -> None:
    scenario = replace(case.scenario, workers=workers)
    first, second = (simulation(case.pipeline, {}, scenario).document for _ in range(2))
    assert first == second
    assert all(State(task["state"]).is_final for task in first["run"]["tasks"])
