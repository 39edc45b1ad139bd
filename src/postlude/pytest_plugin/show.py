"""A finished run as text: what failed tests and failed checks show."""

from pathlib import Path
from typing import Final

from postlude.cli.rows import plain, rows
from postlude.cli.tree import tree_of
from postlude.cli.verdict import root_cause, verdict
from postlude.executors.process.log import read_log
from postlude.spec.types import Json

_TREE_ROWS_MAX: Final = 200
_LOG_LINES_MAX: Final = 30


def tree_and_verdict(document: Json) -> str:
    """The tree of a run and the verdict on it."""
    drawn = rows(tree_of(document), limit=_TREE_ROWS_MAX)
    return "\n".join(plain(row) for row in (*drawn, (), *verdict(document, hints=False)))


def last_words(document: Json) -> str:
    """What the task that failed first wrote last; "" where nothing failed or nothing was written."""
    cause = root_cause(document["tasks"])
    if cause is None or not cause["log"] or not Path(cause["log"]).exists():
        return ""
    lines = [plain(((line.text, ""),)) for line in read_log(Path(cause["log"]))][-_LOG_LINES_MAX:]
    return "\n".join([f"The log of {cause['path']} ends:", *(f"  {line}" for line in lines)]) if lines else ""
