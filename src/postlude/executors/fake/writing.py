"""What fake attempts leave behind: the files that a program of the SDK would write, and a log."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from postlude.core.exchange import local_path
from postlude.core.instant import rfc3339
from postlude.ports.behaviour import Said, Succeed
from postlude.ports.executor import Attempt
from postlude.spec.types import Json


def write_outputs(attempt: Attempt, behaviour: Succeed) -> None:
    """Write the ExecutorOutput and the output artifacts.

    Raises:
        LookupError: An output is scripted that the task does not declare.
    """
    told = attempt.executor_input.get("outputs", {})
    _refuse_undeclared(attempt, "parameter", behaviour.parameters, told.get("parameters", {}))
    _refuse_undeclared(attempt, "artifact", (*behaviour.artifacts, *behaviour.metadata), told.get("artifacts", {}))
    if not told:
        return
    artifacts = {name: _with_metadata(entry, behaviour, name) for name, entry in told.get("artifacts", {}).items()}
    for name, text in behaviour.artifacts.items():
        _write(Path(local_path(artifacts[name]["artifacts"][0]["uri"], str(attempt.mounts))), text)
    report = {"parameterValues": dict(behaviour.parameters), "artifacts": artifacts}
    _write(Path(told["outputFile"]), json.dumps(report))


def write_log(path: Path, said: Iterable[Said], now: Callable[[], float]) -> None:
    """Append lines to an attempt's log, in the format of the real ones."""
    _write(path, "".join(f"{rfc3339(now())} {stream} F {text}\n" for stream, text in said), os.O_APPEND)


def _refuse_undeclared(attempt: Attempt, kind: str, scripted: Iterable[str], declared: Iterable[str]) -> None:
    unknown = sorted(set(scripted) - set(declared))
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        raise LookupError(f"script of '{attempt.path}': it declares no output {kind} {unknown[0]!r}, only {known}")


def _with_metadata(entry: Json, behaviour: Succeed, name: str) -> Json:
    first, *rest = entry["artifacts"]
    return {"artifacts": [{**first, "metadata": dict(behaviour.metadata.get(name, {}))}, *rest]}


def _write(path: Path, text: str, how: int = os.O_TRUNC) -> None:
    try:
        _put(path, text, how)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        _put(path, text, how)


def _put(path: Path, text: str, how: int) -> None:
    written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o666)
    try:
        os.write(written, text.encode())
    finally:
        os.close(written)
