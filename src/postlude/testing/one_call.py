"""One call of a function that stands in for a component: how it ended, and how a component's program would have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from postlude.ports.executor import Ending, Exit


@dataclass(slots=True, kw_only=True)
class Returned:
    """How a function came to its end.

    Attributes:
        value: What it returned.
        error: What it raised; None where it returned.
    """

    value: Any = None
    error: BaseException | None = None


def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Returned:
    """Call a function, and give what it returned or raised, whatever that is."""
    try:
        return Returned(value=function(**arguments))
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the attempt's end
        ours = error.__traceback__
        return Returned(error=error.with_traceback(ours.tb_next if ours else None))


def exit_after(error: BaseException) -> Exit:
    """How a component's program ends that raises this."""
    if not isinstance(error, SystemExit):
        return Exit(ending=Ending.EXITED, code=1, message=_in_one_line(error), oom=isinstance(error, MemoryError))
    if error.code is None or isinstance(error.code, int):
        code = (error.code or 0) & 0xFF
        return Exit(ending=Ending.EXITED, code=code, message=f"exit code {code}" if code else "")
    return Exit(ending=Ending.EXITED, code=1, message=f"exit code 1: {error.code}")


def is_for_the_test(error: BaseException) -> bool:
    """Whether a function raised this to say that the test fails, and not that the component does."""
    return isinstance(error, AssertionError) or not isinstance(error, Exception | SystemExit)


def _in_one_line(error: BaseException) -> str:
    """The line that ends a traceback: "ValueError: boom"."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the failure itself
        text = "<exception str() failed>"
    return f"{name}: {text}" if text else name
