"""Simulate a pipeline from Python: what would become of it, without running any of its code."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from postlude.api.faults import Named, check_place, check_products, named_faults, named_products
from postlude.api.result import Run
from postlude.api.source import load_source
from postlude.api.words import chosen
from postlude.core import rehearsal, run_state
from postlude.core.run_state import FailurePolicy, StatusWords
from postlude.core.task import Task
from postlude.engines.simulated.engine import simulate as simulated
from postlude.engines.simulated.made_up import decisions
from postlude.engines.simulated.scenario import Scenario
from postlude.runtime.document import TaskFacts, exit_of, run_document, task_document
from postlude.runtime.faults import Fault, FaultKind, check_faults, fates_of, without_effect
from postlude.spec.arguments import check_arguments
from postlude.spec.paths import covers
from postlude.spec.problem import ConfigError, Problem, SpecError
from postlude.spec.types import Json, Pipeline

SCHEMA: Final = "postlude.simulation/v1"


class ExitTask(msgspec.Struct, frozen=True, kw_only=True):
    """An exit task, or a task that ignores upstream failures, that came to run.

    Attributes:
        about: Path of the group or task that it waited for; "" where there are several.
        payloads: The final statuses that it received, by input.
        document: Its part of the run document.
    """

    path: str
    about: str
    payloads: Mapping[str, Json]
    document: Json

    def __repr__(self) -> str:
        after = f" after {self.about}" if self.about else ""
        told = "".join(f", told {payload['state']}" for payload in self.payloads.values())
        return f"<ExitTask {self.path}{after}: {self.state}{told}>"

    @property
    def state(self) -> str:
        """How it ended itself."""
        return str(self.document["state"])

    @property
    def payload(self) -> Json | None:
        """The final status that it received; None where it takes none."""
        return next(iter(self.payloads.values()), None)


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated run.

    Attributes:
        run: The run at its end. Times are virtual: an attempt takes a second.
        exit_tasks: Those that fired, in that order.
        made_up: A sentence for each condition or loop that a made-up value decided.
        without_effect: A sentence for each fault that never happened.
    """

    run: Run
    exit_tasks: Sequence[ExitTask]
    made_up: Sequence[str]
    without_effect: Sequence[str]

    def __repr__(self) -> str:
        cause = f" ({self.run.error.message})" if self.run.error else ""
        fired = len(self.exit_tasks)
        return f"<Simulation of {self.run.pipeline}: {self.state}{cause}, {fired} exit task{'s'[: fired != 1]} fired>"

    @property
    def state(self) -> str:
        """SUCCEEDED, FAILED or CANCELED."""
        return self.run.state

    def exit_task(self, path: str) -> ExitTask:
        """The exit task at `path`.

        Raises:
            KeyError: It did not fire; the message says which did.
        """
        for one in self.exit_tasks:
            if one.path == path:
                return one
        raise KeyError(f"{path} did not fire; those that did: {', '.join(one.path for one in self.exit_tasks) or '-'}")

    @property
    def document(self) -> Json:
        """All of it as JSON, `postlude.simulation/v1`."""
        fired = [
            {"path": one.path, "about": one.about, "state": one.state, "payloads": dict(one.payloads)}
            for one in self.exit_tasks
        ]
        return {
            "schema": SCHEMA,
            "run": self.run.document,
            "exit_tasks": fired,
            "made_up": list(self.made_up),
            "without_effect": list(self.without_effect),
        }


