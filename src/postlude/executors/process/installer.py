"""How uv is asked to build an environment, and what it says when it cannot."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from postlude.executors.process.exits import one_line
from postlude.executors.process.pip_install import Install


class CannotBuildError(Exception):
    """The environment cannot be had; the message says why and what to do."""


_BESIDE_THE_POINT = ("Using Python", "Resolved", "Building", "warning:", "[stderr]", "Traceback", 'File "')


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """The interpreter that environments stand on.

    Attributes:
        python: Its executable.
        version: Its full version.
        site: Its site directories, which stay visible below an environment's own.
    """

    python: str
    version: str
    site: tuple[str, ...]


def steps(folder: Path, parent: Parent, install: Install, *, offline: bool = False) -> Iterator[list[str]]:
    """What uv is asked to do, in order."""
    network = ["--offline"] if offline else []
    yield ["venv", "--quiet", "--no-project", "--relocatable", *network, "--python", parent.python, str(folder)]
    wanted = list(install.packages)
    pip = ["pip", "install", "--no-progress", *network, "--python", str(folder / "bin" / "python"), *_options(install)]
    if install.kfp is not None and install.kfp_alone:
        yield [*pip, "--no-deps", "--", install.kfp]
    elif install.kfp is not None:
        wanted.append(install.kfp)
    if wanted:
        yield [*pip, "--", *wanted]


def sources(install: Install) -> dict[str, str]:
    """Where to look for packages, as variables for uv: what stands in a command line is there for everybody to read."""
    main, *extra = install.index_urls or ("",)
    hosts = [host for host in map(_host, install.trusted_hosts) if host]
    found = {
        "UV_DEFAULT_INDEX": main,
        "UV_INDEX": " ".join(extra),
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",  # pip takes the best version of all indexes
        "UV_INSECURE_HOST": " ".join(hosts),
    }
    return {name: value for name, value in found.items() if value}


def _options(install: Install) -> list[str]:
    """What else the component's own options for pip mean to uv."""
    options = [f"--find-links={place}" for place in install.find_links]
    return options + (["--prerelease=allow"] if install.prereleases else [])


def _host(trusted: str) -> str:
    """The host to trust; the SDK gives whole URLs unless the author names hosts. A local directory has none."""
    return urlsplit(trusted).netloc.rpartition("@")[2] if "://" in trusted else trusted


def uv_binary() -> str:
    """Where uv is: beside its Python package, or on PATH.

    Raises:
        CannotBuildError: It is nowhere.
    """
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - needed only where something is installed

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise CannotBuildError("cannot install the component's packages: uv was not found: run `pip install uv`")
    return found


def last_words(said: str) -> str:
    """What uv gave as the reason, without its drawing, and without the calls that led to an exception."""
    lines = [line.encode("ascii", "ignore").decode().strip() for line in said.splitlines()]
    reason = [line for line in lines if line and not line.startswith(_BESIDE_THE_POINT)]
    return one_line(" ".join(reason)) or "uv said nothing"
