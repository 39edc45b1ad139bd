"""The environments of components that need packages the interpreter does not have.

An environment is a directory under a key: everything that decides what is in it. It is built beside its place and then
renamed, so that it is there whole or not at all. Two locks stand beside it: `build` is held by whoever builds it, and
`use`, shared, by whoever builds or uses it, so that nobody removes it meanwhile.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import msgspec
from msgspec.structs import asdict

from postlude.executors.process.credentials import redacted
from postlude.executors.process.environment_record import READY, record_of, wanted, write_record
from postlude.executors.process.installer import Parent, sources, steps
from postlude.executors.process.locks import locked, locked_at_once
from postlude.executors.process.pip_install import Install
from postlude.executors.process.shelf import build_lock, touch_use, use_lock
from postlude.executors.process.uv import note, run_uv
from postlude.executors.process.variables import for_installer, that_choose_packages

_KEY_CHARACTERS = 24
_SAID_CHARACTERS = 60


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter that can be used.

    Attributes:
        python: Its executable.
        build: Tells apart what was built at one place one after the other; "" for an interpreter that was there.
    """

    python: str
    build: str = ""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that waits for its environment.

    Attributes:
        log: Receives what the installer says.
        gave_up: Waits so many seconds; whether the wait is to end without an environment.
        tell: Hears what is being done, "" once it is done.
    """

    log: Path
    gave_up: Callable[[float], bool]
    tell: Callable[[str], None]


class Environments(msgspec.Struct, frozen=True, kw_only=True):
    """The environments under one directory, each built once, by whoever asks first, for every process that uses it.

    Attributes:
        home: The directory.
        variables: The engine's environment; the installer gets a part of it.
        offline: Whether nothing may be fetched: packages then come from uv's cache or from directories.
    """

    home: Path
    variables: Mapping[str, str]
    offline: bool = False

    @contextmanager
    def used(self, parent: Parent, install: Install, waiting: Patience) -> Iterator[Environment]:
        """The environment that has what `install` names, built if need be; it stays there until the end of the block.

        Args:
            parent: What it stands on.
            install: What it holds; `install.kfp` is None where the parent's SDK serves.
            waiting: Who asks.

        Raises:
            CannotBuildError: The packages cannot be installed.
            GaveUpError: `waiting.gave_up` said so.
            OSError: The directory cannot be written.
        """
        env = for_installer(self.variables) | sources(install)
        key = _key(parent, install, env)
        use_lock(self.home, key).parent.mkdir(parents=True, exist_ok=True)
        with locked(use_lock(self.home, key), waiting.gave_up, shared=True):
            folder = self.home / key
            if not (folder / READY).exists():
                self._build_once(key, parent, install, env, waiting)
            touch_use(self.home, key)
            yield Environment(python=str(folder / "bin" / "python"), build=_build_of(folder))
            touch_use(self.home, key)

    def _build_once(
        self, key: str, parent: Parent, install: Install, env: Mapping[str, str], waiting: Patience
    ) -> None:
        lock, names = build_lock(self.home, key), _named(install)
        try:
            with locked_at_once(lock) as free:
                if free:
                    return self._build_if_missing(key, parent, install, env, waiting)
            _say(waiting, f"waiting for {names}, which another task or run installs")
            with locked(lock, waiting.gave_up):
                return self._build_if_missing(key, parent, install, env, waiting)
        finally:
            waiting.tell("")

    def _build_if_missing(
        self, key: str, parent: Parent, install: Install, env: Mapping[str, str], waiting: Patience
    ) -> None:
        if (self.home / key / READY).exists():
            return
        _say(waiting, f"installing {_named(install)}")
        self._clear_away(key)
        partial = self.home / f"{key}.partial-{token_hex(4)}"
        try:
            for arguments in steps(partial, parent, install, offline=self.offline):
                run_uv(arguments, env=env, log=waiting.log, gave_up=waiting.gave_up, offline=self.offline)
            _show_parent(_site(partial, parent), parent)
            write_record(partial, record_of(parent, install, _site(partial, parent), time.time()))
            partial.rename(self.home / key)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _clear_away(self, key: str) -> None:
        """Remove what builds that were cut short have left, and what is no environment any more."""
        for left in [self.home / key, *self.home.glob(f"{key}.partial*")]:
            shutil.rmtree(left, ignore_errors=True)


def _key(parent: Parent, install: Install, env: Mapping[str, str]) -> str:
    """What names the environment: a new password for an index makes no other environment."""
    content = json.dumps([asdict(parent), asdict(install), that_choose_packages(env)], sort_keys=True)
    return hashlib.sha256(redacted(content).encode()).hexdigest()[:_KEY_CHARACTERS]


def _build_of(folder: Path) -> str:
    state = (folder / READY).stat()
    return f"{state.st_ino}-{state.st_mtime_ns}"


def _say(waiting: Patience, text: str) -> None:
    waiting.tell(text)
    note(waiting.log, text)


def _named(install: Install) -> str:
    """The packages, as many as one looks at."""
    text = redacted(", ".join(wanted(install)))
    return text if len(text) <= _SAID_CHARACTERS else f"{text[: _SAID_CHARACTERS - 1]}…"


def _site(folder: Path, parent: Parent) -> Path:
    minor = ".".join(parent.version.split(".")[:2])
    return folder / "lib" / f"python{minor}" / "site-packages"


def _show_parent(site: Path, parent: Parent) -> None:
    """Make the parent's packages importable where the environment has none of that name."""
    lines = [f"import site; site.addsitedir({directory!r})\n" for directory in parent.site]
    (site / "zz-parent.pth").write_text("".join(lines))
