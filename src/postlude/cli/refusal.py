"""How errors leave the command line."""

import traceback
from typing import Any, Final, TextIO

import click

from postlude.ports.journal import StoreError
from postlude.spec.problem import ConfigError, SpecError

REFUSED: Final = 2
BUG: Final = 70
"""sysexits' EX_SOFTWARE: not 1, which says that a run FAILED."""


class Refusal(click.ClickException):
    """The request or the document cannot be served; the text says what to do."""

    exit_code = REFUSED

    def show(self, file: TextIO | Any | None = None) -> None:
        click.echo(self.message, file=file, err=True)


class Bug(click.ClickException):
    """Something of ours is wrong; the traceback is what its report needs."""

    exit_code = BUG

    def show(self, file: TextIO | Any | None = None) -> None:
        click.echo(
            f"{self.message}\nThis is a bug in Postlude: please report it with the text above.", file=file, err=True
        )


def shown(error: Exception) -> click.ClickException:
    """What the command line makes of an error that a command did not catch."""
    if isinstance(error, SpecError | ConfigError | StoreError):
        return Refusal(str(error))
    return Bug("".join(traceback.format_exception(error)).rstrip())
