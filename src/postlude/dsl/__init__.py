"""`kfp.dsl`, and what it cannot express: `from postlude import dsl` instead of `from kfp import dsl`.

Everything of the installed SDK's `kfp.dsl` is here under its own name. `ExitHandler` may stand anywhere, and its exit task
may use outputs; `If`, `Elif` and `Condition` compare a bool with 0 and 1; `STATUS`, `FAILURES`, `OUTPUTS` and the others in
`context.py` tell a task about its run. The SDK's own compiler makes the IR, which any KFP backend takes.

Raises:
    SdkError: The SDK is absent, or works differently from those that were tested.
"""

from typing import TYPE_CHECKING, Any

from postlude.dsl import conditions as _conditions
from postlude.dsl import sdk as _sdk
from postlude.dsl.conditions import Condition
from postlude.dsl.context import (
    DURATION,
    FAILURES,
    OUTPUTS,
    RUN_CREATED_AT,
    RUN_ID,
    RUN_NAME,
    RUN_URL,
    STATUS,
)
from postlude.dsl.context import CONSTANTS as _CONSTANTS
from postlude.dsl.decorate import pipeline
from postlude.dsl.exit_handler import ExitHandler
from postlude.dsl.sdk import DslError, SdkError, SdkWarning
from postlude.dsl.seam import install as _install

if TYPE_CHECKING:
    from kfp.dsl import *  # noqa: F403 - for editors; the names come through __getattr__

_OURS = ("DslError", "SdkError", "SdkWarning", *_CONSTANTS)
__all__ = [*_sdk.kfp.dsl.__all__, *_OURS]  # noqa: PLE0604 - names, all of them
_install()


def __getattr__(name: str) -> Any:
    """What the SDK's `kfp.dsl` has under that name."""
    for owner in (_conditions, _sdk.kfp.dsl):
        if hasattr(owner, name):
            return getattr(owner, name)
    raise AttributeError(f"module 'postlude.dsl' has no attribute {name!r}, and kfp {_sdk.kfp.__version__} has none.")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *dir(_sdk.kfp.dsl)})
