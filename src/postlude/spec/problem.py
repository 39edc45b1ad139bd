"""What can be wrong with a pipeline, said so that its author can mend it."""

from collections.abc import Sequence

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a document.

    Attributes:
        where: Path in the document, "$.root.dag.tasks.train.componentRef.name".
        what: What was found there, and what to do about it.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class SpecError(Exception):
    """The author's document cannot be run; every problem is listed at once."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        super().__init__("\n".join([f"{source} has {count}:", *(f"  {problem}" for problem in self.problems)]))


class ConfigError(Exception):
    """The operator's request or machine cannot serve the run; the message says what to do."""
