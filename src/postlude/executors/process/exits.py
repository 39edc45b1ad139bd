"""What a supervisor reports, said in the port's words."""

import math
import signal

from postlude.executors.process.supervisor.wire import Ended
from postlude.ports.executor import Ending, Exit

MESSAGE_CHARACTERS = 500


def exit_of(
    report: Ended, *, component: bool, timeout_s: float | None, memory_limit: str = "", most_processes: int = 0
) -> Exit:
    """The end of an attempt.

    Args:
        report: What the supervisor saw.
        component: Whether a Python component ran; its stderr says less than its exception.
        timeout_s: The attempt's limit, for the message.
        memory_limit: Likewise, as its author wrote it.
        most_processes: Likewise.
    """
    ending = Ending(report.ending)
    match ending:
        case Ending.TIMED_OUT:
            cause = f"timed out after {timeout_s:g} s"
        case Ending.TERMINATED:
            cause = "terminated on request"
        case Ending.EXITED:
            cause = _exceeded(report, memory_limit, most_processes) or _cause(report, component=component)
        case _:
            cause = report.note
    if report.log_error:
        cause = f"{cause} (its log is incomplete: {report.log_error})".strip()
    oom = report.exceeded == "memory" or report.out_of_memory
    return Exit(ending=ending, code=report.code, message=one_line(cause), oom=oom)


def one_line(text: str) -> str:
    """The text on one line, cut to what a status can carry."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_CHARACTERS else f"{line[: MESSAGE_CHARACTERS - 1]}…"


def _exceeded(report: Ended, memory_limit: str, most_processes: int) -> str:
    match report.exceeded:
        case "memory":
            held = math.ceil(report.held_bytes / 2**20)
            return f"out of memory: it held {held} MiB, more than its memory limit of {memory_limit}"
        case "processes":
            return f"killed: it had more than {most_processes} processes at a time"
        case _:
            return ""


def _cause(report: Ended, *, component: bool) -> str:
    code = report.code
    if not code:
        return ""
    if code < 0:
        return f"killed by {_signal_name(-code)}"
    if report.note:
        return report.note
    tail = "" if component or not report.stderr else f": {report.stderr}"
    return f"exit code {code}{tail}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
