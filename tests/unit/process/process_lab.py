"""Attempts for the process executor, and what is left of them."""

import inspect
import itertools
import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postlude.core.task import TaskPath
from postlude.executors.process.executor import ProcessExecutor
from postlude.executors.process.log import read_log
from postlude.ports.executor import Attempt, Ending, Exit

EXITED_WELL = Exit(ending=Ending.EXITED, code=0)
PROGRAM = (
    'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main --component_module_path "
    '"$program_path/ephemeral_component.py" "$@"\n'
)


def install_script(*arguments: str) -> str:
    """A wrapper that installs and goes on, as the SDK writes it."""
    return f'PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet {" ".join(arguments)} && "$0" "$@"'


@dataclass
class Lab:
    """Runs attempts under one directory."""

    executor: ProcessExecutor
    home: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def program(self, *argv: str, **more: Any) -> Attempt:
        """An attempt that runs a command."""
        directory = self.home / f"attempt-{next(self.numbers)}"
        directory.mkdir(parents=True)
        content: dict[str, Any] = {
            "run_id": "run", "path": TaskPath(directory.name), "attempt": 1, "image": "python:3.11", "argv": argv,
            "executor_input": {}, "directory": directory, "log": directory / "log.txt",
        }  # fmt: skip
        return Attempt(**content | more)

    def component(self, function: Callable[[], object], *wrapper: str, **more: Any) -> Attempt:
        """An attempt that runs a function without inputs, as the SDK compiles it.

        Its return value goes to `value`; `wrapper` is what stands before the SDK's own script.
        """
        source = textwrap.dedent(inspect.getsource(function))
        text = f"import kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\nfrom typing import *\n\n{source}"
        place = self.program("nothing")
        given = {"inputs": {}, "outputs": {"outputFile": str(place.directory / "output.json"), "parameters": {
            "Output": {"outputFile": str(place.directory / "Output")}}}}  # fmt: skip
        argv = [*wrapper, "sh", "-ec", PROGRAM, text, "--executor_input", json.dumps(given)]
        argv += ["--function_to_execute", function.__name__]
        content: dict[str, Any] = {
            "run_id": "run", "path": place.path, "attempt": 1, "image": "python:3.11", "argv": tuple(argv),
            "executor_input": given, "directory": place.directory, "log": place.log,
        }  # fmt: skip
        return Attempt(**content | more)

    def value_of(self, function: Callable[[], object], *wrapper: str, **more: Any) -> Any:
        """What a component returns once it ended well."""
        attempt = self.component(function, *wrapper, **more)
        ended = self.executor.run(attempt)
        assert ended == EXITED_WELL, attempt.log.read_text()
        output = json.loads((attempt.directory / "output.json").read_text())
        return output["parameterValues"]["Output"]


def lines(attempt: Attempt, stream: str = "stdout") -> list[str]:
    """The whole lines a task wrote to a stream."""
    return [line.text for line in read_log(attempt.log) if line.stream == stream]
