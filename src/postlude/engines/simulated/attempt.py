"""One attempt that runs nothing: its inputs are rendered, its end is scripted, its outputs are checked as real ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from postlude.core.exchange import Places, Program, outputs_of, program
from postlude.core.run_state import Run
from postlude.core.task import Code, Outputs, Task, TaskError
from postlude.engines.simulated.samples import Samples
from postlude.engines.simulated.scenario import Products, Scenario, Text
from postlude.ports.artifacts import ArtifactStore
from postlude.ports.behaviour import KILLED, OUT_OF_MEMORY, Fail, Succeed, TimeOut, exit_of
from postlude.ports.stop import NEVER, Stop
from postlude.runtime.attempt import defect, error_of
from postlude.runtime.faults import FAILURE, Fault, FaultKind, Faults
from postlude.runtime.importing import import_artifact
from postlude.spec.types import Container, Importer, Json

_OUTPUTS: Final = "/sim/outputs"


class Performed(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt comes to its end, unless somebody stops it.

    Attributes:
        after_s: Virtual seconds from its start to its end.
        result: What it produced, or its error.
    """

    after_s: float
    result: Outputs | TaskError


class Stage:
    """Performs the attempts of one simulated run."""

    def __init__(self, scenario: Scenario, samples: Samples) -> None:
        self._faults = Faults(scenario.faults)
        self._products = Products(scenario.products)
        self._perform = scenario.perform
        self._duration_s = scenario.duration_s
        self._samples = samples

    def perform(self, run: Run, task: Task) -> Performed:
        """Play an attempt of a leaf task; whatever goes wrong is its failure (R11)."""
        faults = self._faults.of(task.path, task.attempt) if self._faults else ()
        try:
            executor = run.pipeline.executors[task.component.executor]
            if isinstance(executor, Importer):
                return self._import(run, task, executor, faults)
            return self._execute(run, task, executor, faults)
        except Exception as fault:  # noqa: BLE001 - a defect of ours is the task's failure, as in a real run
            return Performed(after_s=0.0, result=defect(fault))

    def _execute(self, run: Run, task: Task, container: Container, faults: Sequence[Fault]) -> Performed:
        artifacts = f"sim://{run.run_id}/{task.path}/{task.attempt}"
        prepared = program(run, task, container, Places(outputs=_OUTPUTS, artifacts=artifacts))
        behaviour = _behaviour(faults)
        after_s = _late_by(faults) + self._takes_s(behaviour, prepared.timeout_s)
        error = error_of(exit_of(behaviour, prepared.timeout_s))
        if error is not None:
            return Performed(after_s=after_s, result=error)
        return Performed(after_s=after_s, result=self._perform(run, task) or self._outputs(run, task, prepared))

    def _import(self, run: Run, task: Task, importer: Importer, faults: Sequence[Fault]) -> Performed:
        after_s = _late_by(faults) + self._duration_s
        found = import_artifact(run, task, importer, artifacts=_Everything(), cache=None)
        failure = next((fault for fault in faults if fault.kind is FaultKind.FAIL), None)
        if isinstance(found, TaskError):
            return Performed(after_s=after_s, result=found)
        if failure is not None:
            error = TaskError(code=Code.NOT_FOUND, message=failure.message or f"nothing to import: {FAILURE}")
            return Performed(after_s=after_s, result=error)
        return Performed(after_s=after_s, result=found[0])

    def _takes_s(self, behaviour: Succeed | Fail | TimeOut, limit_s: float | None) -> float:
        if limit_s is None:
            return self._duration_s
        return limit_s if isinstance(behaviour, TimeOut) else min(self._duration_s, limit_s)

    def _outputs(self, run: Run, task: Task, prepared: Program) -> Outputs | TaskError:
        given = self._products.of(task.path)
        declared = task.component.outputs
        files = {name: value.text for name, value in given.items() if isinstance(value, Text)}
        values = self._made_up(run, task, given)
        values |= {name: given[name] for name in declared.parameters if name in given and name not in files}
        artifacts = {name: {"artifacts": [{"uri": _uri(given[name])}]} for name in declared.artifacts if name in given}
        written = {"parameterValues": values, "artifacts": artifacts}
        return outputs_of(task, prepared.executor_input, written, files)

    def _made_up(self, run: Run, task: Task, given: Mapping[str, Json | Text]) -> dict[str, Json]:
        """A value for each output parameter of which the scenario says nothing."""
        declared = task.component.outputs.parameters
        dag = None if task.index is not None else run.tasks[task.parent].component.dag
        return {
            name: self._samples.sample(dag, task.spec.key, name, output.type)
            for name, output in declared.items()
            if name not in given
        }


_BEHAVIOURS: Final[Mapping[FaultKind, Fail | TimeOut]] = {
    FaultKind.TIMEOUT: TimeOut(),
    FaultKind.OOM: OUT_OF_MEMORY,
    FaultKind.KILL: KILLED,
}


def _behaviour(faults: Sequence[Fault]) -> Succeed | Fail | TimeOut:
    """What an attempt with these faults does: the first that ends it counts."""
    for fault in faults:
        if fault.kind is FaultKind.FAIL:
            return Fail(message=fault.message or FAILURE)
        if fault.kind in _BEHAVIOURS:
            return _BEHAVIOURS[fault.kind]
    return Succeed()


def _late_by(faults: Sequence[Fault]) -> float:
    return sum(fault.wait_s for fault in faults)


def _uri(value: Json | Text) -> Json:
    return value.text if isinstance(value, Text) else value


class _Everything(ArtifactStore):
    """A store in which every artifact is, wherever it may be: what importers meet (`ports.artifacts.ArtifactStore`)."""

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:  # noqa: ARG002 - the port's signature
        return True

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:  # noqa: ARG002 - the port's signature
        return target

    def keep(self, source: Path, uri: str, *, owned: bool = False, stop: Stop = NEVER) -> str:  # noqa: ARG002 - as above
        return ""

    def place(self, uri: str, target: Path, *, stop: Stop = NEVER) -> Path:  # noqa: ARG002 - the port's signature
        return target

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:  # noqa: ARG002 - the port's signature
        return ""
