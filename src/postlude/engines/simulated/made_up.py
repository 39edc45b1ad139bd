"""Which made-up values decided where a simulated run went."""

from collections.abc import Iterator

import msgspec

from postlude.core.conform import preview
from postlude.core.origin import Origin, items_origin, operands, origin
from postlude.core.run_state import Run
from postlude.core.task import Kind, State, Task
from postlude.engines.simulated.scenario import Products, Scenario
from postlude.spec.paths import pattern_of


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A condition or a loop that a made-up value decided.

    Attributes:
        path: Of the group or loop, with "[*]" for iterations.
        outcome: "taken", "not taken", or how many iterations.
        output: The output that was made up: "check.out".
        value: What it was made up to be, as short JSON.
    """

    path: str
    outcome: str
    output: str
    value: str

    def __str__(self) -> str:
        hint = f"set it with --output {self.output}=VALUE"
        return f"{self.path} {self.outcome}: {self.output} is {self.value}, made up; {hint}"


def decisions(run: Run, scenario: Scenario) -> list[Decision]:
    """What made-up values decided, each thing once, in the order of the run."""
    products = Products(scenario.products)
    asked = sorted(
        (task for task in run.tasks.values() if task.spec.trigger.condition is not None or task.kind is Kind.LOOP),
        key=lambda task: task.started_order,
    )
    return list(dict.fromkeys(found for task in asked for found in _of(run, task, products)))


def _of(run: Run, task: Task, products: Products) -> Iterator[Decision]:
    taken = "was not taken" if task.state is State.SKIPPED else "was taken"
    for name in operands(task):
        yield from _decision(task, taken, origin(run, task, name), products)
    if task.kind is Kind.LOOP and task.entered:
        count = f"has {task.size} iteration{'s' if task.size != 1 else ''}"
        yield from _decision(task, count, items_origin(run, task), products)


def _decision(task: Task, outcome: str, source: Origin | None, products: Products) -> Iterator[Decision]:
    if source is None or source.output in products.of(source.task.path):
        return
    output = f"{pattern_of(source.task.path)}.{source.output}"
    if source.output in source.task.outputs.parameters:
        value = preview(source.task.outputs.parameters[source.output])
        yield Decision(path=pattern_of(task.path), outcome=outcome, output=output, value=value)
