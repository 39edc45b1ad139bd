"""Run Kubeflow Pipelines (KFP v2) pipelines with final statuses that can be trusted.

`postlude.run(pipeline, arguments={...})` runs one on this machine and gives its `Run`; `postlude.resume` and
`postlude.retry` go on with one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from postlude import dsl as dsl
    from postlude.api.rehearse import rehearse as rehearse
    from postlude.api.rehearsed import Rehearsal as Rehearsal
    from postlude.api.result import Run as Run
    from postlude.api.result import RunFailedError as RunFailedError
    from postlude.api.resume import resume as resume
    from postlude.api.retry import retry as retry
    from postlude.api.run import run as run
    from postlude.api.simulate import Simulation as Simulation
    from postlude.api.simulate import simulate as simulate
    from postlude.api.stored import get_run as get_run
    from postlude.ports.journal import StoreError as StoreError
    from postlude.runtime.faults import Fault as Fault
    from postlude.spec.problem import ConfigError as ConfigError
    from postlude.spec.problem import SpecError as SpecError

__version__ = "0.1.0"

_EXPORTS: Final = {
    "Run": "postlude.api.result",
    "RunFailedError": "postlude.api.result",
    "run": "postlude.api.run",
    "resume": "postlude.api.resume",
    "retry": "postlude.api.retry",
    "get_run": "postlude.api.stored",
    "Rehearsal": "postlude.api.rehearsed",
    "rehearse": "postlude.api.rehearse",
    "Simulation": "postlude.api.simulate",
    "simulate": "postlude.api.simulate",
    "Fault": "postlude.runtime.faults",
    "ConfigError": "postlude.spec.problem",
    "SpecError": "postlude.spec.problem",
    "StoreError": "postlude.ports.journal",
}

__all__ = [
    "ConfigError",
    "Fault",
    "Rehearsal",
    "Run",
    "RunFailedError",
    "Simulation",
    "SpecError",
    "StoreError",
    "dsl",
    "get_run",
    "rehearse",
    "resume",
    "retry",
    "run",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for, and only then: `import postlude` stays cheap."""
    if name == "dsl":
        return import_module("postlude.dsl")
    if name not in _EXPORTS:
        raise AttributeError(f"module 'postlude' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
