"""`kfp.dsl`, and what it cannot express: `from postlude import dsl` instead of `from kfp import dsl`.

Everything of the installed SDK's `kfp.dsl` is here under its own name. `ExitHandler` may stand anywhere, and its exit
task may use outputs; `If`, `Elif` and `Condition` compare a bool with 0 and 1; `STATUS`, `FAILURES`, `OUTPUTS` and the
others of `context.py` tell a task about its run. The SDK's own compiler makes the IR, which any KFP backend takes.

Raises:
    SdkError: The SDK is absent, or works differently from those that were tested.
"""

from typing import TYPE_CHECKING, Any

from postlude.dsl import conditions as _conditions
from postlude.dsl import sdk as _sdk
from postlude.dsl.conditions import Condition as Condition
from postlude.dsl.context import CONSTANTS as _CONSTANTS
from postlude.dsl.context import DURATION as DURATION
from postlude.dsl.context import FAILURES as FAILURES
from postlude.dsl.context import OUTPUTS as OUTPUTS
from postlude.dsl.context import RUN_CREATED_AT as RUN_CREATED_AT
from postlude.dsl.context import RUN_ID as RUN_ID
from postlude.dsl.context import RUN_NAME as RUN_NAME
from postlude.dsl.context import RUN_URL as RUN_URL
from postlude.dsl.context import STATUS as STATUS
from postlude.dsl.decorate import pipeline as pipeline
from postlude.dsl.exit_handler import ExitHandler as ExitHandler
from postlude.dsl.sdk import DslError as DslError
from postlude.dsl.sdk import SdkError as SdkError
from postlude.dsl.sdk import SdkWarning as SdkWarning
from postlude.dsl.seam import install as _install

if TYPE_CHECKING:
    from kfp.dsl import *  # noqa: F403 - for editors; the names come through __getattr__

_OURS = ("DslError", "SdkError", "SdkWarning", *_CONSTANTS)
__all__ = [*_sdk.dsl.__all__, *_OURS]  # noqa: PLE0604 - names, all of them
_install()


def __getattr__(name: str) -> Any:
    """What the SDK's `kfp.dsl` has under that name."""
    for owner in (_conditions, _sdk.dsl):
        if hasattr(owner, name):
            return getattr(owner, name)
    raise AttributeError(f"module 'postlude.dsl' has no attribute {name!r}, and kfp {_sdk.VERSION} has none.")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *dir(_sdk.dsl)})
