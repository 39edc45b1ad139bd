"""Asks buckets so that nobody has to wait for an answer that is not wanted any more."""

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from threading import Thread, current_thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from postlude.ports.stop import Stop, StoppedError

if TYPE_CHECKING:
    from obstore import Bytes, ObjectMeta
    from obstore.store import ObjectStore

Answer = TypeVar("Answer")

PARTS_AT_ONCE: Final = 4
_ABORT_WITHIN_S: Final = 1.0
"""So long an upload in parts may take to take back what it has sent; parts that stay are nowhere to be seen."""


class Line:
    """A thread on which requests wait for their answers. A request that is given up is broken off."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        thread = Thread(target=_serve, args=(self._loop,), name="transfer-line", daemon=True)
        thread.start()
        self._end = weakref.finalize(self, _end, self._loop, thread)

    def answer(self, request: Callable[[], Coroutine[Any, Any, Answer]], stop: Stop, *, within_s: float = 0) -> Answer:
        """The answer to a request.

        Args:
            request: Makes it.
            stop: Asked when nobody wants the answer any more.
            within_s: So long it may go on then, to end by itself.

        Raises:
            StoppedError: It was given up.
        """
        stop.check()
        future = asyncio.run_coroutine_threadsafe(request(), self._loop)

        def give_up() -> None:
            with suppress(RuntimeError):  # the line is closed: there is an answer already
                self._loop.call_soon_threadsafe(self._loop.call_later, within_s, future.cancel)

        with stop.interrupting(give_up):
            try:
                return future.result()
            except CancelledError:
                raise StoppedError from None

    def close(self) -> None:
        """End the thread; nothing is asked any more."""
        self._end()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _end(loop: asyncio.AbstractEventLoop, thread: Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if current_thread() is not thread:  # garbage is collected on any
        thread.join()


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """What one piece of work asks of one bucket.

    Every method raises obstore's errors where the bucket refuses, and `StoppedError` once the work was told to stop.
    """

    store: "ObjectStore"
    line: Line
    stop: Stop

    def head(self, key: str) -> "ObjectMeta":
        """What the bucket says of an object."""

        async def ask() -> "ObjectMeta":
            return await self.store.head_async(key)

        return self.line.answer(ask, self.stop)

    def below(self, prefix: str) -> Sequence["ObjectMeta"]:
        """What it says of those whose keys begin with this and a slash."""

        async def ask() -> Sequence["ObjectMeta"]:
            return await self.store.list(prefix=prefix).collect_async()

        return self.line.answer(ask, self.stop)

    def get(self, key: str) -> "Bytes":
        """The bytes of an object."""

        async def ask() -> "Bytes":
            return await (await self.store.get_async(key)).bytes_async()

        return self.line.answer(ask, self.stop)

    def part(self, key: str, start: int, length: int) -> "Bytes":
        """Some of them."""

        async def ask() -> "Bytes":
            return await self.store.get_range_async(key, start=start, length=length)

        return self.line.answer(ask, self.stop)

    def put(self, key: str, content: bytes) -> str | None:
        """Make an object of these bytes; its ETag."""

        async def ask() -> str | None:
            return (await self.store.put_async(key, content, use_multipart=False))["e_tag"]

        with _no_bucket():
            return self.line.answer(ask, self.stop)

    def put_parts(self, key: str, parts: Iterator[bytes], part_bytes: int) -> str | None:
        """Make an object of parts, which has all of them or is not there; its ETag.

        Args:
            key: Which object.
            parts: Its parts. An error that comes with one of them takes back what was sent.
            part_bytes: How large they are.
        """

        async def ask() -> str | None:
            sent = await self.store.put_async(key, parts, chunk_size=part_bytes, max_concurrency=PARTS_AT_ONCE)
            return sent["e_tag"]

        with _no_bucket():
            return self.line.answer(ask, self.stop, within_s=_ABORT_WITHIN_S)

    def delete(self, keys: list[str]) -> None:
        """Remove objects."""

        async def ask() -> None:
            await self.store.delete_async(keys)

        self.line.answer(ask, self.stop)


@contextmanager
def _no_bucket() -> Iterator[None]:
    """Tell a bucket that is not there, where some providers say "not found", from a file that is not."""
    from obstore.exceptions import NotFoundError  # noqa: PLC0415 - only those who use buckets have it

    try:
        yield
    except FileNotFoundError as fault:
        if fault.errno is not None:
            raise
        raise NotFoundError(str(fault)) from None
