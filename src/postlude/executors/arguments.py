"""Whether the system can pass a program its arguments. A Python component that is forked takes any; exec does not."""

import os
from collections.abc import Iterable
from typing import Final

import msgspec

from postlude.core.conform import preview
from postlude.ports.executor import Attempt
from postlude.spec.placeholders import render_text

_PAGES: Final = 32
"""Linux passes so many pages in one argument at most, its final NUL included."""

_POINTER_BYTES: Final = 8
_FIX: Final = "Pass large values as artifacts, or take them in a Python component"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the system passes to a program.

    Attributes:
        one_bytes: The longest argument.
        all_bytes: All arguments together, each with its NUL and a pointer.
    """

    one_bytes: int
    all_bytes: int


def system_limits() -> Limits:
    """This machine's."""
    return Limits(one_bytes=os.sysconf("SC_PAGE_SIZE") * _PAGES - 1, all_bytes=os.sysconf("SC_ARG_MAX"))


def refusal(attempt: Attempt, limits: Limits | None = None) -> str:
    """Why a program cannot be started with the attempt's arguments; "" where it can.

    Args:
        attempt: What is to be started.
        limits: What the system passes; None for this machine's.
    """
    limits = limits or system_limits()
    longest, most = limits.one_bytes, limits.all_bytes
    sizes = [len(os.fsencode(argument)) for argument in attempt.argv]
    for number, size in enumerate(sizes):
        if size > longest:
            found = f"argument {number} of its command ({_quoted(attempt.argv[number])}) has {size:,} bytes"
            return f"{found}, and a program can be given {longest:,} in one at most{_largest(attempt)}. {_FIX}."
    total = _total(sizes)
    if total > most:
        found = f"the {len(sizes)} arguments of its command have {total:,} bytes"
        return f"{found}, and a program can be given {most:,} at most{_largest(attempt)}. {_FIX}."
    return ""


def _quoted(argument: str) -> str:
    """The argument's beginning: cutting first, since the whole is what is too large."""
    return preview(argument[:40])


def _total(sizes: Iterable[int]) -> int:
    return sum(size + 1 + _POINTER_BYTES for size in sizes)


def _largest(attempt: Attempt) -> str:
    """The largest input parameter, which is what the author can do something about."""
    parameters = attempt.executor_input.get("inputs", {}).get("parameterValues", {})
    sizes = {name: len(render_text(value).encode(errors="replace")) for name, value in parameters.items()}
    if not sizes:
        return ""
    name = max(sizes, key=sizes.__getitem__)
    return f" (its largest input is '{name}' with {sizes[name]:,} bytes)"
