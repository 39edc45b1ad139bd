"""Does something for many things at once; where one fails, the others stop."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from typing import TypeVar

from postlude.ports.stop import Stop, StoppedError

Item = TypeVar("Item")
Made = TypeVar("Made")


def all_of(pool: Executor, work: Callable[[Item, Stop], Made], items: Iterable[Item], stop: Stop) -> list[Made]:
    """What the work makes of each, in order. When this returns or raises, none of it goes on.

    Raises:
        StoppedError: Nobody wants it any more.
        Exception: Whatever the work raised first in the order of the items.
    """
    stop.check()
    ours = Stop()
    futures = [pool.submit(work, item, ours) for item in items]

    def drop() -> None:
        for future in futures:
            future.cancel()

    def look(future: Future[Made]) -> None:
        if not future.cancelled() and future.exception() is not None:
            ours.ask()

    with stop.interrupting(ours.ask), ours.interrupting(drop):
        for future in futures:
            future.add_done_callback(look)
        return _made([_ended(future) for future in futures], futures)


def _ended(future: Future[Made]) -> BaseException | None:
    """How it ended, once it has."""
    try:
        return future.exception()
    except CancelledError:
        return StoppedError()


def _made(faults: Sequence[BaseException | None], futures: Sequence[Future[Made]]) -> list[Made]:
    """The results, or the fault for which the others stopped."""
    found = [fault for fault in faults if fault is not None]
    if found:
        raise next((fault for fault in found if not isinstance(fault, StoppedError)), found[0])
    return [future.result() for future in futures]
