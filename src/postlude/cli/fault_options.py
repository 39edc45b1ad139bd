"""The options that say what goes wrong and what is assumed, for simulations and for real runs."""

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from postlude.runtime.faults import FaultKind

FAIL: Final = click.option(
    "--fail",
    multiple=True,
    metavar="PATH[@ATTEMPT][=MESSAGE]",
    help="Let this task fail. loop[*]/task is every iteration. Repeatable, as are the options like it.",
)
KILL: Final = click.option(
    "--kill", multiple=True, metavar="PATH[@ATTEMPT]", help="Kill this task's process as soon as it runs."
)
DELAY: Final = click.option(
    "--delay", multiple=True, metavar="PATH[@ATTEMPT]=SECONDS", help="Let this task start so much later."
)
OUTPUT: Final = click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="PATH.NAME=VALUE",
    help="What a task produces: a parameter as a program writes it to a file, an artifact's URI. Else made up.",
)


def fault_texts(**given: tuple[str, ...]) -> "dict[FaultKind, tuple[str, ...]]":
    """What was given for each kind of fault; the keywords are the kinds."""
    from postlude.runtime.faults import FaultKind  # noqa: PLC0415 - a run has these options, and mostly no use for them

    return {FaultKind(kind): texts for kind, texts in given.items()}
