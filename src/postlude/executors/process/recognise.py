"""Recognises Python components by the structure of their command, whatever SDK version compiled them.

The SDK wraps a component's program text in one or two shell scripts. The outer one, if any, installs packages and
then runs what follows it (`"$0" "$@"`); the inner one writes the text that follows it to a file and runs the SDK's
executor on that file with the remaining arguments. A script is understood only as a whole: one command that is not
known to do either makes the component an ordinary program, which then runs as it stands.
"""

from enum import Enum
from functools import lru_cache

import msgspec

from postlude.executors.process.pip_install import NOTHING_TO_INSTALL, Install, read_install
from postlude.executors.process.shell import commands

_SHELLS = frozenset({"sh", "bash", "dash", "/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash"})
_PYTHONS = frozenset({"python3", "python"})
_EXECUTORS = frozenset({"kfp.dsl.executor_main", "kfp.components.executor_main"})
_PREPARES = (["mktemp"], ["fi"], ["if", "!", "[", "-x"], ["apt-get", "install", "python3-pip"], ["."])
"""How commands begin that only get ready for what follows."""

_PREPARING_MODULES = frozenset({"ensurepip", "venv"})
_GO_ON = ["$0", "$@"]


class PythonComponent(msgspec.Struct, frozen=True, kw_only=True):
    """A Python component, taken out of its wrapper.

    Attributes:
        source: The program text.
        function: The function to execute.
        arguments: What the SDK's executor gets, except for the path of the program text.
        install: What the wrapper installs before it runs.
    """

    source: str
    function: str
    arguments: tuple[str, ...]
    install: Install = NOTHING_TO_INSTALL

    @property
    def kfp_requirement(self) -> str | None:
        """The SDK it asks for, None where it asks for none."""
        return self.install.kfp

    @property
    def packages(self) -> tuple[str, ...]:
        """The requirements it asks for besides the SDK."""
        return self.install.packages


class _Does(Enum):
    PREPARES = "prepares"
    GOES_ON = "goes on"
    WRITES = "writes"
    EXECUTES = "executes"


@lru_cache(maxsize=1)  # whoever looks for an executor asks, and then that executor
def recognise(argv: tuple[str, ...]) -> PythonComponent | None:
    """The Python component that a command runs, None where it runs something else."""
    install = NOTHING_TO_INSTALL
    while (layer := _split(argv)) is not None:
        script, rest = layer
        read = _read_script(script)
        if read is None or not rest:
            return None
        steps, installed = read
        install = install.joined(installed)
        if _Does.EXECUTES in steps:
            return _component(rest, install) if _Does.WRITES in steps else None
        if _Does.GOES_ON not in steps:
            return None
        argv = rest
    return None


def is_containerised(argv: tuple[str, ...]) -> bool:
    """Whether a command runs a Python component whose code is in its image, as `target_image` makes them."""
    while (layer := _split(argv)) is not None:
        script, argv = layer
        read = _read_script(script)
        if read is None or read[0] - {_Does.PREPARES} != {_Does.GOES_ON}:
            return False
    match argv:
        case [python, "-m", module, *arguments]:
            return python in _PYTHONS and module in _EXECUTORS and "--component_module_path" not in arguments
        case _:
            return False


def _split(argv: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The script a shell runs and what follows it, None where no shell runs one."""
    if len(argv) < 3 or argv[0] not in _SHELLS:
        return None
    flags = argv[1]
    return (argv[2], argv[3:]) if flags.startswith("-") and flags.endswith("c") else None


@lru_cache(maxsize=256)  # a pipeline's components share a few scripts
def _read_script(script: str) -> tuple[frozenset[_Does], Install] | None:
    """What a script does and installs, None where a part of it is not understood."""
    steps: set[_Does] = set()
    install = NOTHING_TO_INSTALL
    for words in commands(script) or [["?"]]:
        does = _read_command(words)
        if does is None:
            return None
        if isinstance(does, Install):
            install = install.joined(does)
        else:
            steps.add(does)
    return frozenset(steps), install


def _read_command(words: list[str]) -> _Does | Install | None:
    words = _without_assignments(words)
    if not words or any(words[: len(start)] == start for start in _PREPARES):
        return _Does.PREPARES
    if words == _GO_ON:
        return _Does.GOES_ON
    if words[0] == "printf":
        return _Does.WRITES if words[1:3] == ["%s", "$0"] else None
    if words[0] in _PYTHONS and words[1:2] == ["-m"]:
        return _read_module(words[2:])
    return None


def _read_module(words: list[str]) -> _Does | Install | None:
    match words:
        case [module, *_] if module in _PREPARING_MODULES:
            return _Does.PREPARES
        case ["pip", "install", *arguments]:
            return read_install(arguments)
        case [module, "--component_module_path", _, "$@"] if module in _EXECUTORS:
            return _Does.EXECUTES
        case _:
            return None


def _without_assignments(words: list[str]) -> list[str]:
    """The command itself, without the words that set variables for it or for pip, and without `then`."""
    if words[:1] == ["then"] or (words[:1] == ["export"] and all(word.startswith("PIP_") for word in words[1:])):
        words = words[1:]
    for place, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if not equals or not name.isidentifier():
            return words[place:]
    return []


def _component(rest: tuple[str, ...], install: Install) -> PythonComponent | None:
    source, *arguments = rest
    function = _option(arguments, "--function_to_execute")
    if function is None or _option(arguments, "--executor_input") is None:
        return None
    return PythonComponent(source=source, function=function, arguments=tuple(arguments), install=install)


def _option(arguments: list[str], name: str) -> str | None:
    """The value of a command-line option, in either spelling."""
    for place, argument in enumerate(arguments):
        if argument == name and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None
