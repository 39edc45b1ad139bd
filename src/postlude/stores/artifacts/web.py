"""Artifacts at http:// and https:// addresses: to be read, never to be written."""

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import BinaryIO, Final, TypeVar

from postlude.ports.artifacts import TransferError, UnsupportedUriError
from postlude.ports.stop import NEVER, Stop, StoppedError
from postlude.stores.artifacts.contents import Contents
from postlude.stores.artifacts.copy import copy_into_place, link_into_place

Heard = TypeVar("Heard")

_ANSWER_WITHIN_S: Final = 60
_BLOCK_BYTES: Final = 256 * 1024
_GONE: Final = frozenset({404, 410})
_NO_HEAD: Final = frozenset({403, 405, 501})


class WebArtifacts:
    """The artifact store of web servers (`ports.artifacts.ArtifactStore`); each address is one file."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def exists(self, uri: str, *, stop: Stop = NEVER) -> bool:
        """See `ArtifactStore.exists`."""
        return _heard(lambda: _said(uri), stop) is not None

    def digest(self, uri: str, *, stop: Stop = NEVER) -> str:
        """See `ArtifactStore.digest`: what the server says of the file, "" where it does not tell versions apart."""
        return _heard(lambda: _said(uri), stop) or ""

    def fetch(self, uri: str, target: Path, *, digest: str = "", stop: Stop = NEVER) -> Path:
        """See `ArtifactStore.fetch`."""
        self._give(uri, digest, lambda copy: link_into_place(copy, target, stop), stop)
        return target

    def place(self, uri: str, target: Path, *, stop: Stop = NEVER) -> Path:
        """See `ArtifactStore.place`."""
        self._give(uri, "", lambda copy: copy_into_place(copy, target, stop), stop)
        return target

    def keep(self, source: Path, uri: str, *, owned: bool = False, stop: Stop = NEVER) -> str:  # noqa: ARG002 - the port's
        """See `ArtifactStore.keep`: web servers take nothing."""
        raise UnsupportedUriError(f"{_shown(uri)}: artifacts cannot be written to web servers: use a bucket")

    def _give(self, uri: str, digest: str, take: Callable[[Path], None], stop: Stop) -> None:
        known = digest or self.digest(uri, stop=stop)
        version = known or f"{uri} at {time.time_ns()}"  # nobody can say that two are the same
        self._contents.give(version, lambda fresh: _download(uri, fresh, stop), take, stop)


def _heard(ask: Callable[[], Heard], stop: Stop) -> Heard:
    """What a server says, asked on a thread that is left behind when somebody stops this one."""
    stop.check()
    answer: Future[Heard] = Future()
    Thread(target=_settle, args=(answer, ask), name="web", daemon=True).start()
    with stop.interrupting(answer.cancel):
        try:
            return answer.result()
        except CancelledError:
            raise StoppedError from None


def _settle(answer: Future[Heard], ask: Callable[[], Heard]) -> None:
    with suppress(InvalidStateError):  # nobody waits any more
        try:
            answer.set_result(ask())
        except BaseException as fault:  # noqa: BLE001 - it belongs to whoever asked
            answer.set_exception(fault)


def _said(uri: str) -> str | None:
    """What tells this version from others; "" where the server does not say, None where there is nothing."""
    for method in ("HEAD", "GET"):
        try:
            with _answer(uri, method) as answer:
                return _version(uri, answer)
        except FileNotFoundError:
            return None
        except _NoHeadError:
            continue
    return None


class _NoHeadError(Exception):
    """The server does not answer HEAD requests."""


def _version(uri: str, answer: HTTPResponse) -> str:
    facts = [answer.headers.get(name, "") for name in ("ETag", "Last-Modified", "Content-Length")]
    text = "\n".join((uri, *facts))
    return "web:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if any(facts[:2]) else ""


def _download(uri: str, fresh: Path, stop: Stop) -> None:
    with fresh.open("wb") as file:  # here, so that a thread that is left behind makes no file any more
        _heard(lambda: _write(uri, file, stop), stop)


def _write(uri: str, file: BinaryIO, stop: Stop) -> None:
    with _answer(uri, "GET") as answer:
        while block := answer.read(_BLOCK_BYTES):
            stop.check()
            file.write(block)
        told = answer.headers.get("Content-Length")
        if told is not None and answer.headers.get("Content-Encoding") is None and int(told) != file.tell():
            raise TransferError(f"{_shown(uri)}: the server stopped after {file.tell()} of {told} bytes")


@contextmanager
def _answer(uri: str, method: str) -> Iterator[HTTPResponse]:
    request = urllib.request.Request(uri, method=method, headers={"User-Agent": "postlude"})  # noqa: S310 - http(s) only
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S) as answer:  # noqa: S310 - as above
            yield answer
    except urllib.error.HTTPError as refused:
        if refused.code in _GONE:
            raise FileNotFoundError(f"{_shown(uri)}: the server has no such file") from None
        if method == "HEAD" and refused.code in _NO_HEAD:
            raise _NoHeadError from None
        raise TransferError(f"{_shown(uri)}: the server answers with {refused.code} {refused.reason}") from None
    except (OSError, HTTPException, ValueError) as fault:
        why = getattr(fault, "reason", fault)
        raise TransferError(f"{_shown(uri)}: cannot be read: {why}") from None


def _shown(uri: str) -> str:
    """The address without what may be secret in it: a user's name and password, and the query."""
    head, _, rest = uri.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{head}://{host.rpartition('@')[2]}{slash}{path}"
