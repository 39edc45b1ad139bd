"""How a component's variables reach its container without ever being arguments that other users can read."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from postlude.spec.types import NOTHING

_FILE_NAME: Final = "container.env"
_LONGEST_LINE: Final = 16_000
"""Characters. The engines read lines of 64 KiB at most, and a character takes up to four bytes."""


class EnvironmentVariableError(Exception):
    """A variable cannot be passed to a container; the message says why."""


class Variables(msgspec.Struct, frozen=True, kw_only=True):
    """Variables on their way into a container.

    Attributes:
        options: What `run` is given: names and a file, never a value.
        inherited: Variables the engine's client must have itself, since it passes them on by name.
    """

    options: tuple[str, ...] = ()
    inherited: Mapping[str, str] = NOTHING


@contextmanager
def variables(env: Mapping[str, str], directory: Path, *, client_env: Mapping[str, str]) -> Iterator[Variables]:
    """Lay out the variables for one `run`, in a file of `directory` that only this user can read; removed afterwards.

    The file's format has one line a variable and both engines refuse long lines, so other values go through the
    client's own environment.

    Args:
        env: The component's variables.
        directory: The attempt's private directory.
        client_env: What the client runs with; its own variables are never replaced by a component's.

    Raises:
        EnvironmentVariableError: A name or a value cannot be passed on.
    """
    for name, value in env.items():
        _check(name, value, client_env)
    unfit = {name: value for name, value in env.items() if _unfit_for_file(value)}
    plain = {name: value for name, value in env.items() if name not in unfit}
    file = directory / _FILE_NAME
    try:
        _write_private(file, "".join(f"{name}={value}\n" for name, value in plain.items()))
        yield Variables(options=("--env-file", str(file), *(f"--env={name}" for name in unfit)), inherited=unfit)
    finally:
        file.unlink(missing_ok=True)


def _unfit_for_file(value: str) -> bool:
    return "\n" in value or "\r" in value or len(value) > _LONGEST_LINE


def _check(name: str, value: str, client_env: Mapping[str, str]) -> None:
    where = f"environment variable '{name}'"
    if not name or name[0] == "#" or any(char.isspace() or char in "=\0" for char in name):
        raise EnvironmentVariableError(f"{where}: not a name that a container can have. Use letters, digits and '_'")
    if "\0" in value:
        raise EnvironmentVariableError(f"{where}: its value holds a NUL character. Encode it, for example as base64")
    if _unfit_for_file(value) and name in client_env:
        raise EnvironmentVariableError(
            f"{where}: its value is long or holds a line break, and the engine's client has a variable of that name. "
            "Give it another name"
        )


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(text)
