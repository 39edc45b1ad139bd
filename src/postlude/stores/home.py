"""Where Postlude keeps its files on this machine."""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from postlude.core.task import TaskPath
from postlude.spec.problem import ConfigError

_NAME_BYTES: Final = 200
"""File systems allow 255; suffixes that programs add to a name need room too."""
# Lower case only: "Train" and "train" are one directory on a Mac.
_PLAIN: Final = re.compile(r"[a-z0-9_-][a-z0-9._-]*")
_ITERATION: Final = re.compile(r"(?P<loop>.+)\[(?P<index>\d+)\]", re.DOTALL)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The layout of Postlude's own directory.

    Attributes:
        root: An absolute path.
    """

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "postlude.db"

    @property
    def runs(self) -> Path:
        """A directory for each run."""
        return self.root / "runs"

    @property
    def artifacts(self) -> Path:
        """The bytes that tasks made."""
        return self.root / "artifacts"

    @property
    def environments(self) -> Path:
        """The Python environments of components that install packages."""
        return self.root / "environments"

    @property
    def cache(self) -> Path:
        """What can be made again, such as parsed pipelines: safe to delete."""
        return self.root / "cache"

    def run_directory(self, run_id: str) -> Path:
        """The run's own directory."""
        return self.runs / safe_name(run_id)

    def task_directory(self, run_id: str, path: TaskPath, attempt: int) -> Path:
        """The private directory of one attempt: ".../tasks/exit-handler-1/for-loop-2/1/train/<attempt>".

        Different attempts have different directories, whatever the names, and all are inside the run's.
        """
        return _task_directory(str(self.root), run_id, path, attempt)

    def artifact_directory(self, run_id: str, path: TaskPath, attempt: int) -> Path:
        """Where the output artifacts of one attempt go; laid out like `task_directory`, and kept with the cache."""
        return Path(self.artifact_place(run_id, path, attempt))

    def artifact_place(self, run_id: str, path: TaskPath, attempt: int) -> str:
        """The same directory as text."""
        return "/".join((f"{self.root}", "artifacts", *artifact_names(run_id, path, attempt)))

    def workspace(self, run_id: str) -> Path:
        """The directory that the tasks of a run share, where the pipeline asks for one."""
        return self.run_directory(run_id) / "workspace"


@lru_cache(maxsize=1024)  # asked for when an attempt is documented and when it begins, some five times
def _task_directory(root: str, run_id: str, path: TaskPath, attempt: int) -> Path:
    return Path("/".join((root, "runs", safe_name(run_id), "tasks", *_directories(path), str(int(attempt)))))


def artifact_names(run_id: str, path: TaskPath, attempt: int) -> tuple[str, ...]:
    """The names of the directories that lead to the artifacts of one attempt, below the root of all."""
    return (safe_name(run_id), *_directories(path), str(int(attempt)))


def open_home(root: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Home:
    """Make the home ready: its directories and its database exist, and only their owner may look into them.

    Args:
        root: Where; None for `default_root`.
        environ: The process's variables where None.

    Raises:
        ConfigError: It cannot be created or written.
    """
    variables = os.environ if environ is None else environ
    home = home_at(root, variables)
    try:
        home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for directory in (home.runs, home.artifacts, home.environments, home.cache):
            directory.mkdir(exist_ok=True, mode=0o700)
        if database_url(home, variables) == database_url(home, {}):
            home.database.touch(mode=0o600)  # SQLite would make it for everybody to read
        with tempfile.TemporaryFile(dir=home.root):
            return home
    except OSError as error:
        raise unusable(home, error) from error


def unusable(home: Home, error: OSError) -> ConfigError:
    """What to say where no home can be made there."""
    return ConfigError(f"{home.root}: cannot be made Postlude's home: {error.strerror}; {_REMEDY}")


def home_at(root: Path | None, environ: Mapping[str, str]) -> Home:
    """The home as it would be laid out there, or in `default_root`; nothing is made."""
    chosen = default_root(environ) if root is None else root
    return Home(root=Path(os.path.abspath(chosen.expanduser())))  # noqa: PTH100 - resolve() would follow links


_REMEDY: Final = "choose a writable directory with --home or POSTLUDE_HOME"


def default_root(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """Where the home is unless somebody says: POSTLUDE_HOME, else the platform's directory for user data."""
    if environ.get("POSTLUDE_HOME"):
        return Path(environ["POSTLUDE_HOME"])
    return _user_data(environ, platform) / "postlude"


def _user_data(environ: Mapping[str, str], platform: str) -> Path:
    if environ.get("XDG_DATA_HOME"):
        return Path(environ["XDG_DATA_HOME"])
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    return home / "Library" / "Application Support" if platform == "darwin" else home / ".local" / "share"


def database_url(home: Home, environ: Mapping[str, str]) -> str:
    """The database that `open_store` opens: POSTLUDE_DATABASE_URL, else the SQLite file of the home."""
    return environ.get("POSTLUDE_DATABASE_URL") or f"sqlite:///{home.database}"


def _directories(path: TaskPath) -> Iterator[str]:
    for part in path.split("/") if path else ():
        iteration = _ITERATION.fullmatch(part)
        if iteration is None:
            yield safe_name(part)
        else:
            yield safe_name(iteration["loop"])
            yield safe_name(iteration["index"])


@lru_cache(maxsize=1024)  # the names of a pipeline's tasks come again and again
def safe_name(name: str) -> str:
    """The name as one component of a path: itself where it is plain and short, else a part of it and its hash.

    Different names give different components, on file systems that ignore case too.
    """
    if _PLAIN.fullmatch(name) and len(name) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{_UNSAFE.sub('-', name)[:100].lower()}~{digest}"
