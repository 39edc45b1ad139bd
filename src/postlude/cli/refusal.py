"""How errors leave the command line."""

import errno
import traceback
from typing import Any, Final, TextIO

import click

from postlude.cli.visible import visible
from postlude.ports.journal import StoreError
from postlude.spec.problem import ConfigError, SpecError

REFUSED: Final = 2
BUG: Final = 70
"""sysexits' EX_SOFTWARE: not 1, which says that a run FAILED."""
_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""A disk that is full, a terminal that is gone."""


class Refusal(click.ClickException):
    """The request or the document cannot be served; the text says what to do."""

    exit_code = REFUSED

    def show(self, file: TextIO | Any | None = None) -> None:
        click.echo(visible(self.message), file=file, err=True)


class Bug(click.ClickException):
    """Something of ours is wrong; the traceback is what its report needs."""

    exit_code = BUG

    def show(self, file: TextIO | Any | None = None) -> None:
        click.echo(
            f"{visible(self.message)}\nThis is a bug in Postlude: please report it with the text above.",
            file=file,
            err=True,
        )


def shown(error: Exception) -> click.ClickException:
    """What the command line makes of an error that a command did not catch."""
    if isinstance(error, SpecError | ConfigError | StoreError):
        return Refusal(str(error))
    if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None:
        return Refusal(f"standard output cannot be written: {error.strerror}.")
    return Bug("".join(traceback.format_exception(error)).rstrip())
