"""What a simulation assumes: what goes wrong, what tasks produce, how long they take."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from postlude.core.run_state import FailurePolicy, Run, StatusWords
from postlude.core.task import Outputs, Task, TaskError
from postlude.runtime.faults import Fault
from postlude.spec.paths import covers
from postlude.spec.types import Json


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """What a program writes to the file of an output parameter, to be read as the declared type."""

    text: str


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What a task produces.

    Attributes:
        path: Of a leaf task; "[*]" stands for any iteration.
        name: The output.
        value: A value or `Text` for a parameter, None for one that is not written; a URI for an artifact.
    """

    path: str
    name: str
    value: Json | Text


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation assumes.

    Attributes:
        faults: What goes wrong.
        products: What tasks produce; the last word on an output counts. Everything else is made up.
        cancel_at: Path of a leaf task; the run is canceled as soon as it has started. "" where it is not.
        workers: Attempts at a time; None for no limit.
        perform: Does an attempt's work in place of the simulation; gives None for tasks that are none of its. A fault
            that ends the attempt comes before it.
        duration_s: Virtual seconds that an attempt takes, or its time limit where that is shorter.
        timeout_s, exit_timeout_s, exit_tasks_on_cancel: As for real runs; the time is virtual.
    """

    faults: Sequence[Fault] = ()
    products: Sequence[Product] = ()
    cancel_at: str = ""
    workers: int | None = None
    perform: Callable[[Run, Task], Outputs | TaskError | None] = lambda _run, _task: None
    duration_s: float = 1.0
    failure_policy: FailurePolicy = FailurePolicy.SLOW
    status_words: StatusWords = StatusWords.KFP
    timeout_s: float | None = None
    exit_timeout_s: float | None = None
    exit_tasks_on_cancel: bool = True


class Products:
    """The products of a scenario, found by path without looking at each."""

    def __init__(self, products: Sequence[Product]) -> None:
        self._exact: dict[str, dict[str, Json | Text]] = {}
        self._patterns: list[Product] = []
        for product in products:
            if "[*]" in product.path:
                self._patterns.append(product)
            else:
                self._exact.setdefault(product.path, {})[product.name] = product.value

    def of(self, path: str) -> Mapping[str, Json | Text]:
        """What the task at `path` produces, by output; a path of its own counts more than "[*]"."""
        if not self._patterns:
            return self._exact.get(path, {})
        return {**dict(self._matching(path)), **self._exact.get(path, {})}

    def _matching(self, path: str) -> Iterator[tuple[str, Json | Text]]:
        return ((one.name, one.value) for one in self._patterns if covers(one.path, path))
