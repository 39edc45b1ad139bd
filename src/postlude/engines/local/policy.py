"""How the local engine drives runs."""

from collections.abc import Callable

import msgspec

from postlude.core.run_state import FailurePolicy, StatusWords
from postlude.core.task import TaskPath
from postlude.engines.local.admission import UNLIMITED, Offer


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How runs are driven.

    Attributes:
        workers: Attempts at a time.
        offer: What attempts may use of the machine, all together.
        grace_s: Seconds between SIGTERM and SIGKILL when an attempt is stopped.
        timeout_s: Seconds that a run may take, exit tasks aside; None for the pipeline's own limit.
        exit_timeout_s: Seconds that each exit task may take; None for no limit but its own.
        exit_tasks_on_cancel: Whether exit tasks run when a run is canceled.
        asks_for_nothing: Whether the task at a path uses nothing of the machine, whatever its component asks for.
        run_url: Where people look at a run; {run_id} in it stands for the run's id.
    """

    workers: int
    offer: Offer = UNLIMITED
    failure_policy: FailurePolicy = FailurePolicy.SLOW
    status_words: StatusWords = StatusWords.KFP
    grace_s: float = 10.0
    timeout_s: float | None = None
    exit_timeout_s: float | None = None
    exit_tasks_on_cancel: bool = True
    asks_for_nothing: Callable[[TaskPath], bool] = lambda _path: False
    run_url: str = ""
