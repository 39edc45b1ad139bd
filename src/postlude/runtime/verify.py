"""Whether what is stored of a run is what its journal makes of it."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from postlude.core.resolve import resolve
from postlude.core.run_state import Run
from postlude.core.task import Inputs, Task
from postlude.ports.journal import Catalog, Journal
from postlude.runtime.document import TaskFacts, exit_of, run_document, task_document
from postlude.runtime.recover import Recovered, recover
from postlude.spec.types import FinalStatusOf, Json

_ABSENT: Final = object()
_PLACES: Final = ("order", "log")
"""Of a task's document: where it is listed and where its log is, which the journal does not say."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the two disagree.

    Attributes:
        where: The task's path ("" for the run) and the place in its document: "train: state".
        stored: What is stored there, as JSON text; "nothing" where there is nothing.
        journal: What the journal makes of it, likewise.
    """

    where: str
    stored: str
    journal: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared, and what did not agree."""

    run_id: str
    state: str
    events: int
    tasks: int
    payloads: int
    differences: tuple[Difference, ...]


def verify(journal: Journal, catalog: Catalog, run_id: str) -> Verification:
    """Fold the journal of a run again and compare: the run's document, each task's, and what exit tasks were told.

    Raises:
        StoreError: The journal or the documents cannot be read.
        LookupError: There is no such run, or it never took a step.
    """
    folded = recover(journal, run_id)
    document = catalog.run(run_id)
    tasks = {task["path"]: task for task in document.pop("tasks")}
    shown = folded.values.shown
    payloads = list(_payloads(folded.run))
    return Verification(
        run_id=folded.run.run_id,
        state=folded.run.state.value,
        events=folded.next,
        tasks=len(tasks),
        payloads=len(payloads),
        differences=(
            *_compared("(run)", document, _plain(run_document(folded.run, shown))),
            *_tasks(tasks, folded),
            *(found for task, names in payloads for found in _told(tasks.get(task.path), folded, task, names)),
        ),
    )


# --- tasks ------------------------------------------------------------------------------------------------------------


def _tasks(stored: Mapping[str, Json], folded: Recovered) -> Iterator[Difference]:
    made = {task.path: task for task in folded.run.tasks.values() if task.path}
    for path in sorted({*stored, *made}):
        task = made.get(path)  # type: ignore[call-overload]  # a path that is stored may be any text
        expected = _ABSENT if task is None else _document(folded, task)
        yield from _compared(path, _without_places(stored[path]) if path in stored else _ABSENT, expected)


def _document(folded: Recovered, task: Task) -> Json:
    document = task_document(task, TaskFacts(exit_of=exit_of(folded.run, task), shown=folded.values.shown))
    return _without_places(_plain(document))


def _without_places(document: Json) -> Json:
    return {key: value for key, value in document.items() if key not in _PLACES}


# --- what exit tasks were told ----------------------------------------------------------------------------------------


def _payloads(run: Run) -> Iterator[tuple[Task, list[str]]]:
    """The tasks that were given a final status, and the inputs that hold it."""
    for task in run.tasks.values():
        bound = task.spec.inputs.parameters.items() if task.index is None else ()
        names = [name for name, binding in bound if isinstance(binding.source, FinalStatusOf)]
        given = [name for name in names if name in task.inputs.parameters]
        if given:
            yield task, given


def _told(stored: Json | None, folded: Recovered, task: Task, names: list[str]) -> Iterator[Difference]:
    """Where a stored payload is not what the final state of its group says now."""
    now = resolve(folded.run, task)
    if stored is None or not isinstance(now, Inputs):
        return
    given = stored["inputs"]["parameters"]
    for name in names:
        where = f"{task.path}: payload {name}"
        yield from _compared(where, given.get(name, _ABSENT), _plain(folded.values.shown(now.parameters.get(name))))


# --- comparing --------------------------------------------------------------------------------------------------------


def _plain(document: Json) -> Json:
    """The document as it comes back from a store."""
    return json.loads(json.dumps(document), parse_constant=lambda _: None)  # stores keep no NaN


def _compared(where: str, stored: Json, made: Json) -> Iterator[Difference]:
    if isinstance(stored, Mapping) and isinstance(made, Mapping):
        for key in sorted({*stored, *made}):
            inner = f"{where}.{key}" if ": " in where else f"{where}: {key}"
            yield from _compared(inner, stored.get(key, _ABSENT), made.get(key, _ABSENT))
    elif stored != made:
        yield Difference(where=where, stored=_said(stored), journal=_said(made))


def _said(value: Json) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
