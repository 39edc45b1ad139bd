"""A run's journal as people read it, and as it grows."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from postlude.cli.rows import Row
from postlude.cli.words import first_line, wall_time
from postlude.core.task import Code
from postlude.ports.journal import Journal
from postlude.spec.types import Json

RUN_ITSELF: Final = "(run)"
_LOOK_EVERY_S: Final = 0.25


def entries(journal: Journal, run_id: str, *, first: int = 0) -> Iterator[tuple[int, Json]]:
    """The journal's entries from number `first` on, with their numbers."""
    return enumerate(journal.events(run_id, first=first), start=first)


def follow(
    journal: Journal, run_id: str, *, first: int = 0, idle: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Json]]:
    """As `entries`, and then what is added until the run is final.

    Args:
        journal: Where the run is.
        run_id: The run.
        first: The number of the first entry to give.
        idle: Called whenever there is nothing new; may raise to end the wait.
    """
    while True:
        final = run_id not in journal.unfinished()
        found = list(entries(journal, run_id, first=first))
        yield from found
        first += len(found)
        if final:
            return
        if not found:
            idle()
            time.sleep(_LOOK_EVERY_S)


def row(entry: Json) -> Row:
    """A journal entry as a line: time, path, what happened."""
    path = entry.get("path", "") or RUN_ITSELF
    say = _SAYINGS.get(entry.get("type"), _unknown)
    return (wall_time(entry["at"]), "dim"), (f" {path} ", ""), (say(entry), "")


def _started(entry: Json) -> str:
    return f"attempt {entry['attempt']} started"


def _succeeded(entry: Json) -> str:
    return f"attempt {entry['attempt']} succeeded{', served from the cache' if entry.get('cached') else ''}"


def _failed(entry: Json) -> str:
    return f"attempt {entry['attempt']} failed: {_cause(entry['error'])}"


def _refused(entry: Json) -> str:
    return f"attempt {entry['attempt']} cannot be made here: {_cause(entry['error'])}"


def _cause(error: Json) -> str:
    code = f"{error['code']} {Code(error['code']).name}" if error["code"] in set(Code) else str(error["code"])
    return f"{code}: {first_line(error['message'])}"


def _lost(entry: Json) -> str:
    return f"attempt {entry['attempt']} was lost with its engine"


def _canceled(entry: Json) -> str:
    what = "stop requested: running tasks may finish" if entry.get("let_finish") else "cancel requested"
    if entry.get("force"):
        return f"{what}: exit tasks are stopped too"
    return what if entry.get("exit_tasks", True) else f"{what}: exit tasks do not run"


def _late(_entry: Json) -> str:
    return "its time is up"


def _retried(entry: Json) -> str:
    return f"retry requested{_again(entry)}"


def _revised(entry: Json) -> str:
    return f"retry with another pipeline requested{_again(entry)}"


def _again(entry: Json) -> str:
    return f", from {', '.join(entry['tasks'])}" if entry.get("tasks") else ""


def _unknown(entry: Json) -> str:
    return str(entry.get("type"))


_SAYINGS: Final[Mapping[Json, Callable[[Json], str]]] = {
    "started": _started,
    "succeeded": _succeeded,
    "succeeded_with_values": _succeeded,
    "failed": _failed,
    "refused": _refused,
    "lost": _lost,
    "cancel_requested": _canceled,
    "deadline_passed": _late,
    "retry_requested": _retried,
    "pipeline_revised": _revised,
}
