"""Runs a pipeline and says what the final-status matrix asks about: states, payloads, the run's verdict."""

import copy
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

import postlude

Ir = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """A finished run, with the questions of the matrix."""

    run: postlude.Run

    @property
    def state(self) -> str:
        return self.run.state

    @property
    def code(self) -> int | None:
        return self.run.error.code if self.run.error else None

    @property
    def message(self) -> str:
        return self.run.error.message if self.run.error else ""

    @cached_property
    def states(self) -> dict[str, str]:
        """State by path."""
        return {path: task.state for path, task in self.run.tasks.items()}

    def states_of(self, *paths: str) -> list[str]:
        return [self.states[path] for path in paths]

    def inputs(self, path: str) -> Mapping[str, Any]:
        return self.run.tasks[path].inputs

    def outputs(self, path: str) -> Mapping[str, Any]:
        return self.run.tasks[path].outputs

    def error(self, path: str) -> tuple[int, str] | None:
        error = self.run.tasks[path].error
        return (error.code, error.message) if error else None

    def payload(self, path: str, name: str = "status") -> Any:
        """The final status that the task at `path` was given by the engine."""
        return self.run.tasks[path].inputs[name]

    def told(self, path: str) -> Any:
        """What the process of a `report` task really read from its PipelineTaskFinalStatus."""
        return self.run.tasks[path].outputs["Output"]

    def verdict(self, path: str = "report") -> tuple[str, int | None, str | None, str]:
        """State, code, message and name, as the process of a `report` task really read them."""
        told = self.told(path)
        return (told["state"], told["code"], told["message"], told["task"])

    def started(self, path: str) -> str:
        return self.run.tasks[path].document["started_at"]

    def finished(self, path: str) -> str:
        return self.run.tasks[path].document["finished_at"]

    def log(self, path: str) -> str:
        log = self.run.tasks[path].log
        return Path(log).read_text() if log else ""

    def paths(self) -> list[str]:
        return list(self.run.tasks)


@dataclass(frozen=True)
class Harness:
    home: Path

    def run(self, source: Any, arguments: Mapping[str, Any] | None = None, **options: Any) -> Result:
        """Run a pipeline function, or IR, on the embedded engine."""
        return Result(postlude.run(source, arguments, home=self.home, **{"workers": 2, **options}))


def compile_ir(pipeline: Callable[..., Any]) -> Ir:
    """The IR that the SDK makes of a pipeline, without its platform spec, to be changed into what it cannot express."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "pipeline.yaml")
        compiler.Compiler().compile(pipeline, str(path))
        return next(yaml.safe_load_all(path.read_text()))


def edited(pipeline: Callable[..., Any], edit: Callable[[Ir], None]) -> Ir:
    """The compiled pipeline after `edit` changed it in place."""
    ir = copy.deepcopy(compile_ir(pipeline))
    edit(ir)
    return json.loads(json.dumps(ir))


def tasks_of(ir: Ir, component: str = "") -> dict[str, Any]:
    """The tasks of the root DAG, or of a component's."""
    return (ir["components"][component] if component else ir["root"])["dag"]["tasks"]


def move_into(ir: Ir, component: str, *keys: str) -> None:
    """Move tasks of the root DAG into a component's DAG: the SDK writes exit handlers at the top of a pipeline only."""
    for key in keys:
        tasks_of(ir, component)[key] = tasks_of(ir).pop(key)
