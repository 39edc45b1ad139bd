"""A user who is not root, made for a test."""

import grp
import multiprocessing
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from container_image import unavailable


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user of this machine without rights but those of the groups, and a directory of theirs."""

    uid: int
    gid: int
    home: Path
    groups: tuple[int, ...] = ()

    def do(self, act: Callable[[], Any]) -> Any:
        """What `act` gives, done as this user in a process of its own."""
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(target=self._become, args=(theirs, act))
        child.start()
        theirs.close()
        try:
            found = ours.recv()
        finally:
            child.join(60)
        assert not isinstance(found, BaseException), found
        return found

    def _become(self, answer: Connection, act: Callable[[], Any]) -> None:
        os.setgroups(self.groups)
        os.setgid(self.gid)
        os.setuid(self.uid)
        os.chdir(self.home)
        os.environ |= {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "runtime"),
            "CONTAINERS_CONF": str(self.home / "containers.conf"),
            "TMPDIR": str(self.home),
        }
        os.environ.pop("XDG_CONFIG_HOME", None)
        os.environ.pop("XDG_DATA_HOME", None)
        tempfile.tempdir = str(self.home)
        try:
            answer.send(act())
        except BaseException as error:  # noqa: BLE001 - the parent raises it
            answer.send(AssertionError(f"{type(error).__name__}: {error}"))


@contextmanager
def somebody(*groups: int) -> Iterator[Person]:
    """Somebody new, in these groups too, who is gone afterwards with all that is theirs."""
    if os.geteuid() or not all(map(shutil.which, ("useradd", "userdel"))):
        unavailable("needs root, to make a user")
    name, home = f"postlude{os.getpid()}", Path(tempfile.mkdtemp(prefix="postlude-person-", dir="/tmp"))
    subprocess.run(["useradd", "--no-create-home", "--home-dir", str(home), name], check=True)
    try:
        found = Person(uid=pwd.getpwnam(name).pw_uid, gid=grp.getgrnam(name).gr_gid, home=home, groups=groups)
        os.chown(home, found.uid, found.gid)
        yield found
    finally:
        subprocess.run(["userdel", "--force", name], check=True, capture_output=True)
        shutil.rmtree(home)
