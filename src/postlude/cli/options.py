"""The arguments and options that several commands take."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click


class Seconds(click.FloatRange):
    """A length of time: a finite number of seconds."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, which "inf" and "nan" are not."""
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return seconds


SOURCE: Final = click.argument("source", metavar="SOURCE")
RUN: Final = click.argument("run", metavar="RUN")
PIPELINE: Final = click.option("--pipeline", metavar="NAME", help="Which pipeline of a .py file with several.")
PARAMETERS: Final = click.option(
    "-p",
    "--parameter",
    "pairs",
    metavar="NAME=VALUE",
    multiple=True,
    help="A run parameter; strings as they stand, everything else as JSON. May be repeated.",
)
PARAMS_FILE: Final = click.option(
    "--params",
    "params_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A JSON or YAML file of parameters; -p wins.",
)
HOME: Final = click.option(
    "--home",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where runs are kept. Else $POSTLUDE_HOME, else the user's data directory.",
)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")

# --- how runs are driven ----------------------------------------------------------------------------------------------

WORKERS: Final = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Tasks at a time; else as many as cores."
)
_CPUS: Final = click.option(
    "--cpus", default="", metavar="N", help="For tasks that ask for processors; else what this machine has."
)
_MEMORY: Final = click.option(
    "--memory",
    default="",
    metavar="SIZE",
    help="For tasks that ask for memory, such as 8Gi; else what this machine has.",
)
_GPUS: Final = click.option(
    "--gpus", default="", metavar="[TYPE=]N", help="For tasks that ask for accelerators; else what this machine has."
)


def RESOURCES(command: Callable[..., object]) -> Callable[..., object]:  # noqa: N802 - stands among the options above
    """What tasks may use of the machine."""
    return _CPUS(_MEMORY(_GPUS(command)))


CACHE: Final = click.option(
    "--no-cache", "cache", flag_value=False, default=True, help="Run every task, reuse nothing."
)
CONTAINERS: Final = click.option(
    "--containers",
    type=click.Choice(["auto", "docker", "podman", "host"]),
    default="auto",
    show_default=True,
    help="What runs container components; host ignores the image and runs the command here.",
)
PIPELINE_ROOT: Final = click.option(
    "--pipeline-root",
    metavar="URL",
    help="Where artifacts go: s3://, gs://, az://, file:// or a directory; spec for the pipeline's own. Else the home.",
)
OFFLINE: Final = click.option(
    "--offline", is_flag=True, help="Fetch no packages and pull no images; also $POSTLUDE_OFFLINE=1."
)
GRACE: Final = click.option(
    "--grace",
    "grace_s",
    type=Seconds(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Between SIGTERM and SIGKILL when a task is stopped.",
)
TIMEOUT: Final = click.option(
    "--timeout",
    "timeout_s",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="What the run may take, exit tasks aside; else the pipeline's own limit.",
)
EXIT_TIMEOUT: Final = click.option(
    "--exit-timeout",
    "exit_timeout_s",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="What each exit task may take; else no limit but its own.",
)
FAILURE_POLICY: Final = click.option(
    "--failure-policy",
    type=click.Choice(["slow", "fast"]),
    default="slow",
    show_default=True,
    help="After a failure: finish what does not depend on it, or start nothing new in that group.",
)
STATUS_WORDS: Final = click.option(
    "--status-words",
    type=click.Choice(["kfp", "sdk"]),
    default="kfp",
    show_default=True,
    help="Exit tasks read COMPLETE/CANCELED (kfp) or SUCCEEDED/CANCELLED (sdk).",
)
EXIT_TASKS_ON_CANCEL: Final = click.option(
    "--no-exit-tasks-on-cancel",
    "exit_tasks_on_cancel",
    flag_value=False,
    default=True,
    help="When the run is canceled, its exit tasks do not run.",
)
