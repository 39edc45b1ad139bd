"""Go on with a stored run: fold its journal, and see what the engine that drove it left undone."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from postlude.core import retry
from postlude.core.run import LOST
from postlude.core.run_state import Run
from postlude.core.task import Command, Event, Lost, SetDeadline, Start, State, Task
from postlude.ports.journal import Journal, StoreError
from postlude.runtime.record import decode_event, decode_settings, digests_in, replay
from postlude.runtime.values import Values
from postlude.spec.load import load
from postlude.spec.problem import SpecError
from postlude.spec.types import Json

Found = TypeVar("Found")


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """A run as its journal left it.

    Attributes:
        next: The number of its next event.
        values: The large values that its journal refers to.
    """

    run: Run
    next: int
    values: Values


def recover(journal: Journal, run_id: str) -> Recovered:
    """The run that its journal makes.

    Raises:
        StoreError: There is no such run, or what is stored of it cannot be read.
    """
    try:
        record = journal.record(run_id)
    except KeyError:
        raise StoreError(f"there is no run '{run_id}'; `postlude runs` lists them") from None
    pipeline = load([one for one in record.ir if one is not None], name=f"the stored pipeline of run {run_id}")
    entries, values = journal.events(run_id), Values()
    digests = {digest for found in _each(run_id, entries, digests_in) for digest in found}
    large = values.add_saved(journal.values(run_id, digests)) if digests else {}
    events = _each(run_id, entries, lambda entry: decode_event(entry, large))
    run = replay(pipeline, decode_settings(record.settings), events)
    return Recovered(run=run, next=len(entries), values=values)


def _each(run_id: str, entries: Sequence[Json], read: Callable[[Json], Found]) -> list[Found]:
    """What is read of each entry."""
    found = []
    for number, entry in enumerate(entries):
        try:
            found.append(read(entry))
        except (msgspec.ValidationError, SpecError) as error:
            remedy = "it was damaged, or written by a newer Postlude: restore the database, or upgrade"
            raise StoreError(f"run {run_id}: journal entry {number} cannot be read: {error}; {remedy}") from error
    return found


def lost(run: Run, at: float) -> list[Event]:
    """The attempts that were under way when the engine was lost: they count for nothing and run again."""
    return [Lost(path=task.path, attempt=task.attempt, at=at) for task in _asked(run) if task.state is State.RUNNING]


def owed(run: Run, at: float) -> list[Command]:
    """What was asked of the lost engine and may not have been done. Doing it twice is harmless.

    Args:
        run: The run as the lost engine left it.
        at: Now; what is left of a back-off is waited for.
    """
    starts = [_start(task, at) for task in _asked(run) if task.state is State.PENDING]
    return [*starts, *_deadlines(run)]


def _asked(run: Run) -> Iterator[Task]:
    return (task for task in run.tasks.values() if task.asked and not task.state.is_final)


def _start(task: Task, at: float) -> Start:
    if not task.history or task.history[-1].error == LOST:
        return Start(path=task.path, attempt=task.attempt)
    due = task.history[-1].ended_at + (retry.wait_s(task.retry, task.attempt - task.uncounted - 1) or 0.0)
    return Start(path=task.path, attempt=task.attempt, wait_s=max(0.0, due - at))


def _deadlines(run: Run) -> Iterator[SetDeadline]:
    for task in run.tasks.values():
        if task.deadline is not None and not task.state.is_final:
            yield SetDeadline(path=task.path, at=task.deadline)