def simulate(  # noqa: PLR0913 - all but two are keyword-only options
    source: Any,
    arguments: Mapping[str, Json] | None = None,
    *,
    pipeline: str | None = None,
    fail: Named = (),
    timeout: Named = (),
    oom: Named = (),
    cancel_at: str = "",
    outputs: Mapping[str, Json] | None = None,
    faults: Sequence[Fault] = (),
    workers: int | None = None,
    failure_policy: str = "slow",
    status_words: str = "kfp",
    timeout_s: float | None = None,
    exit_timeout_s: float | None = None,
) -> Simulation:
    """What becomes of a pipeline if these things happen. Runs none of its code, and writes no file.

    Args:
        source: A pipeline function, a path (.py, .yaml, .json, .zip, .tar.gz), or the IR as a dict.
        arguments: The pipeline's input parameters.
        pipeline: Which pipeline of a .py file; None where there is one.
        fail: Paths of tasks that fail, or a mapping of paths to messages. "train@1" is the first attempt only;
            "loop[*]/train" is every iteration.
        timeout: Paths of tasks that run into their time limit.
        oom: Paths of tasks that run out of memory.
        cancel_at: Path of a task; the run is canceled when it has started.
        outputs: What tasks produce, by "PATH.OUTPUT": values of parameters, URIs of artifacts, None for a parameter
            that is not written. Everything else is made up.
        faults: More that goes wrong, see `postlude.Fault`.
        workers: Tasks at a time; None for no limit.
        failure_policy: "slow" or "fast", as for `postlude.run`.
        status_words: "kfp" or "sdk", as for `postlude.run`.
        timeout_s: Virtual seconds that the run may take, exit tasks aside.
        exit_timeout_s: Virtual seconds that each exit task may take.

    Raises:
        SpecError: The pipeline, its arguments, a path or an output is wrong.
        ConfigError: There is no such source, or an option has none of its values.
    """
    loaded = load_source(source, pipeline=pipeline)
    scenario = Scenario(
        faults=[*_faults({FaultKind.FAIL: fail, FaultKind.TIMEOUT: timeout, FaultKind.OOM: oom}), *faults],
        products=named_products(outputs or {}),
        cancel_at=cancel_at,
        workers=_workers(workers),
        failure_policy=chosen(FailurePolicy, "failure_policy", failure_policy),
        status_words=chosen(StatusWords, "status_words", status_words),
        timeout_s=_limit("timeout_s", timeout_s, "the pipeline's own"),
        exit_timeout_s=_limit("exit_timeout_s", exit_timeout_s, "the task's own"),
    )
    return simulation(loaded, check_arguments(loaded, arguments or {}), scenario)


def simulation(
    pipeline: Pipeline, arguments: Mapping[str, Json], scenario: Scenario, *, source: str = "the simulation"
) -> Simulation:
    """Simulate a pipeline whose arguments are checked; `source` is what errors call the scenario.

    Raises:
        SpecError: The scenario speaks of tasks or outputs that the pipeline does not have.
    """
    _check(pipeline, scenario, source)
    return _told(simulated(pipeline, arguments, scenario), scenario)


def _check(pipeline: Pipeline, scenario: Scenario, source: str) -> None:
    problems: list[Problem] = []
    for check in (
        partial(check_faults, pipeline, scenario.faults),
        partial(check_products, pipeline, scenario.products),
        partial(check_place, pipeline, scenario.cancel_at, option="--cancel-at"),
    ):
        try:
            check(source=source)
        except SpecError as refused:
            problems.extend(refused.problems)
    if problems:
        raise SpecError(source, problems)


def _told(run: run_state.Run, scenario: Scenario) -> Simulation:
    tasks = sorted((task for task in run.tasks.values() if task.path), key=lambda task: task.started_order)
    documents = [_document(run, task) for task in tasks]
    by_path = {each["path"]: each for each in documents}
    fired = [
        ExitTask(path=one.watcher.path, about=one.about, payloads=one.payloads, document=by_path[one.watcher.path])
        for one in rehearsal.tellings(run)
    ]
    document = {**run_document(run), "tasks": documents}
    return Simulation(
        run=Run(document),
        exit_tasks=fired,
        made_up=[str(one) for one in decisions(run, scenario)],
        without_effect=[*without_effect(scenario.faults, fates_of(document)), *_never_canceled(run, scenario)],
    )


def _document(run: run_state.Run, task: Task) -> Json:
    """A task's part of the run document, as the catalog gives it: its place says its order."""
    document = task_document(task, TaskFacts(exit_of=exit_of(run, task)))
    return {key: value for key, value in document.items() if key != "order"}


def _never_canceled(run: run_state.Run, scenario: Scenario) -> list[str]:
    if not scenario.cancel_at or run.cancel is not None:
        return []
    states = dict.fromkeys(task.state.value for path, task in run.tasks.items() if covers(scenario.cancel_at, path))
    why = f"it never ran: {', '.join(states)}" if states else "the run came to no such task"
    return [f"--cancel-at {scenario.cancel_at} had no effect: {why}"]


def _faults(named: Mapping[FaultKind, Named]) -> list[Fault]:
    try:
        return [fault for kind, given in named.items() for fault in named_faults(kind, given)]
    except ValueError as error:
        raise SpecError("the simulation", [Problem(where="a fault", what=str(error))]) from None


def _workers(workers: int | None) -> int | None:
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: is {workers}. Give 1 or more, or None for no limit.")
    return workers


def _limit(name: str, seconds: float | None, otherwise: str) -> float | None:
    if seconds is not None and not seconds > 0:
        raise ConfigError(f"{name}: is {seconds:g}. Give more than 0, or None for no limit but {otherwise}.")
    return seconds
