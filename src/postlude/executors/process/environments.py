"""Builds the environments of components that need packages the interpreter does not have."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from postlude.executors.process.installer import CannotBuildError, Parent, last_words, steps, uv_binary
from postlude.executors.process.pip_install import Install
from postlude.executors.process.supervisor.logfile import LogFile
from postlude.executors.process.variables import for_installer
from postlude.spec.values import dataclass

_READY = "postlude-ready.json"
_POLL_S = 0.02
_KEY_CHARACTERS = 24


class GaveUpError(Exception):
    """Nobody waits for the environment any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The environments under one directory, each built once, by whoever asks first, for every process that uses it.

    Attributes:
        variables: The engine's environment; the installer gets a part of it.
    """

    home: Path
    variables: Mapping[str, str]

    def python(self, parent: Parent, install: Install, *, log: Path, gave_up: Callable[[float], bool]) -> str:
        """The executable of the environment that has what `install` names, built if need be.

        Args:
            parent: What it stands on.
            install: What it holds; `install.kfp` is None where the parent's SDK serves.
            log: Receives what the installer says.
            gave_up: Waits so many seconds; whether the wait is to end without an environment.

        Raises:
            CannotBuildError: The packages cannot be installed.
            GaveUpError: `gave_up` said so.
        """
        key = _key(parent, install)
        folder = self.home / key
        if not (folder / _READY).exists():
            self.home.mkdir(parents=True, exist_ok=True)
            with _locked(self.home / f"{key}.lock", gave_up):
                if not (folder / _READY).exists():
                    self._build(folder, parent, install, log, gave_up)
        return str(folder / "bin" / "python")

    def _build(
        self, folder: Path, parent: Parent, install: Install, log: Path, gave_up: Callable[[float], bool]
    ) -> None:
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            for arguments in steps(partial, parent, install):
                self._uv(arguments, log, gave_up)
            _show_parent(partial, parent)
            (partial / _READY).write_text(json.dumps({"parent": asdict(parent), "install": asdict(install)}))
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _uv(self, arguments: Sequence[str], log: Path, gave_up: Callable[[float], bool]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        words = log.with_name(f"{log.name}.uv")
        try:
            with words.open("wb") as output:
                process = subprocess.Popen(  # noqa: S603 - a list, no shell
                    [uv_binary(), *arguments],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    env=for_installer(self.variables), cwd=self.home, start_new_session=True,
                )  # fmt: skip
                _wait(process, gave_up)
            if process.returncode != 0:
                said = words.read_text("utf-8", "replace")
                raise CannotBuildError(f"cannot install the component's packages: {last_words(said)}")
        finally:
            _keep(words, log)


def _key(parent: Parent, install: Install) -> str:
    content = json.dumps([asdict(parent), asdict(install)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:_KEY_CHARACTERS]


@contextmanager
def _locked(path: Path, gave_up: Callable[[float], bool]) -> Iterator[None]:
    """Hold the lock on a file; the system frees it when its holder dies."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if gave_up(_POLL_S):
                    raise GaveUpError from None
        yield


def _show_parent(folder: Path, parent: Parent) -> None:
    """Make the parent's packages importable where the environment has none of that name."""
    minor = ".".join(parent.version.split(".")[:2])
    site = folder / "lib" / f"python{minor}" / "site-packages"
    lines = [f"import site; site.addsitedir({directory!r})\n" for directory in parent.site]
    (site / "zz-parent.pth").write_text("".join(lines))


def _wait(process: subprocess.Popen[bytes], gave_up: Callable[[float], bool]) -> None:
    while process.poll() is None:
        if gave_up(_POLL_S):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise GaveUpError


def _keep(words: Path, log: Path) -> None:
    """Move what uv said into the attempt's log."""
    file = LogFile(str(log))
    with suppress(FileNotFoundError):
        file.write("stderr", words.read_bytes())
        words.unlink()
    file.close()
