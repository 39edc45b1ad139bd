"""Drives a run to its end for Python users: interrupts cancel it, and the finished run is a value."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from postlude.api.interrupt import cancel_on_interrupt
from postlude.api.result import Run
from postlude.api.values import fetching
from postlude.spec.types import Json

if TYPE_CHECKING:
    from postlude.engines.local.engine import LocalEngine


def driven(engine: "LocalEngine", home: Path | None, act: Callable[["LocalEngine"], Json]) -> Run:
    """What becomes of a run that the engine drives.

    Args:
        engine: The engine.
        home: The home that it was opened on, as it was asked for.
        act: What it is to do; gives the document of a run.

    Raises:
        KeyboardInterrupt: There was an interrupt. The run was canceled, and came to its end unless there were three.
    """
    with cancel_on_interrupt(engine.cancel):
        document = act(engine)
    return Run(document, fetching(home, document["run_id"]))
