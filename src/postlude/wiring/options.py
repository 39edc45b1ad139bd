"""How pipelines are run on this machine."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

import msgspec

from postlude.spec.problem import ConfigError

if TYPE_CHECKING:
    from postlude.runtime.faults import Fault
    from postlude.testing.stand_ins import StandIns

OF_THE_PIPELINE: Final = "spec"
"""The pipeline root that stands for the pipeline's own."""

Containers = Literal["auto", "docker", "podman", "host"]

_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "failure_policy": ("slow", "fast"),  # as in `core.run_state`, whose import comes later
    "status_words": ("kfp", "sdk"),
    "containers": get_args(Containers),
}

_NO_LENGTH: Final = "Give a number of seconds, 0 or more."
_NO_LIMIT: Final = "Give a number of seconds above 0, or None for no limit of this kind."


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How pipelines are run on this machine.

    Attributes:
        home: Where runs are kept; None for POSTLUDE_HOME, else the user's data directory.
        workers: Tasks at a time; None for as many as there are cores that this process may use.
        cpus: Processors for tasks that ask for some: 4, or as Kubernetes writes them ("500m"); "" for what there is.
        memory: Memory, likewise: bytes, or "8Gi".
        gpus: Accelerators, likewise: 2, or with the type that tasks ask for ("amd.com/gpu=2").
        cache: Whether outputs of earlier runs may be reused.
        failure_policy: "slow": a failure stops what depends on it; "fast": nothing new starts in its group.
        status_words: "kfp": exit tasks read COMPLETE and CANCELED; "sdk": SUCCEEDED and CANCELLED.
        containers: What runs container components; "host" runs their command as a local process.
        offline: Whether no package may be fetched and no image pulled. POSTLUDE_OFFLINE=1 says so for all runs.
        grace_s: Seconds between SIGTERM and SIGKILL when a task is stopped.
        timeout_s: Seconds that a run may take, exit tasks aside; None for the pipeline's own limit.
        exit_timeout_s: Seconds that each exit task may take; None for no limit but its own.
        exit_tasks_on_cancel: Whether exit tasks run when the run is canceled.
        pipeline_root: Where artifacts of new runs go: a bucket's URL or a directory; "spec" for the root that the
            pipeline was compiled with; None for the home.
        run_url: Where people look at a run, with {run_id} for its id; "" for the run's directory.
        faults: What goes wrong on purpose; nothing is reused for tasks that have one.
        stand_ins: The functions of this process that take the place of components, in tests; likewise.

    Raises:
        ConfigError: A value is none of these.
    """

    home: Path | None = None
    workers: int | None = None
    cpus: float | str = ""
    memory: int | str = ""
    gpus: int | str = ""
    cache: bool = True
    failure_policy: str = "slow"
    status_words: str = "kfp"
    containers: Containers = "auto"
    offline: bool = False
    grace_s: float = 10.0
    timeout_s: float | None = None
    exit_timeout_s: float | None = None
    exit_tasks_on_cancel: bool = True
    pipeline_root: str | None = None
    run_url: str = ""
    faults: "tuple[Fault, ...]" = ()
    stand_ins: "StandIns | None" = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"workers: is {self.workers}. Give 1 or more, or None for as many as there are cores.")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name}: is {getattr(self, name)!r}. Choose one of: {', '.join(choices)}.")
        self._check_lengths()
        if any(str(amount) for amount in (self.cpus, self.memory, self.gpus)):
            self._check_amounts()
        if self.faults:
            self._check_faults()

    def _check_lengths(self) -> None:
        if not _is_length(self.grace_s):
            raise ConfigError(f"grace_s: is {self.grace_s!r}. {_NO_LENGTH}")
        for name, limit in (("timeout_s", self.timeout_s), ("exit_timeout_s", self.exit_timeout_s)):
            if limit is not None and not (_is_length(limit) and limit > 0):
                raise ConfigError(f"{name}: is {limit!r}. {_NO_LIMIT}")

    def _check_amounts(self) -> None:
        from postlude.engines.local.machine import NO_MACHINE  # noqa: PLC0415 - for those who give amounts
        from postlude.engines.local.offering import offer  # noqa: PLC0415 - as above

        offer(NO_MACHINE, cpus=str(self.cpus), memory=str(self.memory), gpus=str(self.gpus))

    def _check_faults(self) -> None:
        from postlude.runtime.faults import INJECTED  # noqa: PLC0415 - for those who order faults

        if odd := [str(fault) for fault in self.faults if fault.kind not in INJECTED]:
            raise ConfigError(f"faults: {', '.join(odd)}: only a simulation can have that. Use `postlude.simulate`.")


def _is_length(seconds: object) -> bool:
    """Whether it is a length of time, which infinity, NaN and what is no number are not."""
    return isinstance(seconds, int | float) and math.isfinite(seconds) and seconds >= 0
