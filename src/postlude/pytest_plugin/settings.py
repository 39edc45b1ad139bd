"""What a test may say of how its runs are run, beyond the words that the fixture has of its own."""

from pathlib import Path
from typing import TypedDict

from postlude.wiring import Containers


class RunSettings(TypedDict, total=False):
    """The fields of `postlude.wiring.RunOptions` that a test may set."""

    home: Path | None
    workers: int | None
    cpus: float | str
    memory: int | str
    gpus: int | str
    cache: bool
    failure_policy: str
    status_words: str
    containers: Containers
    offline: bool
    grace_s: float
    timeout_s: float | None
    exit_timeout_s: float | None
    exit_tasks_on_cancel: bool
    pipeline_root: str | None
    run_url: str
