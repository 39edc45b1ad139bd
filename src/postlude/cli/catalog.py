"""Stored runs, as the read-only commands ask for them."""

from pathlib import Path

from postlude.spec.problem import ConfigError
from postlude.spec.types import Json
from postlude.wiring import open_catalog


def stored_run(home: Path | None, run: str) -> Json:
    """The document of the run whose id starts with `run`, of the newest run where that is "".

    Raises:
        ConfigError: There is no such run, or there are several; the message says which.
    """
    try:
        return open_catalog(home).run(run)
    except LookupError as error:
        raise ConfigError(str(error.args[0] if error.args else error)) from error
