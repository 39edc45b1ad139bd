"""From the pipes of an engine's client to the attempt's log."""

import os
import selectors
from collections.abc import Iterator
from subprocess import Popen
from typing import Final

from postlude.executors.container.client import engine_words
from postlude.executors.container.verdict import Attached
from postlude.executors.process.supervisor.logfile import LogFile

_READ_BYTES: Final = 65_536
_TAIL_BYTES: Final = 8_192
"""Of the client's stderr: more than enough for an engine's complaint."""


def follow(process: Popen[bytes], log: LogFile) -> Attached:
    """Write all that a client prints into a log until it ends, and wait for it.

    Args:
        process: The client, with its output on pipes.
        log: The attempt's log; stays open.
    """
    tail = b""
    for stream, data in _arriving(process):
        log.write(stream, data)
        if stream == "stderr":
            tail = (tail + data)[-_TAIL_BYTES:]
    text = tail.decode(errors="replace")
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return Attached(code=process.wait(), words=engine_words(text), last_line=said[-1] if said else "")


def _arriving(process: Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What the client writes, with the name of the stream, in the order of its arrival."""
    assert process.stdout is not None  # noqa: S101 - the client is opened with pipes
    assert process.stderr is not None  # noqa: S101 - as above
    with process.stdout, process.stderr, selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, "stdout")
        selector.register(process.stderr, selectors.EVENT_READ, "stderr")
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, _READ_BYTES)
                if data:
                    yield key.data, data
                else:
                    selector.unregister(key.fileobj)
