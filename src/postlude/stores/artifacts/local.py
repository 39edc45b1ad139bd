"""Artifacts that are files and directories of this machine."""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from postlude.ports.artifacts import UnsupportedUriError
from postlude.ports.stop import NEVER, Stop
from postlude.stores.artifacts.copy import copy_into_place, link_into_place
from postlude.stores.artifacts.digest import HashFile, digest_of, file_hash

_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):/")


class LocalArtifacts:
    """The artifact store of one machine (`ports.artifacts.ArtifactStore`).

    It reads absolute paths, `file://` URLs, and, where a root is given, paths relative to it that stay inside. Keeps no
    state, so any number of threads may use it.
    """

    def __init__(self, root: Path | None = None, *, hash_file: HashFile = file_hash) -> None:
        self._root, self._hash_file = root, hash_file

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:  # noqa: ARG002 - it does not take long
        """See `ArtifactStore.exists`."""
        return _is_there(self.path(uri))

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:  # noqa: ARG002 - nothing is copied
        """See `ArtifactStore.fetch`."""
        return self._found(uri)

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.digest`."""
        return digest_of(self.path(uri), self._hash_file, stop)

    def place(self, uri: str, target: Path, *, stop: Stop = NEVER) -> Path:
        """Copy the artifact to `target`, replacing what is there; whoever gets the copy may change it.

        Returns the target.

        Raises:
            FileNotFoundError: Nothing is there.
            OSError: It cannot be read, or the target not be written.
            UnsupportedUriError: As for `exists`.
        """
        copy_into_place(self._found(uri), target, stop)
        return target

    def keep(self, source: Path, uri: str, *, owned: bool = False, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.keep`. What is owned shares its bytes on disk with the artifact where it can."""
        target = self.path(uri)
        if os.path.abspath(source) != os.path.abspath(target):  # noqa: PTH100 - resolve() would follow links
            (link_into_place if owned else copy_into_place)(source, target, stop)
        return digest_of(target, self._hash_file, stop)

    def path(self, uri: str) -> Path:
        """The local path that a URI means, whether or not something is there.

        Raises:
            UnsupportedUriError: It is none; the message says what to do.
        """
        if not uri or "\0" in uri:
            raise UnsupportedUriError(f"{uri!r} names no file: give a path or a file:// URL")
        scheme = _SCHEME.match(uri)
        if scheme is None:
            return self._relative(uri) if not uri.startswith("/") else Path(uri)
        if scheme["scheme"].lower() != "file":
            raise UnsupportedUriError(
                f"{uri}: '{scheme['scheme']}' addresses cannot be read on this machine: "
                "download the artifact first, and give the path of the local copy"
            )
        return _path_of_file_url(uri)

    def _relative(self, uri: str) -> Path:
        if self._root is None:
            raise UnsupportedUriError(f"{uri}: a relative path has no meaning here: give an absolute one")
        inside = os.path.normpath(uri)
        if inside == ".." or inside.startswith("../"):
            raise UnsupportedUriError(f"{uri}: leaves {self._root}, where relative paths begin: give an absolute path")
        return self._root / inside

    def _found(self, uri: str) -> Path:
        path = self.path(uri)
        if not _is_there(path):
            raise FileNotFoundError(f"{uri}: there is no such file or directory, or it may not be looked at")
        return path


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for names that cannot be and where it may not look


def _path_of_file_url(uri: str) -> Path:
    """The path of `file:///path`, `file://localhost/path` or `file:/path`, with %20 and the like decoded."""
    host, path = urlsplit(uri).netloc, unquote(urlsplit(uri).path)
    if host not in {"", "localhost"}:
        raise UnsupportedUriError(f"{uri}: names a file on '{host}': write file:///path for one of this machine")
    if "\0" in path or "?" in uri or "#" in uri:
        raise UnsupportedUriError(f"{uri}: is no plain file URL: give the file's path instead")
    return Path(path)
