"""The command line that starts a supervisor, or a component in a fresh interpreter."""

import json
from pathlib import Path

_FOLDER = Path(__file__).parent / "supervisor"

_LOAD = """\
import importlib.util as u, sys
s = u.spec_from_file_location("_postlude", {init}, submodule_search_locations=[{folder}])
sys.modules["_postlude"] = m = u.module_from_spec(s)
s.loader.exec_module(m)
del u, s, m
from _postlude.{module} import main
main({arguments})
"""


def component_command(python: str) -> list[str]:
    """Starts a component: add the attempt's directory, and the file with its program text and its arguments."""
    return [python, "-P", "-c", _program("fresh", "")]


def supervisor_command(python: str, engine: int, births: int) -> list[str]:
    """Starts a supervisor that serves the engine with this pid over its standard input.

    Args:
        python: Its interpreter.
        engine: The pid.
        births: The descriptor of a pipe, which it inherits: see `wire.BIRTH`.
    """
    arguments = f"{engine}, {births}, {json.dumps(component_command(python))}"
    return [python, "-P", "-c", _program("main", arguments)]


def _program(module: str, arguments: str) -> str:
    init, folder = json.dumps(str(_FOLDER / "__init__.py")), json.dumps(str(_FOLDER))
    return _LOAD.format(init=init, folder=folder, module=module, arguments=arguments)
