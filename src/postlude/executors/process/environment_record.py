"""What is written beside an environment that is ready."""

import os
from pathlib import Path
from typing import Final

import msgspec

from postlude.executors.process.credentials import redacted
from postlude.executors.process.installer import Parent
from postlude.executors.process.pip_install import Install

READY: Final = "postlude-ready.json"
"""The file that holds it: a directory without it is no environment."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment is. No credentials are in it.

    Attributes:
        python: The full version of its Python.
        parent: The interpreter that it stands on.
        packages: What was asked for, as the component names it.
        index_urls: Where the component says that packages are, the main index first.
        installed: What is in it: "name==version", sorted.
        built_at: Seconds since the epoch.
    """

    python: str = ""
    parent: str = ""
    packages: tuple[str, ...] = ()
    index_urls: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    built_at: float = 0.0


def record_of(parent: Parent, install: Install, site: Path, built_at: float) -> Record:
    """The record of an environment whose packages are in the directory `site`."""
    from importlib.metadata import distributions  # noqa: PLC0415 - costs what most runs need not pay

    found = {f"{one.name}=={one.version}" for one in distributions(path=[str(site)])}
    return Record(
        python=parent.version,
        parent=parent.python,
        packages=tuple(redacted(text) for text in wanted(install)),
        index_urls=tuple(redacted(url) for url in install.index_urls),
        installed=tuple(sorted(found, key=str.lower)),
        built_at=built_at,
    )


def wanted(install: Install) -> tuple[str, ...]:
    """All requirements, the SDK's last."""
    return (*install.packages, *([install.kfp] if install.kfp else []))


def write_record(folder: Path, record: Record) -> None:
    """Write the record, and with it say that the environment in the folder is ready.

    Raises:
        OSError: It cannot be written.
    """
    with (folder / READY).open("wb") as file:
        file.write(msgspec.json.encode(record))
        file.flush()
        os.fsync(file.fileno())


def read_record(folder: Path) -> Record | None:
    """The record of the environment in a folder, None where none is ready there."""
    try:
        return msgspec.json.decode((folder / READY).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None
